//! `edgedeck apply`: a manifest for one edge device; first what it does, then, asked, doing it.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::answer::{Answer, Failure};
use super::ask::Asker;
use super::exit::Exit;
use super::site::Site;
use super::target::device_id;
use super::write::{self, WriteArgs};
use crate::domain::fault::FaultKind;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::manifest::Manifest;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::twin::Twin;
use crate::hub::HubRead;
use crate::ops::{ManifestWrite, Request};

/// More than any manifest has: 50 modules with twins of 32 KB each.
const LIMIT: u64 = 4 * 1024 * 1024;

/// What `apply` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The hub has no tag for this: right before sending, every twin it writes to is read again, and nothing is sent when one
has changed since it was shown. A deployment that applies to the device takes back what it owns within minutes.

Examples:
  edgedeck apply --device edge-gateway-001 examples/deployment.manifest.json --dry-run
  edgedeck apply --device edge-gateway-001 deployment.json --confirm edge-gateway-001")]
pub struct ApplyArgs {
    /// The edge device
    #[arg(long, short = 'd', value_name = "ID", value_parser = device_id)]
    pub device: DeviceId,
    /// A deployment manifest, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How it is confirmed and recorded.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Applies a manifest.
///
/// # Errors
/// A [`Failure`].
pub async fn run(site: &Site, args: &ApplyArgs, asker: Asker) -> Result<Answer, Failure> {
    let manifest = Arc::new(read(&args.file)?);
    for finding in manifest.findings().iter().filter(|finding| !finding.refused()) {
        asker.say(&format!("edgedeck: warning: {finding}"));
    }
    let seen = twins(&site.hub.read, &args.device, &manifest).await?;
    let request = ManifestWrite { device: args.device.clone(), manifest, seen };
    if request.applied().is_nothing() {
        let said = format!("{} has all of it already; nothing was sent", args.device.shown());
        asker.say(&said);
        return Ok(Answer::new("Apply", site.clock.now().wall, vec![], format!("{said}\n")));
    }
    let intent = write::intent(site, &args.write, Request::Manifest(request));
    let ended = write::carry_out(site, &args.write, intent.clone(), asker, write::plainly).await?;
    if let write::Ended::Applied(_) = ended {
        let device = args.device.shown();
        asker.say(&format!(
            "edgedeck: the hub accepted it, which is not yet running; watch with `edgedeck modules list {device}`"
        ));
    }
    Ok(write::answer(site, "Apply", "DEVICE", &intent, &ended))
}

/// The manifest of a file.
///
/// # Errors
/// A [`Failure`] that names file and place.
pub(super) fn read(path: &PathBuf) -> Result<Manifest, Failure> {
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(LIMIT).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text))
    };
    let name = Shown::sanitise(&path.to_string_lossy());
    read.map_err(|error| Failure::usage(format!("could not read {name}: {error}")))?;
    Manifest::parse(&text).map_err(|error| {
        let error = Untrusted::from(error.to_string()).shown();
        Failure::usage(format!("{name} is no deployment manifest: {error}"))
    })
}

/// The twins that the manifest writes to, as they are now; a module that does not exist yet has none.
async fn twins(hub: &HubRead, device: &DeviceId, manifest: &Manifest) -> Result<Vec<Arc<Twin>>, Failure> {
    let identity = hub.device(device).await?;
    if !identity.edge {
        let text = format!("{} is not an IoT Edge device: only those take manifests", device.shown());
        return Err(Failure::new(Exit::Refused, text));
    }
    let mut twins = Vec::new();
    let written = manifest.modules.iter().map(|(module, _)| module.clone());
    let agent = std::iter::once(ModuleId::edge_agent()).filter(|_| manifest.module("$edgeAgent").is_none());
    for module in agent.chain(written) {
        match hub.twin(&TwinId::module(device.clone(), module)).await {
            Ok(twin) => twins.push(Arc::new(twin)),
            Err(fault) if fault.kind == FaultKind::NotFound => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(twins)
}
