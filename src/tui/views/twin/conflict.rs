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
    /// Whether mine is taken, per divergence; `None` where both changed it and nobody chose yet.
    pub mine_wins: Vec<Option<bool>>,
    /// The cursor over the divergences.
    pub list: List<usize>,
    /// What I typed; the choices go on as long as it is still that.
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
        // What only one touched is kept; where both did, nobody wins until somebody chooses.
        let settled = |d: &Divergence| (d.touched != Touched::Clash).then_some(d.touched == Touched::Mine);
        let mine_wins = divergences.iter().map(settled).collect();
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
                    *wins = Some(mine);
                }
                Ok(())
            }
            Some(Touched::Theirs) => Err("only they changed this path; it stays as it is at the hub"),
            Some(Touched::Agreed) => Err("both changed this path to the same value"),
            None => Ok(()),
        }
    }

    /// How many paths still need a choice.
    #[must_use]
    pub fn undecided(&self) -> usize {
        self.mine_wins.iter().filter(|wins| wins.is_none()).count()
    }

    /// Moves to the next (or previous) path that still needs a choice, around the end if need be; when all are chosen,
    /// to the next one that was.
    pub fn step(&mut self, forward: bool) {
        let (at, count) = (self.list.index(), self.divergences.len());
        let all_chosen = self.undecided() == 0;
        let wanted = |index: &usize| match self.mine_wins.get(*index) {
            Some(None) => true,
            Some(Some(_)) => all_chosen && self.divergences.get(*index).is_some_and(|d| d.touched == Touched::Clash),
            None => false,
        };
        let found = if forward {
            (at + 1..count).chain(0..at).find(wanted)
        } else {
            (0..at).rev().chain((at + 1..count).rev()).find(wanted)
        };
        if let Some(index) = found {
            self.list.select(&index);
        }
    }

    /// Whether these are the two changes of this text and that twin, so that the choices still mean something.
    #[must_use]
    pub fn is_of(&self, text: &str, theirs: &Twin) -> bool {
        self.text == text && self.theirs.etag == theirs.etag
    }

    /// My edit again, now on their twin, with the choices made; the number of paths still to choose while there are any.
    ///
    /// # Errors
    /// How many choices are missing.
    pub fn rebase(&self) -> Result<Edit, usize> {
        let chosen: Vec<bool> = self.mine_wins.iter().copied().flatten().collect();
        if chosen.len() < self.mine_wins.len() {
            return Err(self.undecided());
        }
        let wanted = patch::resolve(&conceal(&self.theirs.desired.values), &self.divergences, &chosen);
        Ok(Edit::over(self.theirs.clone(), &json::pretty(&Value::Object(wanted))))
    }
}
