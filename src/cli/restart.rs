//! `edgedeck restart`: one module, through its device's edgeAgent.

use clap::Args;

use super::answer::{Answer, Failure};
use super::ask::Asker;
use super::site::Site;
use super::target::twin_id;
use super::write::{self, WriteArgs};
use crate::domain::ids::TwinId;
use crate::ops::Order;

/// What `restart` takes.
#[derive(Debug, Clone, Args)]
pub struct RestartArgs {
    /// The module
    #[arg(value_name = "ID/MODULE", value_parser = twin_id)]
    pub module: TwinId,
    /// How it is confirmed and recorded.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Restarts one module.
///
/// # Errors
/// A [`Failure`].
pub async fn run(site: &Site, args: &RestartArgs, asker: Asker) -> Result<Answer, Failure> {
    let TwinId { device, module: Some(module) } = &args.module else {
        let device = args.module.device.shown();
        return Err(Failure::usage(format!(
            "which module? name it as {device}/MODULE; edgedeck modules list {device}"
        )));
    };
    let order = Order::Restart { device: device.clone(), module: module.clone() };
    write::order(site, &args.write, &order, asker, ("ModuleRestart", "MODULE")).await
}
