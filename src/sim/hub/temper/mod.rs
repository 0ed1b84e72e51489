//! The service's temper: it was bought as something, serves at a rate, and has so many messages a day. Here is what of that
//! is in force and what has become of it; `rates` and `meter` count, `cost` says what a request takes, `index` is
//! what queries see.
//!
//! Messages are counted whether or not somebody runs out of them, so that switching the meter on finds the day as it was.
//! Those of machines are what they report and what they are told; their telemetry is not counted.

mod cost;
mod index;
mod meter;
mod rates;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::configurations::LAG;
use super::edition::{Class, Edition};
use super::errors::{Code, HubError};
use super::message::{Request, Response};
use super::refusal::Refusal;
use super::router::Operation;

pub(super) use index::Index;
use meter::Meter;
pub use rates::Turns;
use rates::{Rates, Turn};

/// Which of the service's habits are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Temper {
    /// What comes too fast waits, and then is refused with 429.
    pub throttle: bool,
    /// When the day's messages are used up, what costs some is refused with 403002.
    pub meter: bool,
    /// How far what queries see comes behind, at most.
    pub index: Duration,
    /// How long it takes until a link that came or went is noticed.
    pub links: Duration,
    /// How long after deployments were looked at there are figures, more or less.
    pub metrics: Duration,
}

impl Default for Temper {
    /// A kind one.
    fn default() -> Self {
        Self { throttle: false, meter: false, index: Duration::ZERO, links: Duration::ZERO, metrics: LAG }
    }
}

impl Temper {
    /// As the service is. Of links it says that their state may be late by minutes; the least of that is taken.
    pub const REAL: Self = Self {
        throttle: true,
        meter: true,
        index: Duration::from_secs(5),
        links: Duration::from_secs(60),
        metrics: LAG,
    };
}

/// What a hub is to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// What it was bought as.
    pub edition: Edition,
    /// How it behaves.
    pub temper: Temper,
    /// Messages of the day that are gone already; what its machines used, without it.
    pub used: Option<u64>,
    /// How far its clock is ahead of everybody else's.
    pub skew: SignedDuration,
}

/// What `:sim` shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemperStatus {
    /// What the hub was bought as.
    pub edition: Edition,
    /// How it behaves.
    pub temper: Temper,
    /// One for each class.
    pub classes: Vec<ClassStatus>,
    /// Messages used since midnight UTC.
    pub used: u64,
    /// Requests refused since then because of that.
    pub over_quota: u64,
    /// How far its clock is ahead.
    pub skew: SignedDuration,
    /// Devices that queries see otherwise than they are.
    pub behind: usize,
}

/// One class of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassStatus {
    /// Which.
    pub class: Class,
    /// How much of its burst is used, in percent; above a hundred, requests wait.
    pub used: u32,
    /// What became of its requests.
    pub turns: Turns,
}

/// The terms in force, and what was taken.
#[derive(Debug)]
pub(super) struct Service {
    edition: Edition,
    pub(super) temper: Temper,
    rates: Rates,
    meter: Meter,
    pub(super) skew: SignedDuration,
}

impl Service {
    /// On these terms.
    pub(super) fn new(terms: Terms, now: Timestamp) -> Self {
        let Terms { edition, temper, used, skew } = terms;
        let mut meter = Meter::default();
        meter.set(used.unwrap_or_default(), now);
        Self { edition, temper, rates: Rates::default(), meter, skew }
    }

    pub(super) fn edition(&self) -> Edition {
        self.edition
    }

    /// Another edition: what was taken at the old one's rates is forgotten, the day's messages are not.
    pub(super) fn buy(&mut self, edition: Edition) {
        self.edition = edition;
        self.rates.rest();
    }

    /// Switches the habits.
    pub(super) fn behave(&mut self, temper: Temper) {
        if temper.throttle && !self.temper.throttle {
            self.rates.rest();
        }
        self.temper = temper;
    }

    /// As if so many of the day's messages had been used.
    pub(super) fn set_used(&mut self, used: u64, now: Timestamp) {
        self.meter.set(used, now);
    }

    /// Counts messages of the machines.
    pub(super) fn charge(&mut self, bytes: usize, at: Timestamp) {
        self.meter.charge(self.edition.messages(bytes), at);
    }

    /// Whether a request is served now; the refusal says when it is asked again, if it is only late. Whoever waited for
    /// its turn is asked no second time for the rate, but for the quota: a day can end meanwhile.
    pub(super) fn admit(
        &mut self,
        operation: &Operation<'_>,
        request: &Request,
        hub: &str,
        now: Timestamp,
    ) -> Result<(), HubError> {
        let class = operation.class();
        if self.edition.is_basic() && !matches!(class, Class::Registry | Class::Query) {
            let text = format!("Operation is not available in the {} tier.", self.edition.sku().name());
            return Err(HubError::new(Code::OperationNotAvailableInCurrentTier, text));
        }
        // A method that nobody has answered yet is the same request.
        if !request.waited.is_zero() {
            return Ok(());
        }
        if self.temper.throttle && !request.queued {
            let (operations, whole) = operation.operations(request);
            let throttled = || Refusal::Throttled.error(Some(operation), hub, self.edition);
            match self.rates.take(self.edition, class, operations, whole, now) {
                Turn::Now => {}
                Turn::After(wait) => return Err(throttled().in_turn(wait)),
                Turn::Never => return Err(throttled()),
            }
        }
        if self.temper.meter && operation.is_metered() {
            let (used, most) = (self.meter.used(now), self.edition.messages_a_day());
            if used >= most {
                self.meter.refuse();
                return Err(HubError::quota_exceeded(hub, most, used));
            }
        }
        Ok(())
    }

    /// Counts what an answered request cost.
    pub(super) fn settle(
        &mut self,
        operation: &Operation<'_>,
        request: &Request,
        answer: &Result<Response, HubError>,
        now: Timestamp,
    ) {
        let answered = match answer {
            Ok(response) => Some(response),
            // It is asked again, and counted then.
            Err(error) if error.is_put_off() => return,
            Err(_) => None,
        };
        self.meter.charge(operation.messages(self.edition, request, answered), now);
    }

    /// What is in force and what was taken.
    pub(super) fn status(&mut self, behind: usize, now: Timestamp) -> TemperStatus {
        let class = |class| ClassStatus { class, used: self.rates.used(class, now), turns: self.rates.turns(class) };
        let classes = Class::ALL.map(class).to_vec();
        TemperStatus {
            edition: self.edition,
            temper: self.temper,
            classes,
            used: self.meter.used(now),
            over_quota: self.meter.refused(),
            skew: self.skew,
            behind,
        }
    }
}
