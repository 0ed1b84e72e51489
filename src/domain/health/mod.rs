//! What an Edge device should run, what it says it runs, and what that means in words.
//!
//! Source: the `$edgeAgent` module twin. Desired: `systemModules` and `modules` of the manifest; reported: edgeAgent's
//! own account. A crash loop leaves `lastDesiredStatus` at 200, so the verdict looks at every module.

mod agent;
mod codes;
mod device;
mod module;
#[cfg(test)]
mod tests;

pub use agent::AgentReport;
pub use codes::{MAX_RESTARTS, agent_code_words, backoff_wait, exit_code_words};
pub use device::{DeviceVerdict, EdgeHubLink};
pub use module::{ModuleState, ModuleVerdict, ReportedModule, RuntimeStatus, WantedModule, same_image};

/// How a verdict is to be taken; the screen turns it into a sign, a word and a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// As it should be.
    Ok,
    /// On its way.
    Progress,
    /// Not well, still trying.
    Warn,
    /// Broken.
    Bad,
    /// Not running, on purpose or with code 0.
    Paused,
    /// Nobody knows.
    Unknown,
}
