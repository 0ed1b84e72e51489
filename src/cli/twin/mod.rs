//! `edgedeck twin`: read, compare and change the twin of a device or module.

mod diff;
mod document;
mod get;
mod patch;

use clap::Subcommand;

use super::answer::{Answer, Failure, Format};
use super::ask::Asker;
use super::site::Site;

pub use diff::DiffArgs;
pub use get::GetArgs;
pub use patch::PatchArgs;

/// What can be done with a twin.
#[derive(Debug, Clone, Subcommand)]
pub enum TwinCommand {
    /// Desired and reported side by side; with -o json the whole document
    Get(GetArgs),
    /// What is desired and not reported, or reported otherwise; exit code 1 when there is any
    Diff(DiffArgs),
    /// Change tags or desired properties: a merge patch against the ETag that was read
    Patch(PatchArgs),
}

/// Does one of them.
///
/// # Errors
/// A [`Failure`].
pub async fn run(site: &Site, command: &TwinCommand, format: Format, asker: Asker) -> Result<Answer, Failure> {
    match command {
        TwinCommand::Get(args) => get::run(site, args, format).await,
        TwinCommand::Diff(args) => diff::run(site, args).await,
        TwinCommand::Patch(args) => patch::run(site, args, asker).await,
    }
}
