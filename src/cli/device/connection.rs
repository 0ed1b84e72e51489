//! `edgedeck device connection-string`: what a device signs in with, masked until somebody asks for it by its name.

use clap::Args;
use serde_json::json;

use crate::audit::{Note, NoteKind};
use crate::cli::answer::{Answer, Failure};
use crate::cli::ask::Asker;
use crate::cli::exit::Exit;
use crate::cli::site::Site;
use crate::cli::target::device_id;
use crate::domain::ids::DeviceId;
use crate::domain::secret::redact;

/// What `device connection-string` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  edgedeck device connection-string edge-gateway-001
  edgedeck device connection-string edge-gateway-001 --reveal --confirm edge-gateway-001 > device.cs")]
pub struct ConnectionArgs {
    /// The device
    #[arg(value_name = "ID", value_parser = device_id)]
    pub device: DeviceId,
    /// Print the key itself; the record keeps that it was shown, and to whom
    #[arg(long)]
    pub reveal: bool,
    /// The device's id: confirms --reveal without a question
    #[arg(long, value_name = "ID", requires = "reveal")]
    pub confirm: Option<String>,
}

pub(super) async fn run(site: &Site, args: &ConnectionArgs, asker: Asker) -> Result<Answer, Failure> {
    let device = &args.device;
    if args.reveal {
        confirm(args, asker)?;
    }
    let secret = site.hub.read.device_connection_string(device).await?;
    let text = if args.reveal {
        let note = Note {
            origin: site.origin(),
            what: NoteKind::Revealed,
            object: device.shown().into(),
            text: "the connection string of the device was printed".to_owned(),
        };
        // What is not recorded is not shown.
        site.audit_log()?.note(note).await?;
        secret.expose().to_owned()
    } else {
        asker.say("edgedeck: the key is masked; --reveal prints it");
        redact(secret.expose())
    };
    let item = json!({ "deviceId": device, "connectionString": text });
    let answer = Answer::new("DeviceConnectionString", site.clock.now().wall, vec![item], format!("{text}\n"));
    Ok(Answer { revealed: args.reveal, ..answer })
}

fn confirm(args: &ConnectionArgs, asker: Asker) -> Result<(), Failure> {
    let name = args.device.shown();
    let refused = |text: String| Failure::new(Exit::Refused, text);
    let typed = match &args.confirm {
        Some(typed) => typed.clone(),
        None if asker.interactive => asker
            .ask(&format!("whoever has the key is the device: type {name} to print it:"))
            .map_err(|error| refused(format!("nothing was read: the terminal cannot be read: {error}")))?,
        None => {
            return Err(refused(format!("nothing was read: without a terminal to ask on it needs --confirm {name}")));
        }
    };
    if typed == args.device.as_str() {
        Ok(())
    } else {
        Err(refused("nothing was read: that is not its name".to_owned()))
    }
}
