//! `edgedeck device`: one device's identity, looked at and changed.

mod change;
mod connection;
mod show;
mod tags;

use clap::Subcommand;

use super::answer::{Answer, Failure};
use super::ask::Asker;
use super::site::Site;

pub use change::{CreateArgs, DisableArgs, TargetArgs};
pub use connection::ConnectionArgs;
pub use show::ShowArgs;
pub use tags::TagsArgs;

pub(super) use show::{exit_code, link, module_item};

/// What can be done with one device.
#[derive(Debug, Clone, Subcommand)]
pub enum DeviceCommand {
    /// Everything about one device
    Show(ShowArgs),
    /// Register a device; the hub makes its keys
    Create(CreateArgs),
    /// What the device signs in with, masked until it is asked for by name
    ConnectionString(ConnectionArgs),
    /// Let a device connect again
    Enable(TargetArgs),
    /// Cut a device off; its identity, twins and keys stay
    Disable(DisableArgs),
    /// Delete a device with its modules, twins and keys; nothing brings the keys back
    Delete(TargetArgs),
    /// Set and remove tags of the device's twin
    SetTags(TagsArgs),
}

/// Does one of them.
///
/// # Errors
/// A [`Failure`].
pub async fn run(site: &Site, command: &DeviceCommand, asker: Asker) -> Result<Answer, Failure> {
    match command {
        DeviceCommand::Show(args) => show::run(site, args).await,
        DeviceCommand::Create(args) => change::create(site, args, asker).await,
        DeviceCommand::ConnectionString(args) => connection::run(site, args, asker).await,
        DeviceCommand::Enable(args) => change::enable(site, args, asker).await,
        DeviceCommand::Disable(args) => change::disable(site, args, asker).await,
        DeviceCommand::Delete(args) => change::delete(site, args, asker).await,
        DeviceCommand::SetTags(args) => tags::run(site, args, asker).await,
    }
}
