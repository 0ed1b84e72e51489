//! `edgedeck device create|enable|disable|delete`.

use clap::Args;

use crate::cli::answer::{Answer, Failure};
use crate::cli::ask::Asker;
use crate::cli::site::Site;
use crate::cli::target::device_id;
use crate::cli::write::{self, WriteArgs};
use crate::domain::ids::DeviceId;
use crate::ops::Order;

/// What `device create` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  edgedeck device create edge-gateway-001 --edge-enabled
  edgedeck device create sensor-7 --disabled --yes --reason 'INC-7'

Next: `edgedeck device connection-string ID` for the machine, `edgedeck apply --device ID FILE` for its modules.")]
pub struct CreateArgs {
    /// The new device's id: letters, digits and -:.+%_#*?!(),=@;$', at most 128
    #[arg(value_name = "ID", value_parser = device_id)]
    pub device: DeviceId,
    /// An IoT Edge device, with edgeAgent and edgeHub
    #[arg(long, visible_alias = "ee")]
    pub edge_enabled: bool,
    /// It may not connect yet
    #[arg(long)]
    pub disabled: bool,
    /// How it is confirmed and recorded.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// What `device enable` and `device delete` take.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    /// The device
    #[arg(value_name = "ID", value_parser = device_id)]
    pub device: DeviceId,
    /// How it is confirmed and recorded.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// What `device disable` takes.
#[derive(Debug, Clone, Args)]
pub struct DisableArgs {
    /// The device
    #[arg(value_name = "ID", value_parser = device_id)]
    pub device: DeviceId,
    /// Why, kept at the hub with the device; at most 128 characters
    #[arg(long, value_name = "TEXT")]
    pub status_reason: Option<String>,
    /// How it is confirmed and recorded.
    #[command(flatten)]
    pub write: WriteArgs,
}

pub(super) async fn create(site: &Site, args: &CreateArgs, asker: Asker) -> Result<Answer, Failure> {
    let CreateArgs { device, edge_enabled: edge, disabled, write } = args;
    order(site, Order::Register { device: device.clone(), edge: *edge, enabled: !disabled }, write, asker).await
}

pub(super) async fn enable(site: &Site, args: &TargetArgs, asker: Asker) -> Result<Answer, Failure> {
    order(site, Order::Enable(args.device.clone()), &args.write, asker).await
}

pub(super) async fn disable(site: &Site, args: &DisableArgs, asker: Asker) -> Result<Answer, Failure> {
    let DisableArgs { device, status_reason, write } = args;
    order(site, Order::Disable { device: device.clone(), reason: status_reason.clone() }, write, asker).await
}

pub(super) async fn delete(site: &Site, args: &TargetArgs, asker: Asker) -> Result<Answer, Failure> {
    order(site, Order::DeleteDevice(args.device.clone()), &args.write, asker).await
}

async fn order(site: &Site, order: Order, args: &WriteArgs, asker: Asker) -> Result<Answer, Failure> {
    write::order(site, args, &order, asker, ("DeviceChange", "DEVICE")).await
}
