//! `edgedeck twin patch`: read, show what would change, confirm, send guarded, and say what came of it.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::answer::{Answer, Failure};
use crate::cli::ask::Asker;
use crate::cli::site::Site;
use crate::cli::table::Facts;
use crate::cli::target::twin_id;
use crate::cli::write::{self, Ended, WriteArgs};
use crate::domain::ids::{ETag, TwinId};
use crate::domain::json::parse_strict;
use crate::domain::limits::SectionKind;
use crate::domain::patch::{Change, Touched, apply, three_way};
use crate::domain::secret::mask_json;
use crate::domain::text::Shown;
use crate::domain::twin::Twin;
use crate::ops::{Found, TwinWrite, WriteIntent};

/// More than any twin has.
const LIMIT: u64 = 1024 * 1024;

/// What `twin patch` takes.
#[derive(Debug, Clone, Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true).args(["desired", "desired_file", "tags"]),
    after_help = "\
The JSON is a merge patch: members that are named change, null deletes, arrays are replaced whole.

Examples:
  edgedeck twin patch gw-1/filter --desired '{\"threshold\": 30}' --dry-run
  edgedeck twin patch gw-1 --tags '{\"role\": \"gateway\", \"old\": null}' --yes --reason 'INC-7'
  generate | edgedeck twin patch gw-1/filter --desired-file - --etag AAAAAAAAAAE= --yes"
)]
pub struct PatchArgs {
    /// Whose twin
    #[arg(value_name = "ID[/MODULE]", value_parser = twin_id)]
    pub twin: TwinId,
    /// A merge patch of the desired properties
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub desired: Option<String>,
    /// The same from a file, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub desired_file: Option<PathBuf>,
    /// A merge patch of the tags
    #[arg(long, value_name = "JSON", allow_hyphen_values = true)]
    pub tags: Option<String>,
    /// Send only if the twin still has this ETag; otherwise the one that is read now
    #[arg(long, value_name = "ETAG")]
    pub etag: Option<String>,
    /// How it is confirmed and recorded.
    #[command(flatten)]
    pub write: WriteArgs,
}

pub(super) async fn run(site: &Site, args: &PatchArgs, asker: Asker) -> Result<Answer, Failure> {
    let (section, patch) = read_patch(args, &mut std::io::stdin())?;
    let base = Arc::new(site.hub.read.twin(&args.twin).await?);
    let Some(request) = plan(&base, section, &patch, args.etag.as_deref()) else {
        asker.say(&format!("{} holds all of it already; nothing was sent", args.twin.shown().as_str()));
        return Ok(answer(site, "unchanged", &base, &[], None));
    };
    let intent = write::intent(site, &args.write, request);
    let changes = intent.request.changes();
    let sent = intent.clone();
    match write::carry_out(site, &args.write, intent, asker, conflict).await? {
        Ended::Looked(exit) => {
            let answer = answer(site, "dryRun", &base, &changes, Some(&sent));
            Ok(Answer { table: write::preview(&sent, None), exit, ..answer })
        }
        Ended::Applied(found) => {
            let twin = found.twin().unwrap_or(&base);
            Ok(answer(site, "applied", twin, &changes, Some(&sent)))
        }
    }
}

/// The section and the patch that were asked for.
fn read_patch(args: &PatchArgs, stdin: &mut dyn Read) -> Result<(SectionKind, Map<String, Value>), Failure> {
    let (section, flag, text) = match (&args.desired, &args.desired_file, &args.tags) {
        (Some(text), _, _) => (SectionKind::Desired, "--desired", text.clone()),
        (None, Some(path), _) => (SectionKind::Desired, "--desired-file", read_file(path, stdin)?),
        (None, None, Some(text)) => (SectionKind::Tags, "--tags", text.clone()),
        (None, None, None) => return Err(Failure::usage("nothing to send: give --desired, --desired-file or --tags")),
    };
    match parse_strict(&text) {
        Ok(Value::Object(patch)) => Ok((section, patch)),
        Ok(_) => Err(Failure::usage(format!("{flag} is no JSON object, such as {{\"threshold\": 30}}"))),
        Err(error) => {
            let error = error.to_string();
            Err(Failure::usage(format!("{flag} cannot be read: {}", Shown::sanitise(&error).as_str())))
        }
    }
}

