//! A request for logs as edgeAgent reads it: member names in any case, numbers as texts, and its own texts for what it
//! cannot read.

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value, json};

use super::answer::MethodError;
use super::wire;

/// The members of a request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) schema_version: String,
    pub(super) items: Vec<Item>,
    pub(super) encoding: Encoding,
    pub(super) content: Content,
}

/// One of the modules asked for, or several.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) filter: Filter,
}

/// Which lines.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) tail: Option<i32>,
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
    pub(super) level: Option<i32>,
    pub(super) stamps: bool,
    pub(super) regex: Option<(String, Regex)>,
}

/// How an answer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    None,
    Gzip,
}

/// What an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    Text,
}

/// Why a request cannot be read: the text after `Error parsing command payload because of error - `.
struct Unreadable(String);

const NAMESPACE: &str = "Microsoft.Azure.Devices.Edge.Agent.Core";

impl Request {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`MethodError`] with edgeAgent's status and text.
    pub(super) fn read(payload: &Value) -> Result<Self, MethodError> {
        Self::read_with(payload, "ModuleLogsRequest", |_| Ok(())).map(|(request, ())| request)
    }

    /// Reads the payload of an upload: the same, and the address to upload to, whatever stands in it.
    ///
    /// # Errors
    /// [`MethodError`] with edgeAgent's status and text.
    pub(super) fn read_upload(payload: &Value) -> Result<(Self, String), MethodError> {
        Self::read_with(payload, "ModuleLogsUploadRequest", |map| {
            text(map, "sasUrl", "")?.ok_or_else(|| missing("sasUrl"))
        })
    }

    /// First everything is converted, then what has to be there is looked for, the items last.
    fn read_with<T>(
        payload: &Value,
        kind: &str,
        more: impl FnOnce(&Map<String, Value>) -> Result<T, Unreadable>,
    ) -> Result<(Self, T), MethodError> {
        let wrapped = |Unreadable(why)| {
            MethodError::bad_request(format!("Error parsing command payload because of error - {why}"))
        };
        let map = match payload {
            Value::Null => return Err(MethodError::bad_request("Request payload not found")),
            Value::Object(map) => map,
            other => return Err(wrapped(wrong_type(other, &format!("{NAMESPACE}.Requests.{kind}"), ""))),
        };
        let items = member(map, "items").map(read_items).transpose().map_err(wrapped)?;
        let encoding = choice(map, "encoding", [("None", Encoding::None), ("Gzip", Encoding::Gzip)]);
        let content = choice(map, "contentType", [("Json", Content::Json), ("Text", Content::Text)]);
        let (encoding, content) = (encoding.map_err(wrapped)?, content.map_err(wrapped)?);
        let schema_version = not_blank(map, "schemaVersion", "").map_err(wrapped)?;
        let more = more(map).map_err(wrapped)?;
        let items = items.ok_or_else(|| wrapped(missing("items")))?;
        // A single null is an item to the reader, and trips whoever looks at it.
        let items =
            items.ok_or_else(|| MethodError::internal("Object reference not set to an instance of an object."))?;
        Ok((Self { schema_version, items, encoding, content }, more))
    }

    /// The request as edgeAgent writes it into its log.
    pub(super) fn to_json(&self) -> Value {
        let mut items: Vec<Value> =
            self.items.iter().map(|item| json!({"id": item.id, "filter": item.filter.to_json()})).collect();
        let items = match items.pop() {
            Some(single) if items.is_empty() => single,
            Some(last) => {
                items.push(last);
                Value::Array(items)
            }
            None => Value::Array(items),
        };
        json!({
            "schemaVersion": self.schema_version,
            "items": items,
            "encoding": self.encoding.number(),
            "contentType": self.content.number(),
        })
    }
}

impl Encoding {
    /// Its number in edgeAgent.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
        }
    }
}

impl Content {
    /// Its number in edgeAgent.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Json => 0,
            Self::Text => 1,
        }
    }
}

impl Filter {
    /// The filter as edgeAgent writes it.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "tail": self.tail,
            "since": self.since,
            "until": self.until,
            "loglevel": self.level,
            "regex": self.regex.as_ref().map(|(pattern, _)| pattern),
        })
    }

    fn read(map: &Map<String, Value>) -> Result<Self, Unreadable> {
        let at = "items.filter.";
        let regex = match text(map, "regex", at)? {
            Some(pattern) => match Regex::new(&pattern) {
                Ok(regex) => Some((pattern, regex)),
                Err(error) => return Err(Unreadable(complaint(&pattern, &error))),
            },
            None => None,
        };
        Ok(Self {
            tail: integer(map, "tail", at)?,
            since: text(map, "since", at)?,
            until: text(map, "until", at)?,
            level: integer(map, "loglevel", at)?,
            stamps: member(map, "includeTimestamp").is_some_and(|value| *value == Value::Bool(true)),
            regex,
        })
    }
}

