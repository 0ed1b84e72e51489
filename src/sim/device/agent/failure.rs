//! edgeAgent's words for what went wrong, as they end up in `lastDesiredStatus.description`.

use crate::sim::device::runtime::RuntimeVersion;

use super::plan::Step;

/// Why a step did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The daemon refused; for a pull, with the registry's reason.
    Refused(&'static str),
    /// The daemon did not answer in time.
    GivenUp,
}

impl Failure {
    /// The text of one failed command.
    pub(super) fn text(&self, step: &Step, daemon: &RuntimeVersion) -> String {
        let (operation, name, error) = match step {
            Step::Pull(spec) => {
                let image = spec.image.as_str();
                ("prepare update for", &spec.name, format!("registry operation error: pull image \"{image}\""))
            }
            Step::Create(spec) => ("Create", &spec.name, refused("create", &spec.name)),
            Step::Update(spec) | Step::ReplaceAgent(spec) => ("update", &spec.name, refused("create", &spec.name)),
            Step::Start(name) => ("start", name, refused("start", name)),
            Step::Stop(name) => ("stop", name, refused("stop", name)),
            Step::Remove(name) | Step::Count(name) | Step::Forget(name) => ("Delete", name, refused("remove", name)),
        };
        match self {
            Self::GivenUp => "The operation was canceled.".to_owned(),
            Self::Refused(reason) if !daemon.is_terse() => match step {
                Step::Pull(spec) => {
                    let image = spec.image.as_str();
                    format!(
                        "Error calling prepare update for module {name}: Could not prepare update for module \"{name}\"\n\tcaused by: Could not pull image {image}\n\tcaused by: {reason}"
                    )
                }
                _ => format!("Error calling {operation} module {name}: Could not {operation} module {name}"),
            },
            Self::Refused(_) => format!("Error calling {operation} module {name}: {error}"),
        }
    }
}

fn refused(operation: &str, name: &str) -> String {
    format!("runtime operation error: {operation} module \"{name}\"")
}

/// The text of all failures of a pass together.
pub(super) fn together(failures: &[String]) -> String {
    let each: Vec<String> = failures.iter().map(|failure| format!(" ({failure})")).collect();
    format!("One or more errors occurred.{}", each.concat())
}
