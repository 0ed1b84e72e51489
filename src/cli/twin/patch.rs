//! `edgedeck twin patch`: read, show what would change, confirm, send guarded, and say what came of it.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::answer::{Answer, Failure};
use crate::cli::ask::Asker;
use crate::cli::exit::Exit;
use crate::cli::site::Site;
use crate::cli::table::Facts;
use crate::cli::target::twin_id;
use crate::domain::ids::{ETag, OpId, TwinId};
use crate::domain::json::{parse_strict, pretty};
use crate::domain::limits::SectionKind;
use crate::domain::patch::{Change, Touched, apply, three_way};
use crate::domain::secret::mask_json;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::twin::Twin;
use crate::ops::{Gateway, Level, OpState, Outcome, Refusal, WriteIntent, check};

/// More than any twin has.
const LIMIT: u64 = 1024 * 1024;
/// How long an outcome that nobody knows is looked for before the command gives up on it.
const READ_BACK: Duration = Duration::from_secs(90);

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
    /// Do not ask; not enough in a production context
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The name of the module, or of the device for its own twin: confirms in a production context
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Print what would change and what would be sent; send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Why, for the audit record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

pub(super) async fn run(site: &Site, args: &PatchArgs, asker: Asker) -> Result<Answer, Failure> {
    let (section, patch) = read_patch(args, &mut std::io::stdin())?;
    let base = Arc::new(site.hub.read.twin(&args.twin).await?);
    let Some(intent) = plan(site, args, &base, section, &patch) else {
        asker.say(&format!("{} holds all of it already; nothing was sent", args.twin.shown().as_str()));
        return Ok(answer(site, "unchanged", &base, &[], None));
    };
    let changes = intent.changes();
    if args.dry_run {
        let mut exit = Exit::Success;
        if let Err(refusal) = check(&intent, site.hub.write.is_none())
            && !matches!(refusal, Refusal::NotConfirmed(_))
        {
            asker.say(&format!("edgedeck: this would not be sent: {}", Shown::sanitise(&refusal.to_string()).as_str()));
            // To look at a change is what a read-only session is for; what no session could send is a mistake.
            if matches!(refusal, Refusal::Limit(_)) {
                exit = Exit::Usage;
            }
        }
        let answer = answer(site, "dryRun", &base, &changes, Some(&intent));
        return Ok(Answer { table: preview(&intent), exit, ..answer });
    }
    asker.say(&preview(&intent));
    let intent = confirm(site, args, intent, asker)?;
    let (op, target) = (intent.op.clone(), intent.target.clone());
    let gateway = site.gateway()?;
    let sent = intent.clone();
    match perform(&gateway, intent, asker).await? {
        Outcome::Applied(twin) => Ok(answer(site, "applied", &twin, &changes, Some(&sent))),
        Outcome::Conflict(theirs) => {
            let target = sent.target.shown();
            let tag = sent.if_match.shown();
            let said = format!(
                "{target} was not changed: 412, it is no longer what it was at ETag {tag}; nothing was overwritten"
            );
            Err(Failure::new(Exit::Precondition, conflict(said, &sent, theirs.as_deref())))
        }
        Outcome::Overtaken(theirs) => {
            let target = sent.target.shown();
            let said = format!(
                "{target} was not changed: no usable answer came, and reading back shows that somebody else wrote instead"
            );
            Err(Failure::new(Exit::Precondition, conflict(said, &sent, Some(&theirs))))
        }
        Outcome::Undecidable { why, now } => {
            let target = sent.target.shown();
            let said = format!(
                "nobody can tell whether {target} was changed: no usable answer came, and {why}; it was not sent again. \
                 The record has it as UNKNOWN: {}",
                op.0
            );
            let text = match now {
                Some(now) => conflict(said, &sent, Some(&now)),
                None => said,
            };
            Err(Failure::new(Exit::Failure, text))
        }
        Outcome::Refused(why) => {
            let fault = gateway.board.borrow().get(&op).and_then(|entry| entry.fault.clone());
            let exit = match (&fault, check(&sent, site.hub.write.is_none())) {
                (Some(fault), _) => Exit::from(fault),
                (None, Err(Refusal::Limit(_))) => Exit::Usage,
                (None, Err(_)) => Exit::Refused,
                // No audit, no write.
                (None, Ok(())) => Exit::Failure,
            };
            let text = format!("{} was not changed: {}", target.shown().as_str(), why.shown().as_str());
            Err(Failure::new(exit, text))
        }
        Outcome::NotApplied(fault) => {
            let failure = Failure::from(&fault);
            let text = format!(
                "{} was not changed: it was read back, and the change is not there ({failure})",
                target.shown().as_str()
            );
            Err(Failure { text, ..failure })
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

/// What is sent, with everything it needs; `None` when the twin holds it already.
fn plan(
    site: &Site,
    args: &PatchArgs,
    base: &Arc<Twin>,
    section: SectionKind,
    patch: &Map<String, Value>,
) -> Option<WriteIntent> {
    let mut wanted = match section {
        SectionKind::Tags => base.tags.clone(),
        SectionKind::Desired => base.desired.values.clone(),
    };
    // Only what is named changes: the patch is merged into what is there, and the difference is sent.
    apply(&mut wanted, patch);
    // A name that was typed is checked, also where none is asked for.
    let level = if site.production || args.confirm.is_some() { Level::TypedName } else { Level::Dialog };
    let op = OpId(uuid::Uuid::new_v4());
    let mut intent = WriteIntent::new(op, &site.name, base, section, &wanted, level, site.clock.now())?;
    if let Some(etag) = &args.etag {
        intent.if_match = ETag::from_wire(etag.trim().trim_matches('"'));
    }
    intent.reason.clone_from(&args.reason);
    intent.typed.clone_from(&args.confirm);
    Some(intent)
}

/// Asks, or takes the flags for an answer. What the gate refuses anyway is not asked about.
fn confirm(site: &Site, args: &PatchArgs, mut intent: WriteIntent, asker: Asker) -> Result<WriteIntent, Failure> {
    let pointless = check(&intent, site.hub.write.is_none()).is_err_and(|why| !matches!(why, Refusal::NotConfirmed(_)));
    if pointless || intent.typed.is_some() || (args.yes && !site.production) {
        return Ok(intent);
    }
    let name = name_of(&intent.target);
    let name = Untrusted::from(name).shown();
    let (name, target) = (name.as_str(), intent.target.shown());
    let refused = |text: String| Failure::new(Exit::Refused, text);
    if !asker.interactive {
        return Err(refused(if site.production {
            format!("nothing was sent: {} is a production context, so it needs --confirm {name}", site.context)
        } else {
            "nothing was sent: there is no terminal to ask on; look with --dry-run, then send with --yes".to_owned()
        }));
    }
    let failed = |error: std::io::Error| refused(format!("nothing was sent: the terminal cannot be read: {error}"));
    if site.production {
        let typed = asker.ask(&format!("production: type {name} to send:")).map_err(failed)?;
        if typed != name {
            return Err(refused("nothing was sent: that is not its name".to_owned()));
        }
        intent.typed = Some(typed);
    } else {
        let typed = asker.ask(&format!("send this to {}? [y/N]", target.as_str())).map_err(failed)?;
        if !matches!(typed.to_ascii_lowercase().as_str(), "y" | "yes") {
            return Err(refused("nothing was sent".to_owned()));
        }
    }
    Ok(intent)
}

fn name_of(target: &TwinId) -> &str {
    target.module.as_ref().map_or(target.device.as_str(), |module| module.as_str())
}

/// Sends it and waits for its end; when nobody answered, says that it is being read back, and for how long.
async fn perform(gateway: &Gateway, intent: WriteIntent, asker: Asker) -> Result<Outcome, Failure> {
    let (op, target) = (intent.op.clone(), intent.target.clone());
    let mut board = gateway.board.clone();
    let lost = async {
        let unknown =
            board.wait_for(|board| board.get(&op).is_some_and(|entry| matches!(entry.state, OpState::Unknown(_))));
        if unknown.await.is_err() {
            return std::future::pending().await;
        }
        let seconds = READ_BACK.as_secs();
        asker.say(&format!("edgedeck: no usable answer, it may have happened; reading back for up to {seconds} s"));
        tokio::time::sleep(READ_BACK).await;
    };
    tokio::select! {
        outcome = gateway.perform(intent) => Ok(outcome),
        () = lost => Err(Failure::new(
            Exit::Unreachable,
            format!(
                "nobody knows whether {0} was changed: the hub gave no usable answer and cannot be read; it was not sent \
                 again. Look at it with `edgedeck twin get {0}`; the record has it as UNKNOWN: {1}",
                target.shown().as_str(),
                op.0
            ),
        )),
    }
}

/// What changes path by path, and the request, with secrets masked.
fn preview(intent: &WriteIntent) -> String {
    let mut text = format!("{}\n", intent.target.shown().as_str());
    for change in intent.changes() {
        text.push_str(&format!("  {}\n", change.in_words()));
    }
    let mut body = intent.patch.body();
    mask_json(&mut body);
    text.push_str(&format!(
        "\nPATCH {}\nIf-Match: \"{}\"\n\n",
        intent.path().as_str(),
        intent.if_match.shown().as_str()
    ));
    text.push_str(&pretty(&body));
    text.push('\n');
    text
}

fn answer(site: &Site, outcome: &str, twin: &Twin, changes: &[Change], intent: Option<&WriteIntent>) -> Answer {
    let sent = intent.filter(|_| outcome != "dryRun");
    let mut facts = Facts::default();
    facts.add("TWIN", twin.id.shown());
    facts.say("OUTCOME", outcome);
    facts.say("VERSION", format!("{} (desired {})", twin.version, twin.desired.version));
    facts.add("ETAG", twin.etag.shown());
    if let Some(intent) = sent {
        facts.say("OP", intent.op.0.to_string());
    }
    let request = intent.map(|intent| {
        json!({ "method": "PATCH", "path": intent.path().as_str(), "ifMatch": intent.if_match, "body": intent.patch.body() })
    });
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
fn conflict(said: String, intent: &WriteIntent, theirs: Option<&Twin>) -> String {
    let mut text = said;
    let mut list = |whose: &str, lines: Vec<String>| {
        text.push_str(&format!("\n{whose}:"));
        for line in lines {
            text.push_str(&format!("\n  {line}"));
        }
    };
    list("your change", intent.changes().iter().map(Change::in_words).collect());
    match theirs {
        None => list("theirs", vec!["could not be read".to_owned()]),
        Some(theirs) => {
            let (before, now) = (intent.patch.of(&intent.base), intent.patch.of(theirs));
            let found = three_way(before, now, &intent.expected());
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
