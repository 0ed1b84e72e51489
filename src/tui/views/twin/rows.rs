//! Desired and reported over one tree of paths, aligned row by row (console-ux S-30).

use serde_json::{Map, Value};

use crate::domain::json::{self, Path};
use crate::domain::secret::{MASK, mask_at, redact};
use crate::domain::time::HubTime;
use crate::domain::twin::Section;

/// How desired and reported stand to each other at one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// A branch; its rows below say.
    Branch,
    /// Both are there and equal.
    Matches,
    /// Both are there and differ.
    Differs,
    /// Desired only.
    NotReported,
    /// Reported only.
    OnlyReported,
}

impl Agreement {
    /// The word beside the row.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Branch => "",
            Self::Matches => "matches",
            Self::Differs => "DIFFERS",
            Self::NotReported => "not reported",
            Self::OnlyReported => "only reported",
        }
    }
}

/// One row: a path, and what stands there on each side.
#[derive(Debug, Clone, PartialEq)]
pub struct TwinRow {
    /// Where.
    pub path: Path,
    /// How deep, for the indent.
    pub depth: usize,
    /// The desired value as compact JSON, secrets masked; `None` when there is none.
    pub desired: Option<String>,
    /// The reported value likewise.
    pub reported: Option<String>,
    /// How the two stand.
    pub agreement: Agreement,
    /// When desired last changed here, by the hub's metadata.
    pub desired_at: Option<HubTime>,
    /// When reported last changed here.
    pub reported_at: Option<HubTime>,
}

/// The rows of a twin: desired paths in their order, then what is only reported.
#[must_use]
pub fn align(desired: &Section, reported: &Section) -> Vec<TwinRow> {
    let mut rows = Vec::new();
    walk(&mut rows, &Path::root(), 0, Some(&desired.values), Some(&reported.values), desired, reported);
    rows
}

fn walk(
    rows: &mut Vec<TwinRow>,
    at: &Path,
    depth: usize,
    left: Option<&Map<String, Value>>,
    right: Option<&Map<String, Value>>,
    desired: &Section,
    reported: &Section,
) {
    let empty = Map::new();
    let (left, right) = (left.unwrap_or(&empty), right.unwrap_or(&empty));
    let only_right = right.keys().filter(|key| !left.contains_key(*key));
    for key in left.keys().chain(only_right) {
        let path = at.child(key);
        let (l, r) = (left.get(key), right.get(key));
        // A branch is opened when a present side is an object; the other side then has values below, or none.
        let branch = |value: Option<&Value>| value.is_none_or(|v| v.as_object().is_some_and(|map| !map.is_empty()));
        if (l.is_some() || r.is_some()) && branch(l) && branch(r) {
            rows.push(row(&path, depth, None, None, Agreement::Branch, desired, reported));
            let object = |value: Option<&'_ Value>| value.and_then(Value::as_object).cloned();
            walk(rows, &path, depth + 1, object(l).as_ref(), object(r).as_ref(), desired, reported);
            continue;
        }
        let agreement = match (l, r) {
            (Some(l), Some(r)) if l == r => Agreement::Matches,
            (Some(_), Some(_)) => Agreement::Differs,
            (Some(_), None) => Agreement::NotReported,
            (None, _) => Agreement::OnlyReported,
        };
        let text = |value: Option<&Value>| value.map(|value| masked(&path, value));
        rows.push(row(&path, depth, text(l), text(r), agreement, desired, reported));
    }
}

fn row(
    path: &Path,
    depth: usize,
    left: Option<String>,
    right: Option<String>,
    agreement: Agreement,
    desired: &Section,
    reported: &Section,
) -> TwinRow {
    TwinRow {
        path: path.clone(),
        depth,
        desired_at: left.as_ref().and_then(|_| desired.updated_at(path.keys())),
        reported_at: right.as_ref().and_then(|_| reported.updated_at(path.keys())),
        desired: left,
        reported: right,
        agreement,
    }
}

/// The value as compact JSON with its secrets masked.
fn masked(path: &Path, value: &Value) -> String {
    let mut value = value.clone();
    mask_at(path.keys(), &mut value);
    match value {
        // Without quotes: nobody should take it for the text that is there.
        Value::String(text) if text == MASK => text,
        value => redact(&json::compact(&value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn section(values: &Value) -> Section {
        Section { values: values.as_object().cloned().unwrap(), ..Section::default() }
    }

    #[test]
    fn paths_are_aligned_and_weighed() {
        let rows = align(
            &section(
                &json!({"t": 25.0, "w": {"s": 30, "k": "x"}, "e": {}, "apiToken": "s3cret", "ACR_TOKEN": {"value": "s3cret"}}),
            ),
            &section(
                &json!({"t": 30.0, "w": {"s": 30}, "err": "boom\u{1b}[31m", "apiToken": "s3cret", "deep": {"a": 1}}),
            ),
        );
        let listed: Vec<String> = rows
            .iter()
            .map(|r| {
                format!(
                    "{}{} {} {} {}",
                    "  ".repeat(r.depth),
                    r.path.name().unwrap_or_default(),
                    r.desired.as_deref().unwrap_or("-"),
                    r.reported.as_deref().unwrap_or("-"),
                    r.agreement.word()
                )
            })
            .collect();
        assert_eq!(
            listed,
            [
                "t 25.0 30.0 DIFFERS",
                "w - - ",
                "  s 30 30 matches",
                "  k \"x\" - not reported",
                "e {} - not reported",
                "apiToken ******** ******** matches",
                "ACR_TOKEN - - ",
                "  value ******** - not reported",
                "err - \"boom\\u001b[31m\" only reported",
                "deep - - ",
                "  a - 1 only reported",
            ]
        );
    }
}
