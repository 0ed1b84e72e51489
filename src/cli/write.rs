//! What every command that changes something does alike: show the request, ask or take the flags for an answer, send it
//! through the gateway, and say what came of it with its exit code.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::answer::{Answer, Failure};
use super::ask::Asker;
use super::exit::Exit;
use super::site::Site;
use super::table::Facts;
use crate::domain::ids::OpId;
use crate::domain::json::pretty;
use crate::domain::secret::mask_json;
use crate::domain::text::{Shown, Untrusted};
use crate::ops::{
    Found, Gateway, Level, Line, OpState, Order, Outcome, Refusal, Unprepared, Write, WriteIntent, check, prepare,
};

/// How long an outcome that nobody knows is looked for before the command gives up on it.
pub(super) const READ_BACK: Duration = Duration::from_secs(90);

/// Lines of a body that are shown before a question: what is longer would push the changes off the screen.
const ASKED: usize = 30;

/// What every command that changes something takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Change")]
pub struct WriteArgs {
    /// Do not ask; not enough for what asks for a name, and in a production context
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// The name of what is changed, or HUB/NAME where that is asked for: confirms without a question
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Print what would change and what would be sent; send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Why, for the audit record
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// How a write ended that did what it was for, or would have been sent.
#[derive(Debug)]
pub enum Ended {
    /// `--dry-run`: nothing was sent; how the run ends.
    Looked(Exit),
    /// The hub took it.
    Applied(Found),
}

/// Prepares `order`, and carries it out as the flags say; what there is no need to do is a success that says so.
///
/// # Errors
/// What keeps the order from being prepared, and those of [`carry_out`].
pub async fn order(
    site: &Site,
    args: &WriteArgs,
    order: &Order,
    asker: Asker,
    (kind, head): (&'static str, &'static str),
) -> Result<Answer, Failure> {
    let prepared = match prepare(&site.hub.read, order, site.clock.now()).await {
        Ok(prepared) => prepared,
        Err(Unprepared::Hub(fault)) => return Err(fault.into()),
        Err(wrong @ Unprepared::Document(_)) => return Err(Failure::usage(wrong.to_string())),
        Err(wrong @ Unprepared::Unusable(_)) => return Err(Failure::new(Exit::Refused, wrong.to_string())),
        Err(done @ Unprepared::Nothing(_)) => {
            return Ok(Answer::new(kind, site.clock.now().wall, vec![], format!("{done}\n")));
        }
    };
    for warning in &prepared.warnings {
        asker.say(&format!("edgedeck: {}", Shown::sanitise(warning).as_str()));
    }
    let intent = intent(site, args, prepared.request);
    let ended = carry_out(site, args, intent.clone(), asker, plainly).await?;
    Ok(answer(site, kind, head, &intent, &ended))
}

/// An intent for `request`, as the flags say.
#[must_use]
pub fn intent<R: Write>(site: &Site, args: &WriteArgs, request: R) -> WriteIntent<R> {
    let mut level = Level::of(&request, site.production);
    // A name that was typed is checked, also where none is asked for.
    if args.confirm.is_some() {
        level = level.max(Level::TypedName);
    }
    let op = OpId(uuid::Uuid::new_v4());
    let mut intent = WriteIntent::new(op, &site.name, request, level, site.clock.now());
    intent.reason.clone_from(&args.reason);
    intent.typed.clone_from(&args.confirm);
    intent
}

/// Shows `intent`, has it confirmed, sends it and waits for its end. `conflict` says more about a change of somebody else:
/// what it is, and the object as it is now.
///
/// # Errors
/// Everything but success, in words, with the exit code that belongs to it.
pub async fn carry_out<R: Write + Clone>(
    site: &Site,
    args: &WriteArgs,
    intent: WriteIntent<R>,
    asker: Asker,
    conflict: impl Fn(&str, &WriteIntent<R>, Option<&Found>) -> String,
) -> Result<Ended, Failure>
where
    WriteIntent: From<WriteIntent<R>>,
{
    if args.dry_run {
        return Ok(Ended::Looked(look(site, &intent, asker)));
    }
    asker.say(&preview(&intent, Some(ASKED)));
    let intent = confirm(site, args, intent, asker)?;
    let (op, target, done) = (intent.op.clone(), intent.request.target().shown(), intent.request.words().done);
    let target = target.as_str();
    let gateway = site.gateway()?;
    match perform(&gateway, intent.clone().into(), asker).await? {
        Outcome::Applied(found) => Ok(Ended::Applied(found)),
        Outcome::Conflict(theirs) => {
            let tag = intent.request.http().if_match.map(|tag| format!(" at ETag {}", tag.shown())).unwrap_or_default();
            let said =
                format!("{target} was not {done}: 412, it is no longer what it was{tag}; nothing was overwritten");
            Err(Failure::new(Exit::Precondition, conflict(&said, &intent, theirs.as_ref())))
        }
        Outcome::Overtaken(theirs) => {
            let said = format!(
                "{target} was not {done}: no usable answer came, and reading back shows that somebody else wrote instead"
            );
            Err(Failure::new(Exit::Precondition, conflict(&said, &intent, Some(&theirs))))
        }
        Outcome::Undecidable { why, now } => {
            let said = format!(
                "nobody can tell whether {target} was {done}: no usable answer came, and {why}; it was not sent again. \
                 The record has it as UNKNOWN: {}",
                op.0
            );
            let text = match now {
                Some(now) => conflict(&said, &intent, Some(&now)),
                None => said,
            };
            Err(Failure::new(Exit::Failure, text))
        }
        Outcome::Refused(why) => {
            let fault = gateway.board.borrow().get(&op).and_then(|entry| entry.fault.clone());
            let exit = match (&fault, check(&intent, site.hub.write.is_none())) {
                (Some(fault), _) => Exit::from(fault),
                (None, Err(Refusal::Limit(_))) => Exit::Usage,
                (None, Err(_)) => Exit::Refused,
                // No audit, no write.
                (None, Ok(())) => Exit::Failure,
            };
            Err(Failure::new(exit, format!("{target} was not {done}: {}", why.shown().as_str())))
        }
        Outcome::NotApplied(fault) => {
            let failure = Failure::from(&fault);
            let text = format!("{target} was not {done}: it was read back, and the change is not there ({failure})");
            Err(Failure { text, ..failure })
        }
    }
}

/// What a conflict says where there is nothing to compare.
#[must_use]
pub fn plainly<R: Write>(said: &str, _: &WriteIntent<R>, _: Option<&Found>) -> String {
    format!("{said}; look at it again")
}

/// Says what the gate would say, and how a look ends: to look at a change is what a read-only session is for; what no
/// session could send is a mistake.
fn look<R: Write>(site: &Site, intent: &WriteIntent<R>, asker: Asker) -> Exit {
    match check(intent, site.hub.write.is_none()) {
        Ok(()) | Err(Refusal::NotConfirmed(_)) => Exit::Success,
        Err(refusal) => {
            asker.say(&format!("edgedeck: this would not be sent: {}", Shown::sanitise(&refusal.to_string()).as_str()));
            if matches!(refusal, Refusal::Limit(_)) { Exit::Usage } else { Exit::Success }
        }
    }
}

/// Asks, or takes the flags for an answer. What the gate refuses anyway is not asked about.
fn confirm<R: Write>(
    site: &Site,
    args: &WriteArgs,
    mut intent: WriteIntent<R>,
    asker: Asker,
) -> Result<WriteIntent<R>, Failure> {
    let pointless = check(&intent, site.hub.write.is_none()).is_err_and(|why| !matches!(why, Refusal::NotConfirmed(_)));
    let phrase = intent.phrase();
    if pointless || intent.typed.is_some() || (args.yes && phrase.is_none()) {
        return Ok(intent);
    }
    let refused = |text: String| Failure::new(Exit::Refused, text);
    let failed = |error: std::io::Error| refused(format!("nothing was sent: the terminal cannot be read: {error}"));
    let Some(phrase) = phrase else {
        if !asker.interactive {
            let how = "look with --dry-run, then send with --yes";
            return Err(refused(format!("nothing was sent: there is no terminal to ask on; {how}")));
        }
        let target = intent.request.target().shown();
        let typed = asker.ask(&format!("send this to {}? [y/N]", target.as_str())).map_err(failed)?;
        return match typed.to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(intent),
            _ => Err(refused("nothing was sent".to_owned())),
        };
    };
    let shown = Untrusted::from(phrase.as_str()).shown();
    if !asker.interactive {
        let why = if site.production {
            format!("{} is a production context, so it", site.context)
        } else {
            "it takes something away or reaches further than one twin, and".to_owned()
        };
        return Err(refused(format!("nothing was sent: {why} needs --confirm {shown}")));
    }
    let why = if site.production { "production: " } else { "" };
    let typed = asker.ask(&format!("{why}type {shown} to send:")).map_err(failed)?;
    if typed != phrase {
        return Err(refused("nothing was sent: that is not its name".to_owned()));
    }
    intent.typed = Some(typed);
    Ok(intent)
}

