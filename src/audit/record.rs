//! What a record holds. Two per write, the intent before the request and the outcome after it, and notes for what
//! is worth remembering besides (console-ux ).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::ids::{ETag, OpId};

/// Who is at the keyboard, gathered once at start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Who {
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// Real user id.
    pub uid: u32,
    /// The user's name for that id.
    pub name: String,
    /// `/proc/self/loginuid`: set by the kernel at login, survives `sudo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loginuid: Option<u32>,
    /// The terminal: `pts/3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tty: Option<String>,
    /// What the environment says; anybody can set that.
    #[serde(default)]
    pub claims: Claims,
}

/// Statements from the environment, kept apart because nothing vouches for them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Claims {
    /// `SUDO_USER`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo_user: Option<String>,
    /// `SUDO_UID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo_uid: Option<String>,
    /// `SSH_CONNECTION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_connection: Option<String>,
}

/// Where a record comes from: program, context, hub, person, and the identity the hub sees.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// The program's version.
    pub version: String,
    /// The context's name.
    pub context: String,
    /// The hub's host name.
    pub hub: String,
    /// The person.
    pub who: Who,
    /// What the hub sees: `policy iothubowner`, or object id and UPN of the Entra token.
    pub identity: String,
}

/// Written and fsynced before a request leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The write; its outcome carries the same id.
    pub op: OpId,
    /// Where it comes from.
    pub origin: Origin,
    /// `twin.patch`, `deployment.create`, `module.restart`.
    pub verb: String,
    /// What it is done to: `edge-gateway-001/temperatureFilter`.
    pub object: String,
    /// Why, in the operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ticket it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Method, path and body, secrets already masked.
    pub request: Value,
    /// The change as lines, secrets already masked.
    pub diff: Vec<String>,
    /// Where request, diff and inverse are when they did not fit the line; set by the writer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
    /// What takes it back, as a request body with secrets already masked; none in older records, and where
    /// nothing does. It moves to the side file together with the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverse: Option<Value>,
    /// The version of the desired properties it was based on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_desired_version: Option<u64>,
    /// The ETag sent in `If-Match`; none for creations and direct methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_etag: Option<ETag>,
    /// The rollout plan's hash, for steps of a rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_hash: Option<String>,
    /// Confirmation level, 0 to 4.
    pub level: u8,
    /// The phrase that was typed to confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<String>,
}

/// A request, diff and inverse too large for a line, kept in `detail-SHA256.json` beside the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// SHA-256 of the file, in hex; also its name.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Written after the answer, or after the lack of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The intent's id.
    pub op: OpId,
    /// What came of it.
    pub result: Verdict,
    /// From sending to answer, in milliseconds.
    pub duration_ms: u64,
}

/// What came of a write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The hub accepted it.
    Applied {
        /// The entity's new tag, when the answer had one.
        etag: Option<ETag>,
        /// The entity's new version, when the answer had one.
        version: Option<u64>,
    },
    /// 412: somebody else was faster; nothing changed.
    Conflict,
    /// The hub refused; nothing changed.
    Refused {
        /// HTTP status.
        status: Option<u16>,
        /// The hub's code.
        code: Option<String>,
        /// The hub's text.
        text: String,
        /// For a support case.
        tracking_id: Option<String>,
    },
    /// It may or may not have happened.
    Unknown {
        /// Why nobody knows.
        why: String,
    },
    /// A read-back after *unknown* told.
    Resolved {
        /// Whether the write had taken effect.
        happened: bool,
        /// What the read-back found.
        found: String,
    },
    /// Nobody can tell any more whether it took effect, however often the object is read.
    Undecidable {
        /// Why nobody can.
        why: String,
    },
}

/// Something worth remembering that is not a write to the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Where it comes from.
    pub origin: Origin,
    /// What kind.
    pub what: NoteKind,
    /// What it is about.
    pub object: String,
    /// In words.
    pub text: String,
}

/// The kinds of notes (console-ux X-43).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// A context was opened.
    ContextUsed,
    /// Read-write was switched on.
    ReadWrite,
    /// Read-only was switched on.
    ReadOnly,
    /// A secret was shown.
    Revealed,
    /// A secret was copied.
    SecretCopied,
    /// Module logs were read.
    LogsRead,
    /// Something was saved to a file.
    Saved,
    /// A policy or read-only mode refused an action.
    PolicyRefused,
    /// A confirmation was mistyped or declined.
    ConfirmationFailed,
    /// A step of a rollout that is not a write to the hub: approved, overridden, halted.
    Rollout,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// Before a write.
    Intent(Box<Intent>),
    /// After a write.
    Outcome(Outcome),
    /// Besides writes.
    Note(Box<Note>),
    /// The first line of every file but the first.
    Segment(super::segment::Mark),
}

/// One line, read back. Its texts are as they are in the file, which others may have written to: on a screen they go
/// through `domain::text::Untrusted` like everything from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counts from 1 over all files of the folder.
    pub seq: u64,
    /// When it was written, UTC, in milliseconds.
    pub time: Timestamp,
    /// SHA-256 of the line before, in hex.
    pub prev: String,
    /// SHA-256 of this line up to this member, in hex.
    pub hash: String,
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
}

impl Record {
    /// The write it belongs to.
    #[must_use]
    pub fn op(&self) -> Option<&OpId> {
        match &self.body {
            Body::Intent(intent) => Some(&intent.op),
            Body::Outcome(outcome) => Some(&outcome.op),
            Body::Note(_) | Body::Segment(_) => None,
        }
    }
}
