//! What a console refuses before it sends: placeholders nobody filled in and `createOptions` that are no text. The
//! hub takes both, and the device stumbles over them.

use std::fmt;

use serde_json::{Map, Value};

use super::create_options::{AGENT_CHUNKS, USUAL_CHUNKS, is_chunk};
use super::document::Manifest;
use crate::domain::json::Path;
use crate::domain::text::Shown;

/// One thing in a manifest that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where in the document that was read.
    pub at: Path,
    /// What it is.
    pub kind: FindingKind,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingKind {
    /// A placeholder of a template, such as `${NAME}`.
    Unresolved(Shown),
    /// `createOptions` as an object, as templates write it.
    ObjectCreateOptions,
    /// More pieces of `createOptions` than tools read back.
    ManyChunks(usize),
    /// More pieces of `createOptions` than edgeAgent reads.
    TooManyChunks(usize),
    /// A layer that reaches into `systemModules`, which belong to the base.
    LayerSetsSystemModules,
}

impl Finding {
    /// Whether apply and create refuse the manifest for it; the rest are warnings.
    #[must_use]
    pub fn refused(&self) -> bool {
        match self.kind {
            FindingKind::Unresolved(_) | FindingKind::ObjectCreateOptions | FindingKind::TooManyChunks(_) => true,
            FindingKind::ManyChunks(_) | FindingKind::LayerSetsSystemModules => false,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.at.shown().as_str())?;
        match &self.kind {
            FindingKind::Unresolved(text) => {
                write!(f, "{} was never filled in; expand the template first", text.as_str())
            }
            FindingKind::ObjectCreateOptions => {
                f.write_str("createOptions is an object where a text belongs; expand the template first")
            }
            FindingKind::ManyChunks(count) => {
                write!(f, "createOptions comes in {count} pieces; other tools read only {USUAL_CHUNKS}")
            }
            FindingKind::TooManyChunks(count) => {
                write!(f, "createOptions comes in {count} pieces; edgeAgent reads only {AGENT_CHUNKS}")
            }
            FindingKind::LayerSetsSystemModules => f.write_str("a layer sets systemModules, which belong to the base"),
        }
    }
}

impl Manifest {
    /// Everything that should be looked at before the manifest is sent, in the order of the file.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for (module, content) in &self.modules {
            for set in &content.assignments {
                let at = self.place(module, &set.key());
                if let Some(text) = placeholder(&set.key()) {
                    found.push(Finding { at: at.clone(), kind: FindingKind::Unresolved(Shown::sanitise(text)) });
                }
                let is_agent = module.as_str() == "$edgeAgent";
                if is_agent && set.path.keys().first().is_some_and(|first| first == "systemModules") {
                    found.push(Finding { at: at.clone(), kind: FindingKind::LayerSetsSystemModules });
                }
                let below: Vec<&str> = set.path.keys().iter().map(String::as_str).collect();
                walk(&set.value, &at, is_agent.then_some(&below), &mut found);
            }
        }
        found
    }
}

/// `agent_path` is the place below `$edgeAgent`'s desired section; elsewhere `createOptions` means nothing.
fn walk(value: &Value, at: &Path, agent_path: Option<&Vec<&str>>, found: &mut Vec<Finding>) {
    let settings = agent_path.is_some_and(|path| is_settings(path));
    match value {
        Value::String(text) => {
            if let Some(placeholder) = placeholder(text) {
                let kind = FindingKind::Unresolved(Shown::sanitise(placeholder));
                found.push(Finding { at: at.clone(), kind });
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &at.child(&index.to_string()), None, found);
            }
        }
        Value::Object(map) => {
            if let Some(path) = agent_path
                && let Some((last, before)) = path.split_last()
                && is_settings(before)
                && is_chunk(last)
            {
                found.push(Finding { at: at.clone(), kind: FindingKind::ObjectCreateOptions });
            }
            if settings {
                count_chunks(map, at, found);
            }
            for (key, child) in map {
                let at = at.child(key);
                if let Some(text) = placeholder(key) {
                    found.push(Finding { at: at.clone(), kind: FindingKind::Unresolved(Shown::sanitise(text)) });
                }
                let below: Option<Vec<&str>> =
                    agent_path.map(|path| path.iter().copied().chain([key.as_str()]).collect());
                walk(child, &at, below.as_ref(), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_settings(path: &[&str]) -> bool {
    matches!(path, ["modules" | "systemModules", _, "settings"])
}

fn count_chunks(settings: &Map<String, Value>, at: &Path, found: &mut Vec<Finding>) {
    let count = settings.keys().filter(|key| is_chunk(key)).count();
    let kind = if count > AGENT_CHUNKS {
        FindingKind::TooManyChunks(count)
    } else if count > USUAL_CHUNKS {
        FindingKind::ManyChunks(count)
    } else {
        return;
    };
    found.push(Finding { at: at.child("createOptions"), kind });
}

/// The first `${name` of a text, up to its `}` or for a few characters.
pub(super) fn placeholder(text: &str) -> Option<&str> {
    let mut from = 0;
    while let Some(start) = text.get(from..)?.find("${").map(|at| from + at) {
        let rest = text.get(start..)?;
        if rest.chars().nth(2).is_some_and(|c| c == '_' || c.is_ascii_alphabetic()) {
            let end = rest.find('}').map_or(rest.len(), |end| end + 1);
            return rest.get(..rest.floor_char_boundary(end.min(60)));
        }
        from = start + 2;
    }
    None
}
