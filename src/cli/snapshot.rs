//! `edgedeck snapshot`: the whole hub as a file, read through the budget as everything is, without its secrets. A
//! simulated hub can begin as that file: a fleet to rehearse on.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::answer::{Answer, Failure};
use super::ask::Asker;
use super::exit::Exit;
use super::site::Site;
use crate::disk::{DiskError, NewFile};
use crate::domain::deployment::Listed;
use crate::domain::snapshot::HubSnapshot;

/// What `snapshot` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The file holds every twin and every deployment, with what looks like a secret masked, in mode 0600. Every page that is
read costs messages of the hub's day, as many as edgedeck allows itself.

Examples:
  edgedeck snapshot --out hub.json
  edgedeck --sim --from hub.json                      the console on the copy
  edgedeck sim --from hub.json                        the copy served to any client of IoT Hub")]
pub struct SnapshotArgs {
    /// The file to write; there must be none of that name
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Reads the hub and writes the file.
///
/// # Errors
/// The hub's [`Failure`], and one when the file is there already or cannot be written. A file that was begun is removed.
pub async fn run(site: &Site, args: &SnapshotArgs, asker: Asker) -> Result<Answer, Failure> {
    // Before a fleet's messages are spent on it.
    let failed = |error: DiskError| Failure::new(Exit::Failure, error.to_string());
    let file = NewFile::create(&args.out).map_err(failed)?;
    let copy = copy(site, asker).await?;
    let text = copy.to_text();
    file.keep(|out| out.write_all(text.as_bytes())).map_err(failed)?;
    Ok(answer(&copy, args, text.len()))
}

async fn copy(site: &Site, asker: Asker) -> Result<HubSnapshot, Failure> {
    let read = &site.hub.read;
    let listed = read.configurations().await?;
    let others = listed.iter().filter(|listed| matches!(listed, Listed::Other(_))).count();
    if others > 0 {
        asker.say(&format!("edgedeck: {others} configurations that are no IoT Edge deployments are left out"));
    }
    let edge = listed.iter().filter_map(|listed| match listed {
        Listed::Edge(deployed) => Some(deployed.to_value()),
        Listed::Other(_) => None,
    });
    let configurations = edge.collect();
    let devices = read.query("SELECT * FROM devices", None).await?;
    let modules = read.query("SELECT * FROM devices.modules", None).await?;
    Ok(HubSnapshot { taken_at: site.clock.now().wall, hub: site.name.clone(), devices, modules, configurations })
}

fn answer(copy: &HubSnapshot, args: &SnapshotArgs, bytes: usize) -> Answer {
    let HubSnapshot { devices, modules, configurations, .. } = copy;
    let (devices, modules, deployments) = (devices.len(), modules.len(), configurations.len());
    let table = format!(
        "{}: {devices} devices, {modules} modules and {deployments} deployments of {}, secrets masked\n",
        args.out.display(),
        copy.hub,
    );
    let item = json!({
        "file": args.out.display().to_string(),
        "hub": copy.hub,
        "devices": devices,
        "modules": modules,
        "deployments": deployments,
        "bytes": bytes,
    });
    Answer::new("HubSnapshot", copy.taken_at, vec![item], table)
}
