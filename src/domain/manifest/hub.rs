//! `$edgeHub`'s desired properties as edgeHub reads them, and what it reports when it cannot.

use std::time::Duration;

use serde_json::Value;

use super::reader::{Node, Unreadable};
use super::version::{SchemaVersion, VersionError};
use crate::domain::json::Path;
use crate::domain::routes::{self, Candidate, Route, RouteError, RoutedMessage};

/// The priority of a route that gives none: after all others.
pub const DEFAULT_PRIORITY: u32 = 2_000_000_000;

/// One route as it is configured.
#[derive(Debug, Clone, PartialEq)]
pub struct HubRoute {
    /// Its name.
    pub name: String,
    /// Its text: `FROM … INTO …`.
    pub text: String,
    /// The text, parsed; or why edgeHub, after it has reported 200, fails to put its routes in place.
    pub route: Result<Route, RouteError>,
    /// 0 comes first, 9 last; [`DEFAULT_PRIORITY`] when none is given.
    pub priority: u32,
    /// How long its messages wait for their endpoint; `None` takes the global time.
    pub time_to_live: Option<Duration>,
}

/// A configuration edgeHub can run.
#[derive(Debug, Clone, PartialEq)]
pub struct HubConfig {
    /// As written; what is reported is always `1.0`.
    pub schema_version: String,
    /// The routes in the document's order, without blank ones.
    pub routes: Vec<HubRoute>,
    /// How long undelivered messages are kept; `None` for ever.
    pub time_to_live: Option<Duration>,
    /// The most bytes the in-memory store holds.
    pub max_store_bytes: Option<i64>,
}

/// Why edgeHub does not take the desired properties. It reports 400, goes on with the routes it has, and advances
/// `lastDesiredVersion`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {reason}; edgeHub will report 400 and keep the routes it has", at.shown())]
pub struct HubRefusal {
    /// The exact text it reports. Where its JSON reader complains, the text ends before the position.
    pub description: String,
    /// Where the cause is, below the desired properties.
    pub at: Path,
    /// The cause, as a sentence without its subject; safe to draw.
    pub reason: String,
}

impl HubRefusal {
    /// The number in `lastDesiredStatus.code`.
    pub const CODE: u16 = 400;

    fn new(at: Path, reported: impl std::fmt::Display, reason: impl Into<String>) -> Self {
        let description = format!("Error while parsing desired properties - {reported}");
        Self { description, at, reason: reason.into() }
    }
}

impl HubConfig {
    /// Reads desired properties, with or without the hub's `$metadata` and `$version`.
    ///
    /// # Errors
    /// [`HubRefusal`] with what edgeHub reports.
    pub fn read(desired: &Value) -> Result<Self, HubRefusal> {
        let root = Node::root(desired);
        let Some((version, written)) = version(&root)? else {
            let at = root.at.child("schemaVersion");
            return Err(HubRefusal::new(at, "EdgeHub config missing SchemaVersion", "is missing"));
        };
        let strings_only = version.minor() == 0;
        let store = root.optional("storeAndForwardConfiguration")?;
        let written_routes = match root.optional("routes")? {
            Some(routes) if strings_only => text_routes(&routes)?,
            Some(routes) => routes.members()?.iter().map(route).collect::<Result<_, _>>()?,
            None if strings_only => Vec::new(),
            None => return Err(null(&root, "routes")),
        };
        // From 1.1 on the shape is complete before the first route is parsed.
        if store.is_none() && !strings_only {
            return Err(null(&root, "storeAndForwardConfiguration"));
        }
        let routes = written_routes.into_iter().map(Written::parse).collect::<Result<_, _>>()?;
        let Some(store) = store else { return Err(null(&root, "storeAndForwardConfiguration")) };
        let seconds = whole(&store, "timeToLiveSecs")?.unwrap_or(0);
        if i32::try_from(seconds).is_err() {
            let at = store.at.child("timeToLiveSecs");
            let reported = format!("JSON integer {seconds} is too large or small for an Int32. Path '{}'", dotted(&at));
            return Err(HubRefusal::new(at, reported, "is no whole number of 32 bits"));
        }
        let limits = store.optional("storeLimits")?;
        let max_store_bytes = limits.map(|limits| whole(&limits, "maxSizeBytes")).transpose()?.flatten();
        Ok(Self {
            schema_version: written,
            routes,
            time_to_live: u64::try_from(seconds).ok().map(Duration::from_secs),
            max_store_bytes,
        })
    }

    /// How long messages on a route wait: the route's own time, else the global one; `None` for ever.
    #[must_use]
    pub fn time_to_live_of(&self, route: &HubRoute) -> Option<Duration> {
        route.time_to_live.or(self.time_to_live)
    }

    /// The first route whose condition edgeHub cannot compile. It notices only after it has reported 200: the routes
    /// it had stay in place, and on a fresh start some or none of these are.
    #[must_use]
    pub fn unusable(&self) -> Option<(&HubRoute, &RouteError)> {
        self.routes.iter().find_map(|route| route.route.as_ref().err().map(|error| (route, error)))
    }

    /// The routes a message takes, at most one for each endpoint; none when it is dropped.
    #[must_use]
    pub fn choose(&self, message: &RoutedMessage) -> Vec<Candidate<'_>> {
        let candidates = self.routes.iter().filter_map(|route| {
            let time_to_live = self.time_to_live_of(route);
            let parsed = route.route.as_ref().ok()?;
            Some(Candidate { name: &route.name, route: parsed, priority: route.priority, time_to_live })
        });
        routes::choose(candidates, message)
    }
}

