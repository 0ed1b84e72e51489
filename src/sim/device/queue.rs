//! Who is to be woken when. One entry per machine; the earliest first, and at one instant the machine that came first.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// The wake-ups of all machines.
#[derive(Debug, Default)]
pub(super) struct Queue {
    order: BTreeSet<(Timestamp, u32)>,
    by_machine: BTreeMap<u32, Timestamp>,
}

impl Queue {
    /// A machine is to be woken then, and not when it was before; `None`: not at all.
    pub(super) fn set(&mut self, machine: u32, at: Option<Timestamp>) {
        let before = match at {
            Some(at) => self.by_machine.insert(machine, at),
            None => self.by_machine.remove(&machine),
        };
        if let Some(before) = before {
            self.order.remove(&(before, machine));
        }
        if let Some(at) = at {
            self.order.insert((at, machine));
        }
    }

    /// Takes the first machine that is due by `now`, and when it was.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<(Timestamp, u32)> {
        let (at, machine) = self.order.first().copied().filter(|(at, _)| *at <= now)?;
        self.set(machine, None);
        Some((at, machine))
    }

    /// How many machines wait for an instant.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_earliest_first_each_machine_once() {
        let mut queue = Queue::default();
        for (machine, second) in [(1, 30), (2, 10), (3, 10), (1, 20), (4, 99)] {
            queue.set(machine, Some(at(second)));
        }
        queue.set(2, None);
        assert_eq!(queue.len(), 3);
        assert_eq!(queue.next(at(25)), Some((at(10), 3)));
        assert_eq!(queue.next(at(25)), Some((at(20), 1)));
        assert_eq!(queue.next(at(25)), None);
        assert_eq!(queue.len(), 1);
    }
}
