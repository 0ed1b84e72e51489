//! A list whose cursor is an identity: no refresh, sort or filter puts another object under it.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::domain::time::Now;
use crate::tui::actions::ActionId;

/// How long keys that lead somewhere or change things are refused after the cursor's object vanished
/// (console-ux G-40).
const SETTLES_IN: Duration = Duration::from_secs(1);

/// A cursor over a changing order of ids, and the window that shows it.
#[derive(Debug, Clone)]
pub struct List<K> {
    order: Vec<K>,
    at: usize,
    top: usize,
    /// Whether the cursor belongs to its object by now.
    held: bool,
    /// When an object vanished from under the cursor.
    lost: Option<Now>,
}

impl<K> Default for List<K> {
    fn default() -> Self {
        Self { order: Vec::new(), at: 0, top: 0, held: false, lost: None }
    }
}

/// A way to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// A window up.
    PageUp,
    /// A window down.
    PageDown,
    /// Half a window up.
    HalfUp,
    /// Half a window down.
    HalfDown,
    /// To the first row.
    First,
    /// To the last row.
    Last,
}

impl Move {
    /// The movement an action stands for.
    #[must_use]
    pub fn of(action: ActionId) -> Option<Self> {
        Some(match action {
            ActionId::RowDown => Self::Down,
            ActionId::RowUp => Self::Up,
            ActionId::RowFirst => Self::First,
            ActionId::RowLast => Self::Last,
            ActionId::PageDown => Self::PageDown,
            ActionId::PageUp => Self::PageUp,
            ActionId::HalfPageDown => Self::HalfDown,
            ActionId::HalfPageUp => Self::HalfUp,
            _ => return None,
        })
    }

    /// Where a page of `lines` lines stands that showed its line `top` first, through a window of `rows`; never beyond its
    /// end, so that every step back is seen.
    #[must_use]
    pub fn scroll(self, top: usize, rows: usize, lines: usize) -> usize {
        let last = lines.saturating_sub(rows);
        let top = top.min(last);
        let to = match self {
            Self::Up => top.saturating_sub(1),
            Self::Down => top + 1,
            Self::PageUp => top.saturating_sub(rows),
            Self::PageDown => top + rows,
            Self::HalfUp => top.saturating_sub(rows / 2),
            Self::HalfDown => top + rows / 2,
            Self::First => 0,
            Self::Last => last,
        };
        to.min(last)
    }
}

impl<K: Clone + Eq + Hash> List<K> {
    /// The id under the cursor; `None` only when the list is empty.
    #[must_use]
    pub fn selected(&self) -> Option<&K> {
        self.order.get(self.at)
    }

