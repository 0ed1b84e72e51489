//! A machine's link to the hub: when it can have one, when it comes back, and when the hub notices that it is gone.

use std::time::Duration;

use jiff::Timestamp;

use super::condition::Condition;
use super::instants::after;
use super::machine::{Machine, Moment, Power};
use super::moment::sooner;

/// A machine's link.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// Since when there is one.
    pub(super) up: Option<Timestamp>,
    /// When the next attempt will succeed.
    pub(super) returns_at: Option<Timestamp>,
    /// When the hub gives up waiting for a sign of life and ends what it held.
    pub(super) missed_at: Option<Timestamp>,
    /// Of several machines with one identity only one is let in at a time.
    pub(super) its_turn: bool,
    /// Since when its network is off.
    pub(super) cut_at: Option<Timestamp>,
    /// Whether the network carries anything to the hub and back, as far as the machine is concerned.
    open: bool,
}

impl Link {
    pub(super) fn new() -> Self {
        Self { up: None, returns_at: None, missed_at: None, its_turn: true, cut_at: None, open: true }
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        sooner(self.returns_at, self.missed_at)
    }
}

/// How long the hub holds a connection it hears nothing from.
const PATIENCE: Duration = Duration::from_secs(240);

impl Machine {
    /// Whether the machine can reach the hub and is let in.
    fn can_link(&self, moment: &Moment<'_>) -> bool {
        self.power == Power::On
            && self.link.its_turn
            && !self.conditions.has(&Condition::NetworkOff)
            && self.clock.is_trusted()
            && moment.cloud.admits(&self.device)
    }

    /// Something changed on which the link depends. `said` is whether the hub is told of an end, or has to miss us.
    pub(super) fn relink(&mut self, moment: &mut Moment<'_>, said: bool) {
        let open = self.can_link(moment);
        if open != self.link.open {
            self.link.open = open;
            self.catch_up(moment);
            self.traffic.set_link(open);
            self.take_news(moment);
        }
        match (self.link.up, open) {
            (Some(_), false) => self.lose_link(moment, said),
            (None, true) if self.link.returns_at.is_none() => {
                self.link.returns_at = Some(after(moment.at, self.dice.millis(2_000, 9_000)));
            }
            (None, false) => self.link.returns_at = None,
            (Some(_), true) | (None, true) => {}
        }
    }

    fn lose_link(&mut self, moment: &mut Moment<'_>, said: bool) {
        self.link.up = None;
        for module in self.linked_modules() {
            moment.cloud.heard(&self.device, Some(&module), moment.at);
        }
        moment.cloud.heard(&self.device, None, moment.at);
        if said {
            self.drop_links(moment);
        } else {
            self.link.missed_at = Some(after(moment.at, PATIENCE + self.dice.millis(0, 30_000)));
        }
    }

    pub(super) fn link_wake(&mut self, moment: &mut Moment<'_>) {
        if self.link.returns_at.is_some_and(|at| at <= moment.at) {
            self.link.returns_at = None;
            if self.can_link(moment) {
                self.link.up = Some(moment.at);
                self.link.missed_at = None;
                self.agent_linked(moment);
                self.hub_linked(moment);
            }
        }
        if self.link.missed_at.is_some_and(|at| at <= moment.at) {
            self.link.missed_at = None;
            self.drop_links(moment);
        }
    }

    /// The hub ends every link that went through the machine.
    fn drop_links(&mut self, moment: &mut Moment<'_>) {
        for module in moment.cloud.modules(&self.device) {
            moment.cloud.link(&self.device, Some(&module), false, moment.at);
        }
        for leaf in &self.hub.leaves {
            moment.cloud.link(leaf, None, false, moment.at);
        }
    }
}