/// Sends it and waits for its end; when nobody answered, says that it is being read back, and for how long.
async fn perform(gateway: &Gateway, intent: WriteIntent, asker: Asker) -> Result<Outcome, Failure> {
    let (op, target, done) = (intent.op.clone(), intent.request.target().shown(), intent.request.words().done);
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
                "nobody knows whether {} was {done}: the hub gave no usable answer and cannot be read; it was not sent \
                 again. Look at it before you do; the record has it as UNKNOWN: {}",
                target.as_str(),
                op.0
            ),
        )),
    }
}

/// What changes, and the request, with secrets masked; a body of more than `most` lines is counted only.
#[must_use]
pub fn preview<R: Write>(intent: &WriteIntent<R>, most: Option<usize>) -> String {
    let request = &intent.request;
    let mut text = format!("{}\n", request.target().shown().as_str());
    for Line { text: line, .. } in request.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    let http = request.http();
    text.push_str(&format!("\n{} {}\n", http.method, http.path.as_str()));
    if let Some(tag) = http.if_match {
        text.push_str(&format!("If-Match: \"{}\"\n", tag.shown().as_str()));
    }
    if let Some(mut body) = http.body {
        mask_json(&mut body);
        let body = pretty(&body);
        let lines = body.lines().count();
        match most.filter(|most| lines > *most) {
            Some(_) => text.push_str(&format!("{lines} lines of JSON, which --dry-run prints\n")),
            None => text.push_str(&format!("\n{body}\n")),
        }
    }
    text
}