fn read_file(path: &PathBuf, stdin: &mut dyn Read) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        stdin.take(LIMIT).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LIMIT).read_to_string(&mut text))
    };
    let name = path.to_string_lossy();
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::usage(format!("could not read {}: {error}", Shown::sanitise(&name).as_str()))),
    }
}

/// What is sent; `None` when the twin holds it already.
fn plan(base: &Arc<Twin>, section: SectionKind, patch: &Map<String, Value>, etag: Option<&str>) -> Option<TwinWrite> {
    let mut wanted = match section {
        SectionKind::Tags => base.tags.clone(),
        SectionKind::Desired => base.desired.values.clone(),
    };
    // Only what is named changes: the patch is merged into what is there, and the difference is sent.
    apply(&mut wanted, patch);
    let mut request = TwinWrite::new(base, section, &wanted)?;
    if let Some(etag) = etag {
        request.if_match = ETag::from_wire(etag.trim().trim_matches('"'));
    }
    Some(request)
}

fn answer(
    site: &Site,
    outcome: &str,
    twin: &Twin,
    changes: &[Change],
    intent: Option<&WriteIntent<TwinWrite>>,
) -> Answer {
    let sent = intent.filter(|_| outcome != "dryRun");
    let mut facts = Facts::default();
    facts.add("TWIN", twin.id.shown());
    facts.say("OUTCOME", outcome);
    facts.say("VERSION", format!("{} (desired {})", twin.version, twin.desired.version));
    facts.add("ETAG", twin.etag.shown());
    if let Some(intent) = sent {
        facts.say("OP", intent.op.0.to_string());
    }
    let request = intent.map(|intent| write::request_item(&intent.request));
    let item = json!({
        "deviceId": twin.id.device,
        "moduleId": twin.id.module,
        "outcome": outcome,
        "etag": twin.etag,
        "version": twin.version,
        "desiredVersion": twin.desired.version,
        "op": sent.map(|intent| &intent.op),
        "changes": changes.iter().map(change_item).collect::<Vec<_>>(),
        "request": request,
    });
    Answer::new("TwinPatch", site.clock.now().wall, vec![item], facts.text())
}

/// One change with its values; a secret's name stands in the path and not beside its value, so it is masked here.
fn change_item(change: &Change) -> Value {
    let side = |value: &Option<Value>| {
        let name = change.path.name().unwrap_or_default();
        let mut named = json!({ name: value });
        mask_json(&mut named);
        named.get_mut(name).map(Value::take).unwrap_or_default()
    };
    json!({ "path": change.path.shown().as_str(), "old": side(&change.old), "new": side(&change.new) })
}

/// What happened, as `said`; below it what I wanted, what stands there now, and where the two meet.
fn conflict(said: &str, intent: &WriteIntent<TwinWrite>, theirs: Option<&Found>) -> String {
    let (request, theirs) = (&intent.request, theirs.and_then(Found::twin));
    let mut text = said.to_owned();
    let mut list = |whose: &str, lines: Vec<String>| {
        text.push_str(&format!("\n{whose}:"));
        for line in lines {
            text.push_str(&format!("\n  {line}"));
        }
    };
    list("your change", request.changes().iter().map(Change::in_words).collect());
    match theirs {
        None => list("theirs", vec!["could not be read".to_owned()]),
        Some(theirs) => {
            let (before, now) = (request.patch.of(&request.base), request.patch.of(theirs));
            let found = three_way(before, now, &request.expected());
            let lines: Vec<String> = found
                .into_iter()
                .filter(|divergence| divergence.touched != Touched::Mine)
                .map(|divergence| {
                    let clash = divergence.touched == Touched::Clash;
                    let change = Change { path: divergence.path, old: divergence.base, new: divergence.theirs };
                    format!("{}{}", change.in_words(), if clash { "  <- both of you" } else { "" })
                })
                .collect();
            if lines.is_empty() {
                // The change is from before our own read (--etag), or in the other section.
                list("theirs", vec!["nothing in this section since it was read just now".to_owned()]);
            } else {
                list("theirs", lines);
            }
            text.push_str(&format!("\nit has ETag {} now; compare, and send again", theirs.etag.shown().as_str()));
        }
    }
    text
}

#[cfg(test)]
mod tests;
