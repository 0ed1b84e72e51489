//! `edgedeck audit`: the record of writes, read back and checked. Needs no hub.

use std::path::Path;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, instant};
use super::ask::Asker;
use super::exit::Exit;
use super::table::{Facts, Table};
use crate::audit::{AuditReader, Body, Entry, NoteKind, Origin, State, Verdict};
use crate::domain::ids::OpId;
use crate::domain::json::compact;
use crate::domain::text::{Shown, Untrusted};

/// What can be done with the record.
#[derive(Debug, Clone, Subcommand)]
pub enum AuditCommand {
    /// The newest entries, newest first
    List(ListArgs),
    /// One write in full: who, what, on which base, and what came of it
    Show(ShowArgs),
    /// Whether the record is complete and unchanged; exit code 1 when it is not
    Verify,
}

/// What `audit list` takes.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// How many
    #[arg(long = "limit", value_name = "N", default_value_t = 20)]
    pub count: usize,
}

/// What `audit show` takes.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// The write, by the id that `audit list` shows
    #[arg(value_name = "OP")]
    pub op: uuid::Uuid,
}

/// Reads the record in `folder`.
///
/// # Errors
/// A [`Failure`] when the record cannot be read, or does not know the write.
pub fn run(folder: &Path, now: Timestamp, command: &AuditCommand, asker: Asker) -> Result<Answer, Failure> {
    let reader = AuditReader::new(folder);
    match command {
        AuditCommand::List(args) => list(&reader, now, args.count, asker),
        AuditCommand::Show(args) => show(&reader, now, &OpId(args.op)),
        AuditCommand::Verify => verify(&reader, now),
    }
}

fn list(reader: &AuditReader, now: Timestamp, count: usize, asker: Asker) -> Result<Answer, Failure> {
    let listing = reader.newest(count)?;
    if !listing.unreadable.is_empty() {
        let lines = listing.unreadable.len();
        asker.say(&format!("edgedeck: {lines} lines of the record cannot be read; see `edgedeck audit verify`"));
    }
    let mut table = Table::with_heads(&["TIME", "STATE", "VERB", "OBJECT", "WHO", "OP"]);
    for entry in &listing.entries {
        let about = About::of(entry);
        table.row([
            Shown::composed(instant(entry.first.time)),
            Shown::from_static(state_word(entry.state())),
            shown(about.verb),
            shown(about.object),
            shown(about.origin.map_or("-", |origin| origin.who.name.as_str())),
            Shown::composed(entry.first.op().map_or_else(|| "-".to_owned(), |op| op.0.to_string())),
        ]);
    }
    let items = listing.entries.iter().map(|entry| item(entry, None)).collect();
    Ok(Answer::new("AuditList", now, items, table.text()))
}

fn show(reader: &AuditReader, now: Timestamp, op: &OpId) -> Result<Answer, Failure> {
    let Some(entry) = reader.show(op)? else {
        let text = format!("the record knows no write {}; `edgedeck audit list` shows those it knows", op.0);
        return Err(Failure::new(Exit::NotFound, text));
    };
    let full = match &entry.first.body {
        Body::Intent(intent) => Some(reader.full(intent)?),
        Body::Outcome(_) | Body::Note(_) | Body::Segment(_) => None,
    };
    let about = About::of(&entry);
    let mut facts = Facts::default();
    facts.say("OP", op.0.to_string());
    facts.say("STATE", state_word(entry.state()));
    facts.add("VERB", shown(about.verb));
    facts.add("OBJECT", shown(about.object));
    facts.say("ASKED", instant(entry.first.time));
    if let Some(origin) = about.origin {
        let who = &origin.who;
        facts.add("WHO", shown(&format!("{} (uid {}) on {}", who.name, who.uid, who.host)));
        facts.add("HUB", shown(&format!("{} as {}", origin.hub, origin.identity)));
        facts.add("CONTEXT", shown(&origin.context));
    }
    if let Some(intent) = &full {
        facts.add("REASON", shown(intent.reason.as_deref().unwrap_or("-")));
        facts.add("BASE ETAG", intent.base_etag.as_ref().map_or_else(|| shown("-"), |etag| etag.shown()));
        if let Some(version) = intent.base_desired_version {
            facts.say("BASE DESIRED", format!("version {version}"));
        }
        facts.say("CONFIRMED", format!("level {}", intent.level));
        facts.add("REQUEST", Shown::sanitise(&compact(&intent.request)));
        for line in &intent.diff {
            facts.add("CHANGE", shown(line));
        }
        if let Some(inverse) = &intent.inverse {
            facts.add("TAKES IT BACK", Shown::sanitise(&compact(inverse)));
        }
    }
    for outcome in &entry.outcomes {
        if let Body::Outcome(outcome) = &outcome.body {
            let words = format!("{}, after {} ms", verdict_words(&outcome.result), outcome.duration_ms);
            facts.add("OUTCOME", shown(&words));
        }
    }
    let request =
        full.map(|intent| json!({ "request": intent.request, "diff": intent.diff, "inverse": intent.inverse }));
    Ok(Answer::new("AuditEntry", now, vec![item(&entry, request.as_ref())], facts.text()))
}

