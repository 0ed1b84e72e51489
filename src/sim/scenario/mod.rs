//! Worlds to start with. [`default`] is the fleet behind `--sim`, [`deployments`] what it runs under, [`edge`] what
//! manifests say; here is which worlds there are.

mod default;
mod deployments;
mod edge;
#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::time::SharedClock;

use super::hub::{Seed, SimHub};

/// The hub's name in every scenario.
const HUB: &str = "iothub-production-001";

/// A world to start a simulator with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Two sites of a dozen gateways, a few strays, three things wrong; machines that have been up for hours to weeks.
    Default,
    /// An empty hub, for the tutorial and for tests that make their own devices.
    Tutorial,
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "default" => Ok(Self::Default),
            "tutorial" => Ok(Self::Tutorial),
            _ => Err(format!("there is no scenario `{name}`; there are default and tutorial")),
        }
    }
}

impl Scenario {
    /// A hub that holds this world, its past counted back from the clock's present.
    #[must_use]
    pub(super) fn build(self, seed: Seed, clock: SharedClock, real_clock: SharedClock) -> SimHub {
        let now = clock.now().wall;
        let hub = SimHub::new(HUB, seed, clock, real_clock);
        match self {
            Self::Default => {
                let world = World { now };
                let (devices, happenings) = default::world(&world);
                devices.into_iter().for_each(|device| hub.seed(device));
                hub.play(happenings);
                hub.deploy(deployments::deployments(&world));
            }
            Self::Tutorial => {}
        }
        hub
    }
}

/// The present of a world that is being made.
#[derive(Debug, Clone, Copy)]
struct World {
    now: Timestamp,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl World {
    /// The instant `seconds` ago, off the full second by a fraction that `salt` decides: machines do not start
    /// on the dot.
    fn ago(&self, seconds: u64, salt: u64) -> Timestamp {
        let ticks = salt.wrapping_mul(2_654_435_761).wrapping_add(1_234_567) % 9_999_999;
        let back = Duration::from_secs(seconds) + Duration::from_nanos(ticks * 100);
        self.now.saturating_sub(back).unwrap_or(self.now)
    }
}
