//! A draft of desired properties: the text, and what it amounts to. Checked at every key, so that nothing the hub
//! would refuse is found only after sending.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::ids::TwinId;
use crate::domain::json::{self, JsonError};
use crate::domain::limits::{self, LimitFinding, SectionKind};
use crate::domain::patch::{self, Change};
use crate::domain::secret::{conceal, restore, stand_in};
use crate::domain::text::Untrusted;
use crate::domain::time::{Now, wall_age};
use crate::domain::twin::{Section, Twin};
use crate::local::{Draft, DraftKey};
use crate::ops::{TwinWrite, WriteIntent};
use crate::tui::shell::Shell;
use crate::tui::widgets::editor::Editor;

/// A draft being typed.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The text.
    pub editor: Editor,
    /// The twin it started from.
    pub base: Arc<Twin>,
    /// What the text amounts to.
    pub check: Result<Check, Problem>,
    /// When the draft was last handed over for keeping; `None` while the newest typing is not.
    pub kept: Option<Now>,
    /// Whether anything was typed since it was opened.
    pub typed: bool,
}

/// A text that can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The section as it would be, secrets included.
    pub wanted: Map<String, Value>,
    /// What changes.
    pub changes: Vec<Change>,
    /// What the hub would refuse.
    pub findings: Vec<LimitFinding>,
    /// Size of the section by the hub's count, in bytes.
    pub bytes: usize,
}

/// Why a text cannot be sent as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Not JSON.
    Json(JsonError),
    /// JSON, and no object.
    NotAnObject,
    /// The placeholder of a secret stands where there is no secret; sanitised, since escapes in it were decoded.
    Secret(String),
    /// A mask would be sent at this path: the draft comes from the disk, where typed secrets are not kept.
    Masked(String),
}

impl Problem {
    /// What is wrong, as a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Json(error) => error.to_string(),
            Self::NotAnObject => "desired properties are a JSON object: { ... }".to_owned(),
            Self::Secret(placeholder) => {
                format!("{placeholder} stands for a secret that is kept elsewhere; type the value, or put it back")
            }
            Self::Masked(path) => format!("the secret at {path} was not kept on disk: type it again"),
        }
    }

    /// The line it is on, from 0.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Json(error) => Some(error.line.saturating_sub(1)),
            Self::NotAnObject | Self::Secret(_) | Self::Masked(_) => None,
        }
    }
}

impl Edit {
    /// Starts from what the twin holds; secrets stay behind placeholders.
    #[must_use]
    pub fn new(base: Arc<Twin>) -> Self {
        let text = json::pretty(&Value::Object(conceal(&base.desired.values)));
        Self::over(base, &text)
    }

    /// Starts from a text, based on a twin.
    #[must_use]
    pub fn over(base: Arc<Twin>, text: &str) -> Self {
        let check = check(text, &base);
        Self { editor: Editor::new(text), base, check, kept: None, typed: false }
    }

    /// Goes on with a draft. Its base is the twin as it is now only when the tags are the same; otherwise the twin it
    /// was begun on, as far as the draft holds it, so that its changes are never taken for changes of a later one.
    #[must_use]
    pub fn resume(now: &Arc<Twin>, draft: &Draft, shell: &Shell) -> Self {
        let base = if draft.base_etag == now.etag { now.clone() } else { Arc::new(begun_on(now, draft)) };
        let mut edit = Self::over(base, &draft.text);
        edit.editor.set_cursor(draft.cursor);
        let mono = shell.now.mono.saturating_sub(wall_age(shell.now.wall, draft.saved_at));
        edit.kept = Some(Now { wall: draft.saved_at, mono });
        edit
    }

    /// The text changed.
    pub fn changed(&mut self) {
        self.check = check(&self.editor.text(), &self.base);
        self.kept = None;
        self.typed = true;
    }

    /// Whether the text amounts to no change at all.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        matches!(&self.check, Ok(check) if check.changes.is_empty())
    }

    /// The draft as it is kept on disk: without secrets.
    #[must_use]
    pub fn draft(&self, shell: &Shell) -> Draft {
        Draft {
            key: draft_key(&self.base.id, shell),
            base_etag: self.base.etag.clone(),
            base: Value::Object(conceal(&self.base.desired.values)),
            text: self.editor.text(),
            cursor: self.editor.cursor(),
            saved_at: shell.now.wall,
            program_version: shell.session.version.clone(),
        }
    }

    /// The write it amounts to.
    ///
    /// # Errors
    /// A sentence why it cannot be sent.
    pub fn intent(&self, shell: &mut Shell) -> Result<WriteIntent<TwinWrite>, String> {
        let check = self.check.as_ref().map_err(Problem::text)?;
        if let Some(finding) = check.findings.first() {
            return Err(format!("the hub would refuse it: {} {}", finding.path.shown(), finding.message));
        }
        let write = TwinWrite::new(&self.base, SectionKind::Desired, &check.wanted)
            .ok_or_else(|| "nothing was changed, so there is nothing to send".to_owned())?;
        Ok(shell.intent(write))
    }
}

/// The key a draft of this twin is kept under.
#[must_use]
pub fn draft_key(id: &TwinId, shell: &Shell) -> DraftKey {
    DraftKey { context: shell.session.context.clone(), hub: shell.session.hub.clone(), target: id.clone() }
}

/// Whether a draft amounts to exactly this write: then the write's success is its end. Told by what it changes, not by
/// when it was saved: whatever was typed after sending is another draft.
#[must_use]
pub fn is_sent(draft: &Draft, write: &TwinWrite) -> bool {
    let before = &write.base.desired.values;
    draft.base_etag == write.if_match
        && write.patch.section == SectionKind::Desired
        && check(&draft.text, &write.base).is_ok_and(|check| patch::diff(before, &check.wanted) == write.patch.merge)
}

/// The twin a draft was begun on. Its secrets are placeholders, which stand for themselves; its versions are not
/// known and older than any.
fn begun_on(now: &Twin, draft: &Draft) -> Twin {
    let values = draft.base.as_object().cloned().unwrap_or_default();
    Twin {
        etag: draft.base_etag.clone(),
        version: 0,
        desired: Section { values, version: 0, ..Section::default() },
        ..now.clone()
    }
}

fn check(text: &str, base: &Twin) -> Result<Check, Problem> {
    let parsed = json::parse_strict(text).map_err(Problem::Json)?;
    let Value::Object(mut wanted) = parsed else { return Err(Problem::NotAnObject) };
    restore(&mut wanted, &base.desired.values)
        .map_err(|placeholder| Problem::Secret(Untrusted::new(placeholder).shown().into()))?;
    let merge = patch::diff(&base.desired.values, &wanted);
    if let Some(path) = stand_in(&merge) {
        return Err(Problem::Masked(path.shown().into()));
    }
    let changes = patch::changes(&base.desired.values, &merge);
    let mut after = base.desired.values.clone();
    patch::apply(&mut after, &merge);
    let mut findings = limits::check(SectionKind::Desired, &after);
    findings.retain(|finding| finding.path.keys().is_empty() || touches(&changes, finding));
    let bytes = limits::size(&after);
    Ok(Check { wanted, changes, findings, bytes })
}

/// Whether a finding is about something this edit changes; what was there before is not its fault.
fn touches(changes: &[Change], finding: &LimitFinding) -> bool {
    changes.iter().any(|change| {
        let (a, b) = (change.path.keys(), finding.path.keys());
        a.starts_with(b) || b.starts_with(a)
    })
}
