//! `edgedeck restart`: one module, through its device's edgeAgent.

use clap::Args;

use super::answer::{Answer, Failure};
use super::ask::Asker;
use super::site::Site;
use super::target::twin_id;
use super::write::{self, WriteArgs};
use crate::domain::ids::TwinId;
use crate::ops::{MethodCall, Request};

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
    let request = Request::Method(MethodCall::restart(device.clone(), module.clone()));
    let intent = write::intent(site, &args.write, request);
    let ended = write::carry_out(site, &args.write, intent.clone(), asker, write::plainly).await?;
    Ok(write::answer(site, "ModuleRestart", "MODULE", &intent, &ended))
}