/// The answer of a change that has no more to show than that it was made: its target under `head`, its outcome and its
/// number in the record.
#[must_use]
pub fn answer<R: Write>(
    site: &Site,
    kind: &'static str,
    head: &'static str,
    intent: &WriteIntent<R>,
    ended: &Ended,
) -> Answer {
    let target = intent.request.target();
    let (outcome, exit) = match ended {
        Ended::Looked(exit) => ("dryRun", *exit),
        Ended::Applied(_) => ("applied", Exit::Success),
    };
    let sent = matches!(ended, Ended::Applied(_)).then_some(&intent.op);
    let mut facts = Facts::default();
    facts.add(head, target.shown());
    facts.say("OUTCOME", if sent.is_some() { intent.request.words().done } else { outcome });
    if let Some(op) = sent {
        facts.say("OP", op.0.to_string());
    }
    let lines: Vec<String> = intent.request.lines().into_iter().map(|line| line.text).collect();
    let item = json!({
        "name": target.name(),
        "outcome": outcome,
        "op": sent,
        "changes": lines,
        "request": request_item(&intent.request),
    });
    let table = if sent.is_some() { facts.text() } else { preview(intent, None) };
    Answer { exit, ..Answer::new(kind, site.clock.now().wall, vec![item], table) }
}

/// The request for programs; secrets are masked when it is printed.
#[must_use]
pub fn request_item(request: &impl Write) -> Value {
    let http = request.http();
    json!({ "method": http.method, "path": http.path.as_str(), "ifMatch": http.if_match, "body": http.body })
}
