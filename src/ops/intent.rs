//! What somebody asked to change, fixed at the moment of asking.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::ids::{ETag, OpId, TwinId};
use crate::domain::json;
use crate::domain::limits::SectionKind;
use crate::domain::patch::{self, Change};
use crate::domain::text::Shown;
use crate::domain::time::Now;
use crate::domain::twin::Twin;

/// How much asking a change needs (console-ux 2.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A dialog with the focus on Cancel: one twin of one module.
    Dialog,
    /// A dialog in which the object's name is typed: the same in a production context.
    TypedName,
}

/// A merge patch against one section of one twin.
#[derive(Debug, Clone, PartialEq)]
pub struct TwinPatch {
    /// Tags or desired properties.
    pub section: SectionKind,
    /// The section's patch; `null` deletes.
    pub merge: Map<String, Value>,
}

impl TwinPatch {
    /// The request body of `PATCH /twins/{id}`.
    #[must_use]
    pub fn body(&self) -> Value {
        let merge = Value::Object(self.merge.clone());
        match self.section {
            SectionKind::Tags => serde_json::json!({ "tags": merge }),
            SectionKind::Desired => serde_json::json!({ "properties": { "desired": merge } }),
        }
    }

    /// The section of `twin` that the patch is for.
    #[must_use]
    pub fn of<'a>(&self, twin: &'a Twin) -> &'a Map<String, Value> {
        match self.section {
            SectionKind::Tags => &twin.tags,
            SectionKind::Desired => &twin.desired.values,
        }
    }
}

/// One write with everything it needs: who it is for, what it sends, what it was based on, how to take it back.
#[derive(Debug, Clone)]
pub struct WriteIntent {
    /// Its number.
    pub op: OpId,
    /// The hub's host name at the time of asking.
    pub hub: String,
    /// Whose twin.
    pub target: TwinId,
    /// What is sent.
    pub patch: TwinPatch,
    /// What takes it back.
    pub inverse: TwinPatch,
    /// The tag that was read; sent quoted in `If-Match`, never `*`.
    pub if_match: ETag,
    /// The twin that was read, for the read-back after an unknown outcome and for the three-way view after a 412.
    pub base: Arc<Twin>,
    /// How it was confirmed.
    pub level: Level,
    /// What was typed to confirm it, at [`Level::TypedName`].
    pub typed: Option<String>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// When it was asked.
    pub asked_at: Now,
}

impl WriteIntent {
    /// An intent to bring one section of `base` to `wanted`; `None` when there is nothing to send.
    #[must_use]
    pub fn new(
        op: OpId,
        hub: &str,
        base: &Arc<Twin>,
        section: SectionKind,
        wanted: &Map<String, Value>,
        level: Level,
        asked_at: Now,
    ) -> Option<Self> {
        let before = TwinPatch { section, merge: Map::new() }.of(base).clone();
        let merge = patch::diff(&before, wanted);
        if merge.is_empty() {
            return None;
        }
        let inverse = TwinPatch { section, merge: patch::inverse(&before, &merge) };
        Some(Self {
            op,
            hub: hub.to_owned(),
            target: base.id.clone(),
            patch: TwinPatch { section, merge },
            inverse,
            if_match: base.etag.clone(),
            base: base.clone(),
            level,
            typed: None,
            reason: None,
            asked_at,
        })
    }

    /// The path of the request, as it may be drawn; on the wire it is encoded.
    #[must_use]
    pub fn path(&self) -> Shown {
        Shown::composed(match &self.target.module {
            Some(module) => {
                format!("/twins/{}/modules/{}", self.target.device.shown().as_str(), module.shown().as_str())
            }
            None => format!("/twins/{}", self.target.device.shown().as_str()),
        })
    }

    /// What changes, path by path.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        patch::changes(self.patch.of(&self.base), &self.patch.merge)
    }

    /// The section as it will be if nobody else writes first.
    #[must_use]
    pub fn expected(&self) -> Map<String, Value> {
        let mut after = self.patch.of(&self.base).clone();
        patch::apply(&mut after, &self.patch.merge);
        after
    }

    /// The same change as a command of the Azure CLI, for the hand-over note. It has no guard: `az` sends
    /// `If-Match: "*"` unless told otherwise, so the tag is in the command.
    #[must_use]
    pub fn az_equivalent(&self) -> String {
        let hub = self.hub.split('.').next().unwrap_or(&self.hub);
        let quote = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let kind = if self.target.module.is_some() { "module-twin" } else { "device-twin" };
        let module = self.target.module.as_ref().map(|m| format!(" -m {}", quote(m.as_str()))).unwrap_or_default();
        let flag = match self.patch.section {
            SectionKind::Tags => "--tags",
            SectionKind::Desired => "--desired",
        };
        format!(
            "az iot hub {kind} update -n {} -d {}{module} {flag} {} --etag {}",
            quote(hub),
            quote(self.target.device.as_str()),
            quote(&json::compact(&Value::Object(self.patch.merge.clone()))),
            quote(self.if_match.as_str()),
        )
    }
}
