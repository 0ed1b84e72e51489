//! The rows there are to see, and the window over them: which rows fit, and where it stands after a move.

use super::ink::Ink;
use super::{LogView, Spot};
use crate::logs::ring::{Filter, LineId, Picture, Row};
use crate::tui::shell::Shell;
use crate::tui::widgets::list::Move;

/// The rows that are shown, of all that are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub picture: &'a Picture,
    pub filter: Filter,
    /// What was cleared away ends here.
    pub after: Option<LineId>,
}

impl<'a> Rows<'a> {
    /// From a row on, or from the first.
    pub fn down(self, from: Option<LineId>) -> Box<dyn Iterator<Item = &'a Row> + 'a> {
        let after = self.after;
        let kept = move |row: &&Row| after.is_none_or(|after| row.id > after);
        match from.max(after) {
            Some(from) => Box::new(self.picture.from(from, self.filter).filter(kept)),
            None => Box::new(self.picture.all(self.filter)),
        }
    }

    /// From the one before a row backwards, or from the last.
    pub fn up(self, before: Option<LineId>) -> Box<dyn Iterator<Item = &'a Row> + 'a> {
        let after = self.after;
        let kept = move |row: &&Row| after.is_none_or(|after| row.id > after);
        match before {
            Some(before) => Box::new(self.picture.before(before, self.filter).take_while(kept)),
            None => Box::new(self.picture.all(self.filter).rev().take_while(kept)),
        }
    }

    pub fn first(self) -> Option<LineId> {
        self.down(None).next().map(|row| row.id)
    }

    pub fn last(self) -> Option<LineId> {
        self.up(None).next().map(|row| row.id)
    }

    /// The row itself where it is shown, else the nearest below it, else the last.
    pub fn near(self, id: LineId) -> Option<LineId> {
        self.down(Some(id)).next().map(|row| row.id).or_else(|| self.last())
    }

    /// The row so many rows below, or as far as there are some.
    fn below(self, id: LineId, steps: usize) -> Option<LineId> {
        self.down(Some(id)).take(steps + 1).last().map(|row| row.id)
    }

    fn above(self, id: LineId, steps: usize) -> Option<LineId> {
        self.up(Some(id)).take(steps).last().map(|row| row.id)
    }
}

impl LogView {
    /// The rows of the window, from the top, and the one under the cursor. Following, there is no cursor, and the last
    /// line of the last row is the window's last.
    pub(super) fn window<'a>(&self, rows: Rows<'a>, ink: &Ink<'_>, height: usize) -> (Vec<&'a Row>, Option<LineId>) {
        let mut used = 0;
        let mut fits = |row: &&Row| {
            let before = used;
            used += ink.height(row);
            before < height
        };
        match self.spot.and_then(|_| self.here(rows, ink, height)) {
            Some(spot) => (rows.down(Some(spot.top)).take_while(fits).collect(), Some(spot.at)),
            None => {
                let mut window: Vec<&Row> = rows.up(None).take_while(&mut fits).collect();
                window.reverse();
                (window, None)
            }
        }
    }

    /// Where the reader is, or would be once he stops following: on the last row of the window.
    pub(super) fn here(&self, rows: Rows<'_>, ink: &Ink<'_>, height: usize) -> Option<Spot> {
        match self.spot {
            // The row may have been dropped, or hidden by a filter; and the terminal may have another size.
            Some(spot) => {
                let at = rows.near(spot.at)?;
                let top = rows.near(spot.top).unwrap_or(at);
                Some(in_sight(Spot { at, top, ..spot }, rows, ink, height))
            }
            None => {
                let (at, left) = (rows.last()?, rows.picture.last()?.id);
                Some(Spot { at, top: top_above(rows, ink, at, height), left, news: 0 })
            }
        }
    }

    /// Moves the cursor; up is where following ends, and the end is where it begins again.
    pub(super) fn go(&mut self, step: Move, shell: &Shell) {
        let is_down = matches!(step, Move::Down | Move::PageDown | Move::HalfDown);
        if step == Move::Last {
            self.spot = None;
        } else if !(is_down && self.spot.is_none()) {
            self.spot = self.moved(step, shell).or(self.spot);
        }
    }

    fn moved(&self, step: Move, shell: &Shell) -> Option<Spot> {
        let tail = self.tail(shell)?;
        let (rows, ink, height) = (self.rows(&tail.log), self.ink(shell), self.height(shell));
        let spot = self.here(rows, &ink, height)?;
        let (at, top) = (spot.at, spot.top);
        let half = height.div_ceil(2).max(1);
        let (at, top) = match step {
            Move::Up => (rows.above(at, 1).unwrap_or(at), top),
            Move::Down => (rows.below(at, 1).unwrap_or(at), top),
            Move::HalfUp => (rows.above(at, half).unwrap_or(at), top),
            Move::HalfDown => (rows.below(at, half).unwrap_or(at), top),
            Move::PageUp => {
                let first = top_above(rows, &ink, top, height);
                (first, first)
            }
            Move::PageDown => {
                let last = self.window(rows, &ink, height).0.last().map_or(at, |row| row.id);
                (last, last)
            }
            Move::First => rows.first().map_or((at, top), |first| (first, first)),
            Move::Last => (at, top),
        };
        Some(in_sight(Spot { at, top, ..spot }, rows, &ink, height))
    }

    /// Puts the cursor on a row, and the window around it.
    pub(super) fn go_to(&mut self, id: LineId, shell: &Shell) {
        self.spot = self.at(id, shell).or(self.spot);
    }

    fn at(&self, id: LineId, shell: &Shell) -> Option<Spot> {
        let tail = self.tail(shell)?;
        let (rows, ink, height) = (self.rows(&tail.log), self.ink(shell), self.height(shell));
        let spot = self.here(rows, &ink, height)?;
        let is_in_sight = self.window(rows, &ink, height).0.iter().any(|row| row.id == id);
        // Out of sight, it comes into the middle: what is around a hit is why it was looked for.
        let top = if is_in_sight { spot.top } else { top_above(rows, &ink, id, height / 2) };
        Some(in_sight(Spot { at: id, top, ..spot }, rows, &ink, height))
    }
}

/// The first row of a window of `height` lines that ends with `id`.
fn top_above(rows: Rows<'_>, ink: &Ink<'_>, id: LineId, height: usize) -> LineId {
    let Some(last) = rows.down(Some(id)).next() else { return id };
    let mut used = ink.height(last);
    let mut top = last.id;
    for row in rows.up(Some(last.id)) {
        used += ink.height(row);
        if used > height {
            break;
        }
        top = row.id;
    }
    top
}

/// The window moved as little as it takes to show the cursor, and to leave no room unused below the last row.
fn in_sight(spot: Spot, rows: Rows<'_>, ink: &Ink<'_>, height: usize) -> Spot {
    let lowest = top_above(rows, ink, spot.at, height);
    let last = rows.last().map_or(spot.at, |last| top_above(rows, ink, last, height));
    Spot { top: spot.top.min(last).max(lowest).min(spot.at), ..spot }
}