    /// Row number of the cursor, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.at
    }

    /// All ids in their present order.
    #[must_use]
    pub fn order(&self) -> &[K] {
        &self.order
    }

    /// First row of the window.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top
    }

    /// The rows a window of `height` shows.
    #[must_use]
    pub fn window(&self, height: usize) -> &[K] {
        let top = self.clamped_top(height);
        self.order.get(top..(top + height).min(self.order.len())).unwrap_or_default()
    }

    /// First row of a window of `height` that contains the cursor.
    #[must_use]
    pub fn clamped_top(&self, height: usize) -> usize {
        if height == 0 {
            return self.top;
        }
        let lowest = (self.at + 1).saturating_sub(height);
        let last_page = self.order.len().saturating_sub(height);
        self.top.clamp(lowest, self.at).min(last_page.max(lowest))
    }

    /// The operator moves the cursor, which belongs to its object from then on.
    pub fn step(&mut self, step: Move, height: usize) {
        self.hold();
        self.go(step, height);
    }

    /// From now on the cursor belongs to its object.
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// As long as the cursor belongs to no object it stays on the first row, whatever comes in: puts it there, and says
    /// whether it did.
    pub fn keep_first(&mut self) -> bool {
        if !self.held {
            (self.at, self.top, self.lost) = (0, 0, None);
        }
        !self.held
    }

    /// Takes a new order that came by itself, as [`List::replace`] does, and notes when something is lost.
    pub fn take_over(&mut self, order: Vec<K>, now: Now) -> Option<K> {
        let lost = self.replace(order);
        if lost.is_some() {
            self.lost = Some(now);
        }
        lost
    }

    /// Whether something vanished from under the cursor a moment ago, so that a key may be meant for it.
    #[must_use]
    pub fn is_settling(&self, now: Now) -> bool {
        self.lost.is_some_and(|at| now.since(at) < SETTLES_IN)
    }

    /// Moves the cursor in a window of `height` rows.
    pub fn go(&mut self, step: Move, height: usize) {
        let last = self.order.len().saturating_sub(1);
        let page = height.max(1);
        self.at = match step {
            Move::Up => self.at.saturating_sub(1),
            Move::Down => (self.at + 1).min(last),
            Move::PageUp => self.at.saturating_sub(page),
            Move::PageDown => (self.at + page).min(last),
            Move::HalfUp => self.at.saturating_sub(page.div_ceil(2)),
            Move::HalfDown => (self.at + page.div_ceil(2)).min(last),
            Move::First => 0,
            Move::Last => last,
        };
        self.top = self.clamped_top(height);
    }

    /// Puts the cursor on `id`, if it is in the list.
    pub fn select(&mut self, id: &K) -> bool {
        match self.order.iter().position(|other| other == id) {
            Some(index) => {
                self.at = index;
                true
            }
            None => false,
        }
    }

    /// Takes a new order. The cursor stays on its id and on its row of the window; when the id is gone it goes to
    /// the nearest survivor of the old order, and the lost id is returned.
    pub fn replace(&mut self, order: Vec<K>) -> Option<K> {
        let screen_row = self.at.saturating_sub(self.top);
        let Some(selected) = self.order.get(self.at).cloned() else {
            self.order = order;
            self.at = 0;
            self.top = 0;
            return None;
        };
        let (at, lost) = match order.iter().position(|id| *id == selected) {
            Some(index) => (index, None),
            None => {
                // Only a lost id is worth an index over everything.
                let places = order.iter().enumerate().map(|(index, id)| (id, index)).collect();
                (self.survivor(&places).unwrap_or(0), Some(selected))
            }
        };
        self.order = order;
        self.at = at.min(self.order.len().saturating_sub(1));
        self.top = self.at.saturating_sub(screen_row);
        lost
    }

    /// Where the nearest neighbour of the old order stands in the new one, the one below first.
    fn survivor(&self, places: &HashMap<&K, usize>) -> Option<usize> {
        let below = self.order.iter().skip(self.at + 1);
        let above = self.order.iter().take(self.at).rev();
        let mut below = below.map(|id| places.get(id));
        let mut above = above.map(|id| places.get(id));
        loop {
            match (below.next(), above.next()) {
                (None, None) => return None,
                (Some(Some(index)), _) | (_, Some(Some(index))) => return Some(*index),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(order: &[u32], at: u32) -> List<u32> {
        let mut list = List { order: order.to_vec(), ..List::default() };
        assert!(list.select(&at));
        list
    }

    #[test]
    fn the_cursor_follows_its_id_and_falls_to_a_neighbour() {
        for (order, at, next, selected, lost) in [
            (vec![1, 2, 3], 2, vec![3, 2, 1], Some(2), None),
            (vec![1, 2, 3], 2, vec![9, 8, 1, 2], Some(2), None),
            (vec![1, 2, 3], 2, vec![1, 3], Some(3), Some(2)),
            (vec![1, 2, 3], 3, vec![1, 2], Some(2), Some(3)),
            (vec![1, 2, 3], 2, vec![], None, Some(2)),
            (vec![1, 2, 3], 2, vec![7], Some(7), Some(2)),
        ] {
            let mut list = list(&order, at);
            assert_eq!(list.replace(next.clone()), lost, "{next:?}");
            assert_eq!(list.selected().copied(), selected, "{next:?}");
        }
    }

    #[test]
    fn an_empty_list_bears_every_move() {
        let mut list: List<u32> = List::default();
        for step in
            [Move::Up, Move::Down, Move::PageUp, Move::PageDown, Move::HalfUp, Move::HalfDown, Move::First, Move::Last]
        {
            list.go(step, 0);
            list.go(step, 10);
            assert_eq!(list.selected(), None);
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Go(Move),
        Replace(Vec<u32>),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            prop::sample::select(vec![
                Move::Up,
                Move::Down,
                Move::PageUp,
                Move::PageDown,
                Move::HalfUp,
                Move::HalfDown,
                Move::First,
                Move::Last
            ])
            .prop_map(Step::Go),
            prop::collection::hash_set(0_u32..30, 0..20).prop_map(|ids| Step::Replace(ids.into_iter().collect())),
        ]
    }

    proptest! {
        /// M-54: after any refresh the cursor is on the same object, or says which one it lost; and it is in view.
        #[test]
        fn the_cursor_is_an_identity(steps in prop::collection::vec(step(), 1..60), height in 1_usize..12) {
            let mut list: List<u32> = List::default();
            list.replace((0..15).collect());
            for step in steps {
                let before = list.selected().copied();
                match step {
                    Step::Go(go) => list.go(go, height),
                    Step::Replace(order) => {
                        let present = before.is_some_and(|id| order.contains(&id));
                        let lost = list.replace(order);
                        if present {
                            prop_assert_eq!(list.selected().copied(), before);
                        } else {
                            prop_assert_eq!(lost, before);
                        }
                    }
                }
                prop_assert_eq!(list.selected().is_none(), list.order().is_empty());
                if let Some(id) = list.selected() {
                    prop_assert!(list.window(height).contains(id));
                }
            }
        }
    }
}
