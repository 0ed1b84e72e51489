//! What is asked of edgeAgent: the payload of a `GetModuleLogs`. Its shape is that of iot-edge 4.1, and what that shape
//! allows and nobody wants cannot be said here: `tail` beside a `since` alone (the container engine takes the last lines
//! first and drops the old ones then), fractions of seconds (refused), and `loglevel` (it asks for equality).

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::domain::ids::ModuleId;

/// The most bytes of logs an answer may have, all modules together: of the compressed text where it is compressed,
/// before base64, else characters of the text. Above it edgeAgent answers 400 and sends nothing.
pub const ANSWER_LIMIT: usize = 127_000;

/// Which part of a log is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The last so many lines. The one window that does not depend on the device's clock.
    Tail(NonZeroU32),
    /// Lines stamped in this second since 1970 or later.
    Since(i64),
    /// Lines stamped so long ago or later, by the device's own clock; in whole seconds, at least one.
    Last(Duration),
    /// Lines stamped from one second to another, both included as instants; of them the last so many.
    Between {
        /// The first second since 1970.
        since: i64,
        /// The second since 1970 whose beginning is the end.
        until: i64,
        /// How many at most.
        tail: Option<NonZeroU32>,
    },
}

impl Window {
    /// The last `lines`, at least one.
    #[must_use]
    pub fn tail(lines: u32) -> Self {
        Self::Tail(NonZeroU32::new(lines).unwrap_or(NonZeroU32::MIN))
    }

    fn write(self, filter: &mut Map<String, Value>) {
        let (tail, since, until) = match self {
            Self::Tail(lines) => (Some(lines), None, None),
            Self::Since(second) => (None, Some(instant(second)), None),
            Self::Last(age) => (None, Some(format!("{}s", age.as_secs().max(1))), None),
            Self::Between { since, until, tail } => (tail, Some(instant(since)), Some(instant(until))),
        };
        if let Some(tail) = tail {
            filter.insert("tail".into(), tail.get().into());
        }
        if let Some(since) = since {
            filter.insert("since".into(), since.into());
        }
        if let Some(until) = until {
            filter.insert("until".into(), until.into());
        }
    }
}

/// Whole seconds since 1970; what does not fit into 32 bits the daemon takes for a duration without a unit.
fn instant(second: i64) -> String {
    second.clamp(0, i64::from(i32::MAX)).to_string()
}

/// What is asked of one module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The module, as IoT Hub calls it.
    pub module: ModuleId,
    /// The part of its log.
    pub window: Window,
    /// A .NET regular expression that a line's text must match. Applied after `tail`, so that `tail` and `regex` together
    /// search the last lines only.
    pub regex: Option<String>,
}

/// How the answer's text is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// Compressed.
    Gzip,
}

/// One request for the logs of one or several modules of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogsRequest {
    /// What is wanted; where two ask for the same module the first one counts.
    pub items: Vec<Item>,
    /// How the answer is packed.
    pub encoding: Encoding,
}

impl LogsRequest {
    /// The payload.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let items: Vec<Value> = self
            .items
            .iter()
            .map(|item| {
                let mut filter = Map::new();
                item.window.write(&mut filter);
                if let Some(regex) = &item.regex {
                    filter.insert("regex".into(), regex.as_str().into());
                }
                json!({ "id": exactly(container(&item.module)), "filter": filter })
            })
            .collect();
        let encoding = match self.encoding {
            Encoding::Plain => "none",
            Encoding::Gzip => "gzip",
        };
        json!({ "schemaVersion": "1.0", "encoding": encoding, "contentType": "json", "items": items })
    }
}

/// The name of a module's container: the runtime's own go without the `$` of their identity.
#[must_use]
pub fn container(module: &ModuleId) -> &str {
    module.as_str().strip_prefix('$').unwrap_or(module.as_str())
}

/// A regular expression for this name and no longer one: `filter` alone also matches `temperatureFilter2`. Escapes what
/// .NET gives a meaning to and nothing else: an escaped letter or underscore has one of its own.
fn exactly(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len() + 2);
    pattern.push('^');
    for c in name.chars() {
        if matches!(c, '\\' | '*' | '+' | '?' | '|' | '{' | '}' | '[' | ']' | '(' | ')' | '^' | '$' | '.' | '#' | ' ') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('$');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn item(module: &str, window: Window) -> Item {
        Item { module: ModuleId::from_wire(module), window, regex: None }
    }

    #[test]
    fn requests_as_edge_agent_reads_them() {
        let seconds = Duration::from_secs;
        for (asked, expected) in [
            (item("temperatureFilter", Window::tail(20)), json!({"id": "^temperatureFilter$", "filter": {"tail": 20}})),
            (item("m", Window::tail(0)), json!({"id": "^m$", "filter": {"tail": 1}})),
            (
                item("$edgeAgent", Window::Since(1_767_323_045)),
                json!({"id": "^edgeAgent$", "filter": {"since": "1767323045"}}),
            ),
            (item("m", Window::Since(-5)), json!({"id": "^m$", "filter": {"since": "0"}})),
            (item("m", Window::Since(1_767_323_045_000)), json!({"id": "^m$", "filter": {"since": "2147483647"}})),
            (item("m", Window::Last(seconds(900))), json!({"id": "^m$", "filter": {"since": "900s"}})),
            (item("m", Window::Last(Duration::from_millis(1))), json!({"id": "^m$", "filter": {"since": "1s"}})),
            (
                item("m", Window::Between { since: 10, until: 20, tail: NonZeroU32::new(5) }),
                json!({"id": "^m$", "filter": {"tail": 5, "since": "10", "until": "20"}}),
            ),
            (
                Item { regex: Some("fail(ed)?".into()), ..item("m", Window::Since(7)) },
                json!({"id": "^m$", "filter": {"since": "7", "regex": "fail(ed)?"}}),
            ),
        ] {
            let request = LogsRequest { items: vec![asked], encoding: Encoding::Gzip };
            let whole = json!({"schemaVersion": "1.0", "encoding": "gzip", "contentType": "json", "items": [expected]});
            assert_eq!(request.to_json(), whole);
        }
    }

    /// The meaning of a request that no window can have: the last lines, and of those the young ones.
    #[test]
    fn no_window_takes_the_tail_before_since() {
        for window in [Window::tail(1), Window::Since(1), Window::Last(Duration::from_secs(1))] {
            let mut filter = Map::new();
            window.write(&mut filter);
            assert_eq!(filter.len(), 1);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// Whatever IoT Hub allows in a module's id, the pattern matches that name, in any case, and nothing longer.
        #[test]
        fn a_pattern_matches_one_name(name in "[A-Za-z0-9\\-:.+%_#*?!(),=@;$']{1,20}", more in "[A-Za-z0-9.$_]{1,3}") {
            // The two dialects agree on what is escaped here.
            let pattern = regex::Regex::new(&format!("(?i){}", exactly(&name))).unwrap();
            prop_assert!(pattern.is_match(&name) && pattern.is_match(&name.to_uppercase()));
            for longer in [format!("{name}{more}"), format!("{more}{name}")] {
                prop_assert!(!pattern.is_match(&longer), "{longer}");
            }
        }
    }
}
