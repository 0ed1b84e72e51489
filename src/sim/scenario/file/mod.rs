//! Scenario files: a world in TOML, from one device to a hundred thousand, with a past and with troubles. What the keys
//! mean is in `examples/scenarios/README.md`.
//!
//! `text` reads TOML and knows where everything stands, `ids` and `tags` make many out of one, `manifests` reads contents,
//! `sections` puts the rest together as a [`Plan`], `cast` decides who of a large fleet is simulated, and `play` makes of it
//! what the hub lives through.

mod cast;
mod ids;
mod manifests;
mod play;
mod sections;
mod tags;
#[cfg(test)]
mod tests;
mod text;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::sim::device::{Access, Condition, MachineSpec, Pull};
use crate::sim::faults::FaultState;
use crate::sim::hub::Terms;
use crate::sim::hub::seed::ConfigurationSeed;

pub use text::{Mistake, ScenarioError};

use ids::Pattern;
use tags::Formula;
use text::Text;

/// What a scenario file says, checked.
#[derive(Debug)]
pub(in crate::sim) struct Plan {
    /// The hub's name, without the domain.
    pub(in crate::sim) hub: String,
    /// Decides keys, ids and everything that is drawn; without it they differ from start to start.
    pub(in crate::sim) seed: Option<u64>,
    /// The instant at which the world's clock begins, in place of the real one.
    pub(in crate::sim) start: Option<Timestamp>,
    /// What the hub was bought as, and how it behaves.
    pub(in crate::sim) terms: Terms,
    /// How often deployments look at their devices.
    pub(in crate::sim) beat: Option<Duration>,
    /// What is wrong with the way to the hub from the first moment.
    pub(in crate::sim) faults: FaultState,
    /// The world's first instant.
    age: When,
    groups: Vec<Group>,
    deployments: Vec<Deployment>,
    events: Vec<Event>,
}

/// An instant, counted from the world's present: negative ones are past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct When(SignedDuration);

impl When {
    const NOW: Self = Self(SignedDuration::ZERO);

    fn instant(self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.0).unwrap_or(now)
    }
}

/// One instant, or a stretch over which many are spread.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: When,
    to: When,
}

/// Devices that have everything in common but their tags.
#[derive(Debug)]
struct Group {
    ids: Pattern,
    edge: bool,
    registered: When,
    tags: Vec<(String, Formula)>,
    /// Set by hand right after the registration.
    manifest: Option<Content>,
    /// When the runtime was installed on each.
    installed: Option<Span>,
    spec: MachineSpec,
}

/// `{"modulesContent": …}`.
type Content = Arc<Map<String, Value>>;

#[derive(Debug)]
struct Deployment {
    created: When,
    /// Its instant is put in when the world is made.
    seed: ConfigurationSeed,
}

/// Something that happens.
#[derive(Debug)]
struct Event {
    at: Span,
    /// When it is over.
    until: Option<When>,
    deed: Deed,
    /// Whom it happens to; nobody for what happens to the hub or a registry.
    devices: Vec<String>,
}

#[derive(Debug)]
enum Deed {
    /// Somebody sets a manifest by hand.
    Apply(Content),
    /// Somebody edits a twin by hand: the module, or the device; a patch with `tags` and `properties`.
    Edit(Option<String>, Value),
    /// Somebody deletes a deployment.
    Delete(String),
    Suffer(Trouble),
    Pulls(String, Pull),
    Access(String, Access),
}

/// What can be wrong with a machine.
#[derive(Debug, Clone)]
enum Trouble {
    Condition(Condition),
    /// The runtime is stopped in order.
    Stopped,
    /// The power is cut.
    Dark,
    /// Another machine has the same identity.
    Copied,
}

impl Plan {
    /// Reads a scenario. `name` is for messages, `folder` where the files it names are.
    ///
    /// # Errors
    /// [`ScenarioError`] with everything that is wrong.
    pub(in crate::sim) fn read(name: &str, text: &str, folder: &Path) -> Result<Self, ScenarioError> {
        let text = Text::new(text);
        let plan = sections::read(&text, folder);
        let mistakes = text.mistakes();
        match plan {
            Some(plan) if mistakes.is_empty() => Ok(plan),
            _ => Err(ScenarioError { file: name.to_owned(), mistakes }),
        }
    }
}
