//! `edgedeck twin get`.

use clap::Args;
use serde_json::Value;

use super::document::document;
use crate::audit::{Note, NoteKind};
use crate::cli::answer::{Answer, Failure, Format};
use crate::cli::exit::Exit;
use crate::cli::site::Site;
use crate::cli::table::{Facts, Table};
use crate::cli::target::twin_id;
use crate::domain::ids::TwinId;
use crate::domain::json::compact;
use crate::domain::secret::mask_json;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::twin::Twin;
use crate::tui::views::twin::rows::{Agreement, TwinRow, align};

/// What `twin get` takes.
#[derive(Debug, Clone, Args)]
pub struct GetArgs {
    /// Whose twin
    #[arg(value_name = "ID[/MODULE]", value_parser = twin_id)]
    pub twin: TwinId,
    /// Print secrets as they are, with -o json; needs --confirm, and the audit notes it
    #[arg(long, requires = "confirm")]
    pub reveal: bool,
    /// The twin again, in full, to confirm --reveal
    #[arg(long, value_name = "ID[/MODULE]", requires = "reveal")]
    pub confirm: Option<String>,
}

pub(super) async fn run(site: &Site, args: &GetArgs, format: Format) -> Result<Answer, Failure> {
    if args.reveal && format != Format::Json {
        return Err(Failure::usage("--reveal prints the document, so it goes with -o json"));
    }
    let name: String = args.twin.shown().into();
    if args.reveal && args.confirm.as_deref() != Some(name.as_str()) {
        return Err(Failure::new(Exit::Refused, format!("secrets stay masked: --confirm has to be {name}")));
    }
    let now = site.clock.now();
    let twin = site.hub.read.twin(&args.twin).await?;
    if args.reveal {
        // No record, no secret.
        let text = "printed by `edgedeck twin get --reveal`".to_owned();
        let note = Note { origin: site.origin(), what: NoteKind::Revealed, object: name, text };
        site.audit_log()?.note(note).await?;
    }
    let answer = Answer::new("Twin", now.wall, vec![document(&twin)], table(&twin));
    Ok(Answer { revealed: args.reveal, ..answer })
}

fn table(twin: &Twin) -> String {
    let mut facts = Facts::default();
    facts.add("TWIN", twin.id.shown());
    facts.say(
        "VERSION",
        format!("{} (desired {}, reported {})", twin.version, twin.desired.version, twin.reported.version),
    );
    facts.add("ETAG", twin.etag.shown());
    let status = format!("{}, connection {}", twin.status, twin.connection_state);
    facts.add("STATUS", Untrusted::from(status).shown());
    let mut tags = Value::Object(twin.tags.clone());
    mask_json(&mut tags);
    facts.say("TAGS", compact(&tags));
    let rows = align(&twin.desired, &twin.reported);
    let leaves: Vec<&TwinRow> = rows.iter().filter(|row| row.agreement != Agreement::Branch).collect();
    format!("{}\n{}", facts.text(), sides(&leaves))
}

/// Desired and reported side by side, a line per path.
pub(super) fn sides(rows: &[&TwinRow]) -> String {
    let mut table = Table::with_heads(&["PATH", "DESIRED", "REPORTED", "STATE"]);
    for row in rows {
        let side = |value: Option<&String>| value.map_or_else(|| Shown::from_static("-"), Shown::composed);
        table.row([
            row.path.shown(),
            side(row.desired.as_ref()),
            side(row.reported.as_ref()),
            Shown::from_static(row.agreement.word()),
        ]);
    }
    table.text()
}
