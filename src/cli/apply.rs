//! `edgedeck apply`: a manifest for one edge device; first what it does, then, asked, doing it.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::answer::{Answer, Failure};
use super::ask::Asker;
use super::site::Site;
use super::target::device_id;
use super::write::{self, WriteArgs};
use crate::domain::ids::DeviceId;
use crate::ops::{Document, Order};

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
    let order = Order::Apply { device: args.device.clone(), manifest: document(&args.file)? };
    let answer = write::order(site, &args.write, &order, asker, ("Apply", "DEVICE")).await?;
    if !args.write.dry_run && !answer.items.is_empty() {
        let device = args.device.shown();
        asker.say(&format!(
            "edgedeck: the hub accepted it, which is not yet running; watch with `edgedeck modules list {device}`"
        ));
    }
    Ok(answer)
}

/// A file, or the text of standard input for `-`.
///
/// # Errors
/// What standard input says.
pub(super) fn document(path: &Path) -> Result<Document, Failure> {
    if path.as_os_str() != "-" {
        return Ok(Document::File(path.to_owned()));
    }
    let mut text = String::new();
    match std::io::stdin().take(Document::MOST_BYTES + 1).read_to_string(&mut text) {
        Ok(_) => Ok(Document::Text(text)),
        Err(error) => Err(Failure::usage(format!("could not read standard input: {error}"))),
    }
}
