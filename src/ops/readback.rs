//! What a twin that was read back says of a write without an answer: that it happened, that it did not, or that nobody
//! can tell any more.
//!
//! The values alone say too little: a colleague may have written the same, or over mine. What tells is how often the
//! twin was written since it was read. One write that left exactly my result is mine; one that left anything else took
//! my guard's place, and so mine was and will be refused; after two of them either may have been mine.

use serde_json::{Map, Value};

use super::intent::WriteIntent;
use crate::domain::limits::SectionKind;
use crate::domain::twin::Twin;

/// What a read-back says of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadBack {
    /// One write since, and it left exactly what was asked for.
    Happened,
    /// The tag is the one that was guarded with: nothing was written yet.
    Unchanged,
    /// Somebody else wrote, and mine was not among it; its guard holds it off from now on.
    Overtaken,
    /// Written so often, or made anew, that mine may have been among it.
    Undecidable,
}

/// Weighs what was read back against what was sent.
pub(super) fn weigh(intent: &WriteIntent, twin: &Twin) -> ReadBack {
    if twin.etag == intent.if_match {
        return ReadBack::Unchanged;
    }
    if intent.if_match != intent.base.etag {
        // Guarded with a tag that was no longer the twin's when it was read: the hub refuses that, whenever it comes.
        return ReadBack::Overtaken;
    }
    let base = &intent.base;
    let desired = twin.desired.version.checked_sub(base.desired.version);
    match (intent.patch.section, desired) {
        // Versions do not go back: this is another twin of the same name.
        (_, None) => ReadBack::Undecidable,
        // The tag moved and desired did not: they changed tags.
        (SectionKind::Desired, Some(0)) => ReadBack::Overtaken,
        (SectionKind::Desired, Some(1)) => one_write(intent, twin),
        (SectionKind::Desired, Some(_)) => ReadBack::Undecidable,
        (SectionKind::Tags, Some(desired)) => {
            // Tags have no version of their own: theirs is what is left of the twin's.
            let reported = twin.reported.version.checked_sub(base.reported.version);
            let all = twin.version.checked_sub(base.version);
            match all.zip(reported).and_then(|(all, reported)| all.checked_sub(reported)) {
                // Each of these writes changed desired properties, which mine does not.
                Some(writes) if writes == desired && writes > 0 => ReadBack::Overtaken,
                Some(1) => one_write(intent, twin),
                Some(_) | None => ReadBack::Undecidable,
            }
        }
    }
}

fn one_write(intent: &WriteIntent, twin: &Twin) -> ReadBack {
    if same_members(intent.patch.of(twin), &intent.expected()) { ReadBack::Happened } else { ReadBack::Overtaken }
}

fn same_members(left: &Map<String, Value>, right: &Map<String, Value>) -> bool {
    left.len() == right.len() && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
}

/// Equal, whichever way the hub spells a number: taking `30` for another value than `30.0` would deny a write that
/// happened.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => same_members(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Number(left), Value::Number(right)) => {
            left == right
                || left.as_f64().zip(right.as_f64()).is_some_and(|(left, right)| left.total_cmp(&right).is_eq())
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::domain::ids::{ETag, OpId};
    use crate::domain::time::{Clock, ManualClock};
    use crate::hub::twin_from_json;
    use crate::ops::Level;

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

    fn intent(section: SectionKind, wanted: &Value) -> WriteIntent {
        let base = Arc::new(twin("e5", (9, 3, 4), &json!({"role": "old"}), &json!({"t": 25.0, "w": 1})));
        let now = ManualClock::at("2026-03-04T10:00:00Z".parse().unwrap()).now();
        let wanted = wanted.as_object().unwrap();
        WriteIntent::new(OpId(uuid::Uuid::nil()), "h", &base, section, wanted, Level::Dialog, now).unwrap()
    }

    #[test]
    fn a_write_of_desired_properties_is_told_by_their_version() {
        let mine = intent(SectionKind::Desired, &json!({"t": 30.0, "w": 1}));
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
                ReadBack::Undecidable,
            ),
            ("two, the last as mine", twin("e7", (11, 5, 4), &tags, &done), ReadBack::Undecidable),
            ("made anew", twin("e1", (2, 1, 1), &tags, &done), ReadBack::Undecidable),
        ] {
            assert_eq!(weigh(&mine, &found), expected, "{what}");
        }
    }

    #[test]
    fn a_write_of_tags_is_told_by_what_is_left_of_the_twins_version() {
        let mine = intent(SectionKind::Tags, &json!({"role": "new"}));
        let (was, done, other) = (json!({"role": "old"}), json!({"role": "new"}), json!({"role": "other"}));
        let desired = json!({"t": 25.0, "w": 1});
        for (what, found, expected) in [
            ("mine", twin("e6", (10, 3, 4), &done, &desired), ReadBack::Happened),
            ("mine, and three reports", twin("e6", (13, 3, 7), &done, &desired), ReadBack::Happened),
            ("theirs instead", twin("e6", (10, 3, 4), &other, &desired), ReadBack::Overtaken),
            ("their desired properties", twin("e6", (10, 4, 4), &was, &json!({"t": 1})), ReadBack::Overtaken),
            ("two", twin("e7", (11, 3, 4), &other, &desired), ReadBack::Undecidable),
            (
                "two, one of them of desired properties",
                twin("e7", (11, 4, 4), &done, &json!({"t": 1})),
                ReadBack::Undecidable,
            ),
            ("made anew", twin("e1", (2, 1, 1), &done, &desired), ReadBack::Undecidable),
        ] {
            assert_eq!(weigh(&mine, &found), expected, "{what}");
        }
    }

    #[test]
    fn a_guard_that_was_old_already_lets_nothing_through() {
        let mut mine = intent(SectionKind::Desired, &json!({"t": 30.0, "w": 1}));
        mine.if_match = ETag::from_wire("e4");
        let found = twin("e6", (10, 4, 4), &json!({}), &json!({"t": 30.0, "w": 1}));
        assert_eq!(weigh(&mine, &found), ReadBack::Overtaken);
    }
}