/// The items, one object or an array of them; nothing for a null among them.
fn read_items(items: &Value) -> Result<Option<Vec<Item>>, Unreadable> {
    let items = match items {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut out = Vec::new();
    for item in items {
        let map = match item {
            Value::Null => return Ok(None),
            Value::Object(map) => map,
            other => return Err(wrong_type(other, &format!("{NAMESPACE}.Logs.LogRequestItem"), "")),
        };
        let filter = match member(map, "filter") {
            None | Some(Value::Null) => Filter::default(),
            Some(Value::Object(filter)) => Filter::read(filter)?,
            Some(other) => return Err(wrong_type(other, &format!("{NAMESPACE}.Logs.ModuleLogFilter"), "filter")),
        };
        out.push(Item { id: not_blank(map, "id", "items.")?, filter });
    }
    Ok(Some(out))
}

/// A member by its exact name, else by its name in any case.
fn member<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name).or_else(|| map.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn text(map: &Map<String, Value>, name: &str, at: &str) -> Result<Option<String>, Unreadable> {
    match member(map, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Bool(truth)) => Ok(Some(if *truth { "True" } else { "False" }.to_owned())),
        Some(other) => {
            let first = if other.is_array() { '[' } else { '{' };
            Err(Unreadable(format!(
                "Unexpected character encountered while parsing value: {first}. Path '{at}{name}'."
            )))
        }
    }
}

fn not_blank(map: &Map<String, Value>, name: &str, at: &str) -> Result<String, Unreadable> {
    let text = text(map, name, at)?.filter(|text| !text.trim().is_empty());
    text.ok_or_else(|| Unreadable(format!("{name} is null or whitespace.")))
}

fn integer(map: &Map<String, Value>, name: &str, at: &str) -> Result<Option<i32>, Unreadable> {
    let value = match member(map, name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let (read, complaint) = match value {
        Value::Number(number) if number.is_f64() => {
            (None, format!("Input string '{number}' is not a valid integer. Path '{at}{name}'."))
        }
        Value::Number(number) => (
            number.as_i64().and_then(|number| i32::try_from(number).ok()),
            format!("JSON integer {number} is too large or small for an Int32. Path '{at}{name}'."),
        ),
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::String(text) => {
            (text.trim().parse().ok(), format!("Could not convert string to integer: {text}. Path '{at}{name}'."))
        }
        other => (None, format!("Error converting value {other} to type 'System.Int32'. Path '{at}{name}'.")),
    };
    read.map(Some).ok_or(Unreadable(complaint))
}

/// One of two words in any case, or its number; the first when nothing is said.
fn choice<T: Copy>(map: &Map<String, Value>, name: &str, known: [(&str, T); 2]) -> Result<T, Unreadable> {
    let [(_, default), _] = known;
    let value = match member(map, name) {
        None | Some(Value::Null) => return Ok(default),
        Some(value) => value,
    };
    let found = known.into_iter().enumerate().find(|(number, (word, _))| match value {
        Value::String(text) => text.trim().eq_ignore_ascii_case(word) || text.trim() == number.to_string(),
        Value::Number(given) => given.as_u64().and_then(|given| usize::try_from(given).ok()) == Some(*number),
        _ => false,
    });
    let kind = if name == "encoding" { "LogsContentEncoding" } else { "LogsContentType" };
    found
        .map(|(_, (_, choice))| choice)
        .ok_or_else(|| wrong_type(value, &format!("System.Nullable`1[{NAMESPACE}.Logs.{kind}]"), name))
}

fn missing(name: &str) -> Unreadable {
    Unreadable(format!("Value cannot be null. (Parameter '{name}')"))
}

fn wrong_type(value: &Value, kind: &str, path: &str) -> Unreadable {
    let shown = match value {
        Value::String(text) => wire::quoted(text),
        other => other.to_string(),
    };
    Unreadable(format!("Error converting value {shown} to type '{kind}'. Path '{path}'."))
}

/// The expression an item's `id` is: unanchored, in any case.
///
/// # Errors
/// What .NET says about it.
pub(super) fn module_expression(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).case_insensitive(true).build().map_err(|error| complaint(pattern, &error))
}

/// What .NET says about an expression, in its words where they are known.
fn complaint(pattern: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    let end = wire::units(pattern);
    let (at, reason) = if reason.contains("unclosed character class") {
        (end, "Unterminated [] set.".to_owned())
    } else if reason.contains("unclosed group") {
        (end, "Not enough )'s.".to_owned())
    } else if reason.contains("unopened group") {
        (pattern.find(')').unwrap_or(end) + 1, "Too many )'s.".to_owned())
    } else if reason.contains("repetition operator missing expression") {
        let at = pattern.find(['*', '+', '?']).unwrap_or_default();
        let operator = pattern.get(at..=at).unwrap_or_default();
        (at + 1, format!("Quantifier '{operator}' following nothing."))
    } else if reason.contains("incomplete escape sequence") {
        (end, "Illegal \\ at end of pattern.".to_owned())
    } else {
        // What this engine does not know and .NET does, such as looking around, ends here too.
        (end, format!("{reason}."))
    };
    format!("Invalid pattern '{pattern}' at offset {at}. {reason}")
}
