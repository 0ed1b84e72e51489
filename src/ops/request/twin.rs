//! A merge patch of one section of one twin, guarded with the ETag that was read.
//!
//! What a twin that was read back says of it: the values alone say too little, a colleague may have written the same, or
//! over mine. What tells is how often the twin was written since it was read. One write that left exactly my result is
//! mine; one that left anything else took my guard's place, and so mine was and will be refused; after two of them
//! either may have been mine.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Http, Line, ReadBack, Target, Words, Write, quote};
use crate::domain::ids::{ETag, TwinId};
use crate::domain::json;
use crate::domain::limits::{self, SectionKind};
use crate::domain::patch::{self, Change};
use crate::domain::text::Shown;
use crate::domain::twin::Twin;
use crate::ops::gate::{Refusal, guards};
use crate::ops::intent::Level;

const WRITTEN_AGAIN: &str = "the twin was written more than once, or made anew, since it was read";

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

/// A change of one section of one twin: what it sends, what it was based on, how to take it back.
#[derive(Debug, Clone)]
pub struct TwinWrite {
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
}

impl TwinWrite {
    /// What brings one section of `base` to `wanted`; `None` when there is nothing to send.
    #[must_use]
    pub fn new(base: &Arc<Twin>, section: SectionKind, wanted: &Map<String, Value>) -> Option<Self> {
        let before = TwinPatch { section, merge: Map::new() }.of(base).clone();
        let merge = patch::diff(&before, wanted);
        if merge.is_empty() {
            return None;
        }
        let inverse = TwinPatch { section, merge: patch::inverse(&before, &merge) };
        Some(Self {
            target: base.id.clone(),
            patch: TwinPatch { section, merge },
            inverse,
            if_match: base.etag.clone(),
            base: base.clone(),
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

    /// Weighs what was read back against what was sent.
    pub(in crate::ops) fn weigh(&self, twin: &Twin) -> ReadBack {
        if twin.etag == self.if_match {
            return ReadBack::Unchanged;
        }
        if self.if_match != self.base.etag {
            // Guarded with a tag that was no longer the twin's when it was read: the hub refuses that, whenever it comes.
            return ReadBack::Overtaken;
        }
        let base = &self.base;
        let desired = twin.desired.version.checked_sub(base.desired.version);
        match (self.patch.section, desired) {
            // Versions do not go back: this is another twin of the same name.
            (_, None) => ReadBack::Undecidable(WRITTEN_AGAIN),
            // The tag moved and desired did not: they changed tags.
            (SectionKind::Desired, Some(0)) => ReadBack::Overtaken,
            (SectionKind::Desired, Some(1)) => self.one_write(twin),
            (SectionKind::Desired, Some(_)) => ReadBack::Undecidable(WRITTEN_AGAIN),
            (SectionKind::Tags, Some(desired)) => {
                // Tags have no version of their own: theirs is what is left of the twin's.
                let reported = twin.reported.version.checked_sub(base.reported.version);
                let all = twin.version.checked_sub(base.version);
                match all.zip(reported).and_then(|(all, reported)| all.checked_sub(reported)) {
                    // Each of these writes changed desired properties, which mine does not.
                    Some(writes) if writes == desired && writes > 0 => ReadBack::Overtaken,
                    Some(1) => self.one_write(twin),
                    Some(_) | None => ReadBack::Undecidable(WRITTEN_AGAIN),
                }
            }
        }
    }

    fn one_write(&self, twin: &Twin) -> ReadBack {
        if json::same_members(self.patch.of(twin), &self.expected()) { ReadBack::Happened } else { ReadBack::Overtaken }
    }
}

impl Write for TwinWrite {
    fn target(&self) -> Target {
        Target::Twin(self.target.clone())
    }

    fn verb(&self) -> &'static str {
        "twin.patch"
    }

    fn words(&self) -> Words {
        Words { act: "Change", done: "changed" }
    }

    fn least(&self) -> Level {
        Level::Dialog
    }

    fn http(&self) -> Http {
        Http {
            method: "PATCH",
            path: self.path(),
            if_match: Some(self.if_match.clone()),
            body: Some(self.patch.body()),
        }
    }

    fn lines(&self) -> Vec<Line> {
        self.changes().iter().map(|change| Line::new(change.kind(), change.in_words())).collect()
    }

    fn inverse(&self) -> Option<Value> {
        Some(self.inverse.body())
    }

    /// It has no guard of its own: `az` sends `If-Match: "*"` unless told otherwise, so the tag is in the command.
    fn az(&self, hub: &str) -> String {
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

    fn refusal(&self) -> Option<Refusal> {
        if let Some(module) = self.target.module.as_ref().filter(|module| module.is_system()) {
            return Some(Refusal::SystemModule(module.shown().into()));
        }
        if !guards(&self.if_match) {
            return Some(Refusal::Unguarded);
        }
        if self.patch.merge.is_empty() {
            return Some(Refusal::Empty);
        }
        let finding = limits::check(self.patch.section, &self.expected()).into_iter().next()?;
        Some(Refusal::Limit(format!("{} {}", finding.path.shown(), finding.message)))
    }

    fn base_desired_version(&self) -> Option<u64> {
        Some(self.base.desired.version)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::domain::ids::ETag;
    use crate::hub::twin_from_json;

    /// A twin with these versions: its own, desired, reported.
    fn twin(etag: &str, versions: (u64, u64, u64), tags: &Value, desired: &Value) -> Twin {
        let (all, of_desired, of_reported) = versions;
        let mut desired = desired.clone();
        desired["$version"] = json!(of_desired);
        twin_from_json(&json!({
            "deviceId": "d", "etag": etag, "version": all, "tags": tags,
            "properties": {"desired": desired, "reported": {"$version": of_reported}},
        }))
        .unwrap()
    }

    fn write(section: SectionKind, wanted: &Value) -> TwinWrite {
        let base = Arc::new(twin("e5", (9, 3, 4), &json!({"role": "old"}), &json!({"t": 25.0, "w": 1})));
        let wanted = wanted.as_object().unwrap();
        TwinWrite::new(&base, section, wanted).unwrap()
    }

    #[test]
    fn a_write_of_desired_properties_is_told_by_their_version() {
        let mine = write(SectionKind::Desired, &json!({"t": 30.0, "w": 1}));
        let tags = json!({"role": "old"});
        let (was, done) = (json!({"t": 25.0, "w": 1}), json!({"t": 30.0, "w": 1}));
        for (what, found, expected) in [
            ("nothing was written, something was reported", twin("e5", (11, 3, 6), &tags, &was), ReadBack::Unchanged),
            ("mine", twin("e6", (10, 4, 4), &tags, &done), ReadBack::Happened),
            (
                "mine, its number spelt anew",
                twin("e6", (10, 4, 4), &tags, &json!({"t": 30, "w": 1})),
                ReadBack::Happened,
            ),
            ("theirs instead", twin("e6", (10, 4, 4), &tags, &json!({"t": 28.0, "w": 1})), ReadBack::Overtaken),
            // All that I sent is there, and it came with what I did not send: a colleague wrote my value and another.
            ("theirs with my value", twin("e6", (10, 4, 4), &tags, &json!({"t": 30.0, "w": 2})), ReadBack::Overtaken),
            ("their tags", twin("e6", (10, 3, 4), &json!({"role": "new"}), &was), ReadBack::Overtaken),
            ("mine and their tags", twin("e7", (11, 4, 4), &json!({"role": "new"}), &done), ReadBack::Happened),
            (
                "two, the last not mine",
                twin("e7", (11, 5, 4), &tags, &json!({"t": 28.0, "w": 1})),
                ReadBack::Undecidable(WRITTEN_AGAIN),
            ),
            ("two, the last as mine", twin("e7", (11, 5, 4), &tags, &done), ReadBack::Undecidable(WRITTEN_AGAIN)),
            ("made anew", twin("e1", (2, 1, 1), &tags, &done), ReadBack::Undecidable(WRITTEN_AGAIN)),
        ] {
            assert_eq!(mine.weigh(&found), expected, "{what}");
        }
    }

    #[test]
    fn a_write_of_tags_is_told_by_what_is_left_of_the_twins_version() {
        let mine = write(SectionKind::Tags, &json!({"role": "new"}));
        let (was, done, other) = (json!({"role": "old"}), json!({"role": "new"}), json!({"role": "other"}));
        let desired = json!({"t": 25.0, "w": 1});
        for (what, found, expected) in [
            ("mine", twin("e6", (10, 3, 4), &done, &desired), ReadBack::Happened),
            ("mine, and three reports", twin("e6", (13, 3, 7), &done, &desired), ReadBack::Happened),
            ("theirs instead", twin("e6", (10, 3, 4), &other, &desired), ReadBack::Overtaken),
            ("their desired properties", twin("e6", (10, 4, 4), &was, &json!({"t": 1})), ReadBack::Overtaken),
            ("two", twin("e7", (11, 3, 4), &other, &desired), ReadBack::Undecidable(WRITTEN_AGAIN)),
            (
                "two, one of them of desired properties",
                twin("e7", (11, 4, 4), &done, &json!({"t": 1})),
                ReadBack::Undecidable(WRITTEN_AGAIN),
            ),
            ("made anew", twin("e1", (2, 1, 1), &done, &desired), ReadBack::Undecidable(WRITTEN_AGAIN)),
        ] {
            assert_eq!(mine.weigh(&found), expected, "{what}");
        }
    }

    #[test]
    fn a_guard_that_was_old_already_lets_nothing_through() {
        let mut mine = write(SectionKind::Desired, &json!({"t": 30.0, "w": 1}));
        mine.if_match = ETag::from_wire("e4");
        let found = twin("e6", (10, 4, 4), &json!({}), &json!({"t": 30.0, "w": 1}));
        assert_eq!(mine.weigh(&found), ReadBack::Overtaken);
    }
}