fn verify(reader: &AuditReader, now: Timestamp) -> Result<Answer, Failure> {
    let found = reader.verify()?;
    let mut facts = Facts::default();
    facts.say("RECORD", if found.holds() { "complete and unchanged" } else { "NOT as it was written" });
    facts.say("LINES", found.records.to_string());
    if let Some(head) = &found.head {
        facts.say("NEWEST", format!("{} {}", head.seq, head.hash));
    }
    for finding in &found.findings {
        let name = if finding.is_fault() { "FAULT" } else { "NOTE" };
        facts.add(name, shown(&finding.to_string()));
    }
    let item = json!({
        "holds": found.holds(),
        "records": found.records,
        "head": found.head.as_ref().map(|head| json!({ "seq": head.seq, "hash": head.hash })),
        "findings": found.findings.iter().map(|finding| json!({
            "file": finding.file,
            "line": finding.line,
            "fault": finding.is_fault(),
            "text": finding.to_string(),
        })).collect::<Vec<_>>(),
    });
    let exit = if found.holds() { Exit::Success } else { Exit::Failure };
    Ok(Answer { exit, ..Answer::new("AuditVerification", now, vec![item], facts.text()) })
}

/// What an entry is about, whatever kind it is.
struct About<'a> {
    verb: &'a str,
    object: &'a str,
    origin: Option<&'a Origin>,
}

impl<'a> About<'a> {
    fn of(entry: &'a Entry) -> Self {
        match &entry.first.body {
            Body::Intent(intent) => Self { verb: &intent.verb, object: &intent.object, origin: Some(&intent.origin) },
            Body::Note(note) => Self { verb: note_word(note.what), object: &note.object, origin: Some(&note.origin) },
            Body::Outcome(_) | Body::Segment(_) => Self { verb: "-", object: "-", origin: None },
        }
    }
}

fn item(entry: &Entry, request: Option<&Value>) -> Value {
    let about = About::of(entry);
    let mut item = json!({
        "op": entry.first.op(),
        "time": instant(entry.first.time),
        "state": state_word(entry.state()),
        "verb": about.verb,
        "object": about.object,
        "origin": about.origin,
        "outcomes": entry.outcomes.iter().filter_map(|record| match &record.body {
            Body::Outcome(outcome) => Some(json!({ "time": instant(record.time), "outcome": outcome })),
            Body::Intent(_) | Body::Note(_) | Body::Segment(_) => None,
        }).collect::<Vec<_>>(),
    });
    let Value::Object(members) = &mut item else { return item };
    match &entry.first.body {
        Body::Intent(intent) => {
            members.insert("reason".to_owned(), json!(intent.reason));
            members.insert("baseEtag".to_owned(), json!(intent.base_etag));
            members.insert("baseDesiredVersion".to_owned(), json!(intent.base_desired_version));
            members.insert("level".to_owned(), json!(intent.level));
        }
        Body::Note(note) => {
            members.insert("text".to_owned(), json!(note.text));
        }
        Body::Outcome(_) | Body::Segment(_) => {}
    }
    if let Some(Value::Object(request)) = request {
        members.extend(request.clone());
    }
    item
}

fn shown(text: &str) -> Shown {
    Untrusted::from(text).shown()
}

fn state_word(state: State) -> &'static str {
    match state {
        State::Recorded => "noted",
        State::Applied => "applied",
        State::Refused => "refused",
        State::Unknown => "UNKNOWN",
        State::Resolved => "resolved",
    }
}

fn note_word(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::ContextUsed => "context.used",
        NoteKind::ReadWrite => "mode.read-write",
        NoteKind::ReadOnly => "mode.read-only",
        NoteKind::Revealed => "secret.revealed",
        NoteKind::SecretCopied => "secret.copied",
        NoteKind::LogsRead => "logs.read",
        NoteKind::Saved => "file.saved",
        NoteKind::PolicyRefused => "refused",
        NoteKind::ConfirmationFailed => "not confirmed",
        NoteKind::Rollout => "rollout",
    }
}

fn verdict_words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Applied { version: Some(version), .. } => format!("applied, twin version {version}"),
        Verdict::Applied { version: None, .. } => "applied".to_owned(),
        Verdict::Conflict => "412: somebody else was faster; nothing changed".to_owned(),
        Verdict::Refused { status: Some(status), text, .. } => format!("refused with {status}: {text}"),
        Verdict::Refused { status: None, text, .. } => format!("refused: {text}"),
        Verdict::Unknown { why } => format!("UNKNOWN: {why}"),
        Verdict::Resolved { found, .. } => format!("read back: {found}"),
        Verdict::Undecidable { why } => format!("UNDECIDABLE: nobody can tell whether it took effect: {why}"),
    }
}
