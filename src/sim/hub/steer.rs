//! What somebody at the switches can do to the service itself: its terms, its clock, its beat, and to be somebody else who
//! writes to it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::edition::Edition;
use super::message::Request;
use super::router::{Operation, Target};
use super::state::State;
use super::temper::{Service, Temper, TemperStatus, Terms};
use super::world::NoMachine;
use super::{SimHub, twins};

impl State {
    fn behave(&mut self, temper: Temper, now: Timestamp) {
        self.index.set(temper.index, now);
        self.configurations.set_metric_lag(temper.metrics);
        self.service.behave(temper);
    }
}

impl SimHub {
    /// The hub serves on these terms from the first; nobody has asked it for anything yet.
    pub(in crate::sim) fn on_terms(&self, terms: Terms) {
        let now = self.clock.now().wall;
        let mut state = self.unmade();
        state.service = Service::new(terms, now);
        state.behave(terms.temper, now);
    }

    /// Buys another edition.
    pub(in crate::sim) fn buy(&self, edition: Edition) {
        self.state().service.buy(edition);
    }

    /// Changes how the hub behaves.
    pub(in crate::sim) fn behave(&self, change: impl FnOnce(&mut Temper)) {
        let (mut state, now) = self.present();
        let mut temper = state.service.temper;
        change(&mut temper);
        state.behave(temper, now);
    }

    /// So many of the day's messages are used.
    pub(in crate::sim) fn set_used(&self, used: u64) {
        let (mut state, now) = self.present();
        state.service.set_used(used, now);
    }

    /// The hub's clock is ahead of everybody else's by this much.
    pub(in crate::sim) fn set_skew(&self, skew: SignedDuration) {
        self.state().service.skew = skew;
    }

    /// On which terms it serves, and what was taken.
    pub(in crate::sim) fn temper(&self) -> TemperStatus {
        let (mut state, now) = self.present();
        let behind = state.index.behind();
        state.service.status(behind, now)
    }

    /// Another beat, on which the hub notices what changed on the side of the devices; the first one counts from now.
    pub(in crate::sim) fn set_beat(&self, beat: Duration) {
        self.state().configurations.set_beat(beat, self.clock.now().wall);
    }

    /// Somebody else writes to the twin that a request is about to write to.
    pub(in crate::sim) fn overtake(&self, request: &Request) {
        let Some(target) = Target::of(request) else { return };
        if let Some(Operation::WriteTwin(device, module, _)) = Operation::of(&request.method, &target.segments) {
            // There may be none; then the request is told so.
            let _there_is_one = self.touch(device, module);
        }
    }

    /// Writes a tag as somebody else would, so that the entity tag moves under whoever edits the twin.
    ///
    /// # Errors
    /// [`NoMachine`] when there is no such twin.
    pub(in crate::sim) fn touch(&self, device: &str, module: Option<&str>) -> Result<(), NoMachine> {
        let (mut state, now) = self.present();
        let twin = twins::find_twin(&mut state, device, module, now).ok_or_else(|| match module {
            Some(module) => NoMachine::Module { device: device.to_owned(), module: module.to_owned() },
            None => NoMachine::Device(device.to_owned()),
        })?;
        twin.touch(now);
        Ok(())
    }
}
