//! `edgedeck device create|enable|disable|delete`.

use std::sync::Arc;

use clap::Args;

use crate::cli::answer::{Answer, Failure};
use crate::cli::ask::Asker;
use crate::cli::exit::Exit;
use crate::cli::site::Site;
use crate::cli::target::device_id;
use crate::cli::write::{self, WriteArgs};
use crate::domain::ids::DeviceId;
use crate::ops::{DeviceChange, DeviceWrite, Request};

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
    let change = DeviceChange::Create { edge: args.edge_enabled, enabled: !args.disabled };
    send(site, &args.device, change, &args.write, asker).await
}

pub(super) async fn enable(site: &Site, args: &TargetArgs, asker: Asker) -> Result<Answer, Failure> {
    let base = Arc::new(site.hub.read.device(&args.device).await?);
    if base.enabled {
        return Err(already(&args.device, "enabled"));
    }
    send(site, &args.device, DeviceChange::Enable(base), &args.write, asker).await
}

pub(super) async fn disable(site: &Site, args: &DisableArgs, asker: Asker) -> Result<Answer, Failure> {
    let base = Arc::new(site.hub.read.device(&args.device).await?);
    if !base.enabled {
        return Err(already(&args.device, "disabled"));
    }
    let change = DeviceChange::Disable { base, reason: args.status_reason.clone() };
    send(site, &args.device, change, &args.write, asker).await
}

pub(super) async fn delete(site: &Site, args: &TargetArgs, asker: Asker) -> Result<Answer, Failure> {
    let hub = &site.hub.read;
    let base = Arc::new(hub.device(&args.device).await?);
    // A disabled device does not show its modules to a policy; that is no reason to keep it.
    let modules = match hub.modules(&args.device).await {
        Ok(modules) => modules.into_iter().map(|module| module.id).collect(),
        Err(_) if !base.enabled => Vec::new(),
        Err(fault) => return Err(fault.into()),
    };
    send(site, &args.device, DeviceChange::Delete { base, modules }, &args.write, asker).await
}

fn already(device: &DeviceId, state: &str) -> Failure {
    Failure::new(Exit::Refused, format!("{} is {state} already; nothing was sent", device.shown()))
}

async fn send(
    site: &Site,
    device: &DeviceId,
    change: DeviceChange,
    args: &WriteArgs,
    asker: Asker,
) -> Result<Answer, Failure> {
    let request = Request::Device(DeviceWrite { id: device.clone(), change });
    let intent = write::intent(site, args, request);
    let ended = write::carry_out(site, args, intent.clone(), asker, write::plainly).await?;
    Ok(write::answer(site, "DeviceChange", "DEVICE", &intent, &ended))
}