/// A route whose text was not looked at yet.
struct Written {
    at: Path,
    name: String,
    text: String,
    priority: u32,
    time_to_live: Option<Duration>,
}

impl Written {
    fn parse(self) -> Result<HubRoute, HubRefusal> {
        let Self { at, name, text, priority, time_to_live } = self;
        let route = routes::parse(&text);
        if let Err(error) = &route
            && let Some(description) = error.reported_for(&name)
        {
            return Err(HubRefusal { description, at, reason: format!("is no route: {error}") });
        }
        Ok(HubRoute { name, text, route, priority, time_to_live })
    }
}

/// The schema version, when edgeHub takes it; nothing when none is written.
fn version(root: &Node<'_>) -> Result<Option<(SchemaVersion, String)>, HubRefusal> {
    // edgeHub looks for this one member by its exact name.
    let Some(written) = root.value.get("schemaVersion") else { return Ok(None) };
    let at = root.at.child("schemaVersion");
    let written = match written {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match SchemaVersion::parse(&written) {
        Ok(version) if version.major() == 1 && (0..=3).contains(&version.minor()) => Ok(Some((version, written))),
        Ok(version) => {
            let reported = format!("EdgeHub config contains unsupported SchemaVersion: {version}");
            Err(HubRefusal::new(at, reported, "is a version edgeHub does not take; it takes 1.0 to 1.3"))
        }
        Err(VersionError(why)) => {
            let reported = format!("Error parsing schema version string: {written}, Exception: {why}");
            Err(HubRefusal::new(at, reported, "is no version; edgeHub takes 1.0 to 1.3"))
        }
    }
}

/// Routes before 1.1: texts only, blank ones skipped.
fn text_routes(routes: &Node<'_>) -> Result<Vec<Written>, HubRefusal> {
    let mut out = Vec::new();
    for (name, node) in routes.members()? {
        let Ok(text) = node.text() else {
            let first = if node.value.is_array() { '[' } else { '{' };
            let path = dotted(&node.at);
            let reported = format!("Unexpected character encountered while parsing value: {first}. Path '{path}'");
            return Err(HubRefusal::new(node.at, reported, "is an object, which schema 1.0 does not know; use 1.1"));
        };
        if !text.trim().is_empty() {
            out.push(Written {
                at: node.at,
                name: name.to_owned(),
                text,
                priority: DEFAULT_PRIORITY,
                time_to_live: None,
            });
        }
    }
    Ok(out)
}

/// A route from 1.1 on: a text or an object.
fn route((name, node): &(&str, Node<'_>)) -> Result<Written, HubRefusal> {
    let written = || format!("\"{name}\": {}", node.value);
    if name.trim().is_empty() {
        return Err(HubRefusal::new(node.at.clone(), format!("Empty route name in {}", written()), "has no name"));
    }
    let blank = || HubRefusal::new(node.at.clone(), "route is null or whitespace.", "is blank");
    let (text, priority, seconds) = match node.value {
        Value::String(text) => (text.clone(), DEFAULT_PRIORITY, 0),
        Value::Object(_) => {
            let text = node.optional("route")?;
            let text = text.map(|text| text.text()).transpose()?.ok_or_else(blank)?;
            let priority = unsigned(node, "priority")?.unwrap_or(DEFAULT_PRIORITY);
            (text, priority, unsigned(node, "timeToLiveSecs")?.unwrap_or(0))
        }
        _ => {
            let reported = format!("Malformed route specification: {}", written());
            return Err(HubRefusal::new(node.at.clone(), reported, "is neither a text nor an object"));
        }
    };
    if text.trim().is_empty() {
        return Err(blank());
    }
    if priority > 9 && priority != DEFAULT_PRIORITY {
        let reported = format!(
            "Invalid priority for route: {text}, priority can only be between 0-9 (Parameter 'priority')\nActual value was {priority}."
        );
        return Err(HubRefusal::new(node.at.child("priority"), reported, "is no priority from 0 to 9"));
    }
    let time_to_live = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)));
    Ok(Written { at: node.at.clone(), name: (*name).to_owned(), text, priority, time_to_live })
}

fn whole(node: &Node<'_>, name: &str) -> Result<Option<i64>, HubRefusal> {
    let Some(member) = node.optional(name)? else { return Ok(None) };
    match member.whole() {
        Some(number) => Ok(Some(number)),
        None => Err(not_a_number(&member, "integer")),
    }
}

fn unsigned(node: &Node<'_>, name: &str) -> Result<Option<u32>, HubRefusal> {
    let Some(member) = node.optional(name)? else { return Ok(None) };
    match member.whole().and_then(|number| u32::try_from(number).ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(not_a_number(&member, "System.UInt32")),
    }
}

fn not_a_number(node: &Node<'_>, kind: &str) -> HubRefusal {
    let reported =
        format!("Could not convert {} to {kind}: {}. Path '{}'", json_kind(node.value), node.value, dotted(&node.at));
    HubRefusal::new(node.at.clone(), reported, "is no whole number in range")
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => "value",
    }
}

fn null(root: &Node<'_>, name: &str) -> HubRefusal {
    let reported = format!("Value cannot be null. (Parameter '{name}')");
    HubRefusal::new(root.at.child(name), reported, "is missing")
}

impl From<Unreadable> for HubRefusal {
    fn from(fault: Unreadable) -> Self {
        let reported = format!("Cannot deserialize the current JSON. Path '{}'", dotted(&fault.at));
        Self::new(fault.at, reported, fault.reason)
    }
}

fn dotted(path: &Path) -> String {
    path.keys().join(".")
}
