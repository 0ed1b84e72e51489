//! After a 412: what I wanted, what they wrote, and a choice per path. Nothing was overwritten, nothing typed is lost.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::edit::Edit;
use crate::domain::ids::ETag;
use crate::domain::json;
use crate::domain::patch::{self, Divergence, Touched};
use crate::domain::secret::conceal;
use crate::domain::twin::Twin;
use crate::tui::widgets::list::List;

/// How two changes of one twin came to light, and so what is known of mine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noticed {
    /// Nothing was sent yet.
    BeforeSending,
    /// The hub refused mine with 412.
    Refused,
    /// Mine got no answer, and did not take effect: somebody else wrote instead.
    Overtaken,
    /// Mine got no answer, and nobody can tell whether it took effect before others wrote.
    Undecidable,
}

/// Two changes of one twin, side by side.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// The twin as it is at the hub now.
    pub theirs: Arc<Twin>,
    /// The tag my edit was based on.
    pub base_etag: ETag,
    /// Every path that one of us touched.
    pub divergences: Vec<Divergence>,
    /// Whether mine is taken, per divergence.
    pub mine_wins: Vec<bool>,
    /// The cursor over the divergences.
    pub list: List<usize>,
    /// What I typed, for going back to it.
    pub text: String,
    /// How it came to light.
    pub how: Noticed,
    /// Whether the desired properties were not written at all since.
    pub tags_only: bool,
}

impl Conflict {
    /// Compares. `base` and `mine` hold no secrets: placeholders stand for them, and equal ones are no difference.
    #[must_use]
    pub fn new(
        base: &Map<String, Value>,
        base_etag: ETag,
        theirs: Arc<Twin>,
        mine: &Map<String, Value>,
        text: String,
    ) -> Self {
        let mine = match patch::without_nulls(&Value::Object(mine.clone())) {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        let divergences = patch::three_way(base, &conceal(&theirs.desired.values), &mine);
        // What only I touched is kept; where both did, nobody wins until somebody chooses: theirs stands.
        let mine_wins = divergences.iter().map(|d| d.touched == Touched::Mine).collect();
        let mut list = List::default();
        list.replace((0..divergences.len()).collect());
        if let Some(first) = divergences.iter().position(|d| d.touched == Touched::Clash) {
            list.select(&first);
        }
        Self { theirs, base_etag, divergences, mine_wins, list, text, how: Noticed::BeforeSending, tags_only: false }
    }

    /// Takes mine or theirs at the cursor; says why not when there is no choice.
    pub fn choose(&mut self, mine: bool) -> Result<(), &'static str> {
        let Some(index) = self.list.selected().copied() else { return Ok(()) };
        match self.divergences.get(index).map(|d| d.touched) {
            Some(Touched::Clash | Touched::Mine) => {
                if let Some(wins) = self.mine_wins.get_mut(index) {
                    *wins = mine;
                }
                Ok(())
            }
            Some(Touched::Theirs) => Err("only they changed this path; it stays as it is at the hub"),
            Some(Touched::Agreed) => Err("both changed this path to the same value"),
            None => Ok(()),
        }
    }

    /// Moves to the next (or previous) path that needs a choice.
    pub fn step(&mut self, forward: bool) {
        let at = self.list.index();
        let clash = |index: &usize| self.divergences.get(*index).is_some_and(|d| d.touched == Touched::Clash);
        let count = self.divergences.len();
        let found = if forward { (at + 1..count).find(clash) } else { (0..at).rev().find(clash) };
        if let Some(index) = found {
            self.list.select(&index);
        }
    }

    /// My edit again, now on their twin, with the choices made.
    #[must_use]
    pub fn rebase(&self) -> Edit {
        let wanted = patch::resolve(&conceal(&self.theirs.desired.values), &self.divergences, &self.mine_wins);
        Edit::over(self.theirs.clone(), &json::pretty(&Value::Object(wanted)))
    }
}
