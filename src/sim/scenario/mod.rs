//! Worlds to start with. [`default`] is the fleet behind `--sim`, [`deployments`] what it runs under, [`edge`] what
//! manifests say, [`mod@file`] reads worlds that others wrote, [`shelf`] has those that come along; here is which there are.

mod copy;
mod default;
mod deployments;
mod edge;
mod file;
mod shelf;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::snapshot::HubSnapshot;
use crate::domain::time::SharedClock;

use super::clock::{FastClock, ShiftedClock};
use super::faults::FaultState;
use super::hub::{Seed, SimHub, Terms};

use copy::Parts;
use file::Plan;
pub use file::{Mistake, ScenarioError};

/// The hub's name when a scenario gives it none.
const HUB: &str = "iothub-production-001";

/// A file larger than this is no scenario.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// A copy larger than this does not fit into memory beside everything else.
const MOST_COPIED: u64 = 1024 * 1024 * 1024;

/// A world to start a simulator with.
#[derive(Debug, Clone)]
pub enum Scenario {
    /// Two sites of a dozen gateways, a few strays, three things wrong; machines that have been up for hours to weeks.
    Default,
    /// An empty hub, for the tutorial and for tests that make their own devices.
    Tutorial,
    /// What somebody wrote.
    Written(Written),
    /// A hub as it was copied.
    Copied(Copied),
}

/// A copy of a hub, read and checked.
#[derive(Debug, Clone)]
pub struct Copied {
    name: String,
    copy: Arc<HubSnapshot>,
}

/// A scenario out of a file, read and checked.
#[derive(Debug, Clone)]
pub struct Written {
    name: String,
    plan: Arc<Plan>,
}

impl Scenario {
    /// The scenario with that name (`f04` is enough for `f04-crash-loop`), or in the file at that path.
    ///
    /// # Errors
    /// [`ScenarioError`] when there is none, or with everything that is wrong in the file.
    pub fn open(named: &str) -> Result<Self, ScenarioError> {
        match named {
            "default" => return Ok(Self::Default),
            "tutorial" => return Ok(Self::Tutorial),
            _ => {}
        }
        let short = |name: &str| name.split_once('-').is_some_and(|(number, _)| number == named);
        if let Some((name, text)) = shelf::SHELF.iter().find(|(name, _)| *name == named || short(name)) {
            return Self::read(name, text, Path::new("."));
        }
        let path = Path::new(named);
        let failed = |text: String| {
            let mistakes = vec![Mistake { line: 0, column: 0, text }];
            ScenarioError { file: named.to_owned(), mistakes }
        };
        let is_path = named.contains('/') || path.extension().is_some();
        if !is_path && !path.exists() {
            let names = Self::names().join(", ");
            return Err(failed(format!("is no scenario; there are {names}, or the path of a file")));
        }
        let text =
            read_text(path, MOST_BYTES).map_err(|why| failed(format!("{why}; name a scenario or a TOML file")))?;
        Self::read(named, &text, path.parent().unwrap_or(Path::new(".")))
    }

    /// The hub in a file that `edgedeck snapshot` wrote.
    ///
    /// # Errors
    /// Which file, and what is wrong with it.
    pub fn copied(path: &Path) -> Result<Self, String> {
        let name = path.to_string_lossy().into_owned();
        let copy = read_text(path, MOST_COPIED).and_then(|text| HubSnapshot::read(&text));
        copy.map(|copy| Self::Copied(Copied { name: name.clone(), copy: Arc::new(copy) }))
            .map_err(|why| format!("{name} {why}"))
    }

    /// Reads the text of a scenario file called `name`; the files it names are looked for in `folder`.
    ///
    /// # Errors
    /// [`ScenarioError`] with everything that is wrong.
    pub fn read(name: &str, text: &str, folder: &Path) -> Result<Self, ScenarioError> {
        let plan = Arc::new(Plan::read(name, text, folder)?);
        Ok(Self::Written(Written { name: name.to_owned(), plan }))
    }

    /// The scenarios that come along.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let shelf = shelf::SHELF.iter().map(|(name, _)| *name);
        ["default", "tutorial"].into_iter().chain(shelf).collect()
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Default => "default",
            Self::Tutorial => "tutorial",
            Self::Written(written) => &written.name,
            Self::Copied(copied) => &copied.name,
        }
    }

    fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Default | Self::Tutorial | Self::Copied(_) => None,
            Self::Written(written) => Some(&written.plan),
        }
    }

    /// What it wants keys and ids to be made from; nothing when they should be new at every start.
    #[must_use]
    pub fn seed(&self) -> Option<Seed> {
        self.plan()?.seed.map(Seed::numbered)
    }

    /// The instant its world begins at; nothing when that is the real present.
    #[must_use]
    pub fn start(&self) -> Option<Timestamp> {
        self.plan()?.start
    }

    /// The world's clock over the real one.
    #[must_use]
    pub fn clock(&self, real: &SharedClock) -> SharedClock {
        match self.start() {
            Some(start) => ShiftedClock::to_begin_at(start, real),
            None => Arc::clone(real),
        }
    }

    /// The world's clock over the real one, so many times as fast.
    #[must_use]
    pub(super) fn fast_clock(&self, speed: u32, real: &SharedClock) -> SharedClock {
        FastClock::to_begin_at(self.start().unwrap_or(real.now().wall), speed, real)
    }

    /// What is wrong with the way to the hub from the first moment.
    pub(super) fn faults(&self) -> FaultState {
        self.plan().map(|plan| plan.faults).unwrap_or_default()
    }

    /// On which terms its hub serves.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.plan().map(|plan| plan.terms).unwrap_or_default()
    }

    /// A hub that holds this world as soon as somebody looks, its past counted back from the clock's present.
    #[must_use]
    pub(super) fn build(&self, seed: Seed, clock: SharedClock, real_clock: SharedClock) -> SimHub {
        let now = clock.now().wall;
        let named = |name: &str| SimHub::new(name, seed, clock, real_clock);
        match self {
            Self::Default => named(HUB).beginning_with(Box::new(move |hub| {
                let world = World { now };
                let (devices, happenings) = default::world(&world);
                devices.into_iter().for_each(|device| hub.seed(device));
                hub.play(happenings);
                hub.deploy(deployments::deployments(&world));
            })),
            Self::Tutorial => named(HUB),
            Self::Copied(Copied { copy, .. }) => {
                let copy = Arc::clone(copy);
                let name = copy.hub.split('.').next().unwrap_or(HUB).to_owned();
                named(&name).beginning_with(Box::new(move |hub| {
                    let Parts { devices, happenings, configurations } = copy::parts(&copy, &World { now });
                    devices.into_iter().for_each(|device| hub.seed(device));
                    hub.play(happenings);
                    hub.deploy(configurations);
                }))
            }
            Self::Written(written) => {
                let plan = Arc::clone(&written.plan);
                let hub = named(&written.plan.hub);
                hub.on_terms(written.plan.terms);
                hub.beginning_with(Box::new(move |hub| {
                    hub.begin(plan.begin(now), plan.beat);
                    let cast = plan.cast();
                    hub.play(plan.happenings(&cast, now));
                    hub.echo(plan.echoes(&cast));
                }))
            }
        }
    }
}

/// The text of a file of at most `most` bytes, or what is wrong with it. A pipe has no size, and may never end.
fn read_text(path: &Path, most: u64) -> Result<String, String> {
    let unread = |error: std::io::Error| format!("could not be read: {error}");
    let meta = std::fs::metadata(path).map_err(unread)?;
    if !meta.is_file() {
        return Err("is no file".to_owned());
    }
    if meta.len() > most {
        return Err(format!("has more than {most} bytes"));
    }
    std::fs::read_to_string(path).map_err(unread)
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
