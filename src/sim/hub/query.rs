//! `POST /devices/query`: twins, figures over twins, and what jobs did to devices, in pages.

use std::ops::Bound;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::query::{self, Comparison, Expr, Groups, Path, Query, Select, Source};

use super::Call;
use super::errors::HubError;
use super::message::Response;
use super::page::Start;
use super::state::{Device, State};
use super::twins::{Form, Part, document};

#[derive(Deserialize)]
struct Body {
    query: String,
}

pub(super) fn run(state: &State, call: &Call<'_>) -> Result<Response, HubError> {
    // The service does not say what is wrong with a query.
    let bad = || HubError::argument("BadRequest");
    let Body { query: text } = call.object()?;
    let query = query::parse(&text).map_err(|_told_to_nobody| bad())?;
    // Documented for device twins only, and never seen elsewhere.
    if query.group_by.is_some() && query.source != Source::Devices {
        return Err(bad());
    }
    if query.source == Source::Jobs {
        let start = Start::of(call, &text, query.top)?;
        let rows = state.jobs.rows(start.after).filter(|(_, row)| query.matches(row));
        return Ok(start.answer(rows, "DeviceJob"));
    }
    let item_type = if query.select == Select::All { "Twin" } else { "Raw" };
    let form = Form { model_id: call.has_model_id(), row: true, properties: Part::Whole, now: call.now };
    if query.is_aggregate() {
        let start: Start<Option<String>> = Start::of(call, &text, query.top)?;
        let mut groups = Groups::new(&query);
        matching(state, &query, None, form).for_each(|(_, row)| groups.add(&row));
        // Groups come and go as devices do; their keys have an order that stays.
        let mut rows = groups.keyed_rows();
        rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        let after = start.after.clone();
        return Ok(
            start.answer(rows.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|last| key > last)), item_type)
        );
    }
    let start: Start<Key> = Start::of(call, &text, query.top)?;
    let rows = matching(state, &query, start.after.clone(), form).map(|(key, row)| (key, query.project(&row)));
    Ok(start.answer(rows, item_type))
}

/// The devices or modules that meet a condition, in key order.
pub(super) fn selected(state: &State, query: &Query, now: Timestamp) -> Vec<Key> {
    let form = Form { model_id: false, row: true, properties: Part::Whole, now };
    matching(state, query, None, form).map(|(key, _)| key).collect()
}

/// How many rows each of these queries has by `now`, for the figures of configurations; none for what is no query. Every twin is
/// written out once for all of them.
pub(super) fn count_all(state: &State, texts: &[String], now: Timestamp) -> Vec<u64> {
    let queries: Vec<Option<Query>> = texts.iter().map(|text| query::parse(text).ok()).collect();
    let mut counts: Vec<Option<Count<'_>>> = queries.iter().map(|query| query.as_ref().map(Count::new)).collect();
    for source in [Source::Devices, Source::Modules] {
        let mut asked: Vec<&mut Count<'_>> =
            counts.iter_mut().flatten().filter(|count| count.query.source == source).collect();
        if asked.is_empty() {
            continue;
        }
        let mut paths: Vec<&Path> = Vec::new();
        let mut everything = false;
        for count in &asked {
            paths.extend(count.query.condition.iter().flat_map(|condition| condition.paths()));
            match count.query.columns() {
                Some(columns) => paths.extend(columns),
                None => everything |= count.groups.is_some(),
            }
        }
        let properties = if everything { Part::Whole } else { Part::seen_by(&paths) };
        let form = Form { model_id: false, row: true, properties, now };
        let mut modules = Some(Vec::new());
        for count in &asked {
            modules = modules.zip(named_modules(count.query)).map(|(known, more)| [known, more].concat());
        }
        for (_, row) in documents(state, source, None, form, modules) {
            asked.iter_mut().for_each(|count| count.add(&row));
        }
    }
    counts.into_iter().map(|count| count.map_or(0, |count| count.rows())).collect()
}

/// A query whose rows are counted and not kept.
struct Count<'q> {
    query: &'q Query,
    found: u64,
    groups: Option<Groups<'q>>,
}

impl<'q> Count<'q> {
    fn new(query: &'q Query) -> Self {
        Self { query, found: 0, groups: query.is_aggregate().then(|| Groups::new(query)) }
    }

    fn add(&mut self, row: &Value) {
        if self.query.matches(row) {
            self.found += 1;
            if let Some(groups) = &mut self.groups {
                groups.add(row);
            }
        }
    }

    fn rows(&self) -> u64 {
        let found = match &self.groups {
            Some(groups) => u64::try_from(groups.rows().len()).unwrap_or(u64::MAX),
            None => self.found,
        };
        found.min(self.query.top.unwrap_or(u64::MAX))
    }
}

/// A device, or a module of one.
pub(super) type Key = (String, Option<String>);

/// The documents that the query asks for, from behind `after` on. Properties are by far the largest part of a
/// twin, so they are written out only where the condition or a column names them.
fn matching<'a>(
    state: &'a State,
    query: &'a Query,
    after: Option<Key>,
    form: Form,
) -> impl Iterator<Item = (Key, Value)> + 'a {
    let condition = query.condition.as_ref().map_or(Part::Nothing, |condition| Part::seen_by(&condition.paths()));
    let columns = query.columns().map_or(Part::Whole, |paths| Part::seen_by(&paths));
    let lean = Form { properties: condition, ..form };
    documents(state, query.source, after, lean, named_modules(query)).filter(|(_, row)| query.matches(row)).filter_map(
        move |(key, row)| {
            let row = if columns != Part::Nothing && columns != condition {
                document(&key.0, state.indexed(&key.0)?, key.1.as_deref(), form)?
            } else {
                row
            };
            Some((key, row))
        },
    )
}

/// The only modules whose rows a query can want, when its condition says so: to write out a twin costs far more than to
/// leave it out, and nearly every query is about the runtime's own.
fn named_modules(query: &Query) -> Option<Vec<String>> {
    fn named(expr: &Expr) -> Option<Vec<String>> {
        let is_id =
            |expr: &Expr| matches!(expr, Expr::Path(path) if matches!(path.segments(), [id] if id == "moduleId"));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match expr {
            Expr::And(left, right) => named(left).or_else(|| named(right)),
            Expr::Compare(Comparison::Equal, left, right) => match (left.as_ref(), right.as_ref()) {
                (id, Expr::Literal(name)) | (Expr::Literal(name), id) if is_id(id) => Some(vec![text(name)?]),
                _ => None,
            },
            Expr::In { value, negated: false, list } if is_id(value) => list.iter().map(text).collect(),
            _ => None,
        }
    }
    query.condition.as_ref().and_then(|condition| named(condition.expr()))
}

/// The documents of a source in key order, from behind `after` on; of modules only those of these names, in any case, when
/// there are some.
fn documents(
    state: &State,
    source: Source,
    after: Option<Key>,
    form: Form,
    modules: Option<Vec<String>>,
) -> impl Iterator<Item = (Key, Value)> {
    // A module's device may hold more modules behind it, so its device is visited again.
    let start = match (&after, source) {
        (None, _) => Bound::Unbounded,
        (Some((device, _)), Source::Modules) => Bound::Included(device.clone()),
        (Some((device, _)), _) => Bound::Excluded(device.clone()),
    };
    state.indexed_from(start).flat_map(move |(id, device)| {
        let keys = match source {
            Source::Modules => modules_behind(id, device, after.as_ref(), modules.as_deref()),
            Source::Devices | Source::Jobs => vec![None],
        };
        keys.into_iter().filter_map(move |module| {
            let row = document(id, device, module.as_deref(), form)?;
            Some(((id.clone(), module), row))
        })
    })
}

fn modules_behind(id: &str, device: &Device, after: Option<&Key>, only: Option<&[String]>) -> Vec<Option<String>> {
    let wanted = |module: &&String| only.is_none_or(|only| only.iter().any(|name| name.eq_ignore_ascii_case(module)));
    let behind = |module: &&String| match after {
        Some((device, Some(last))) if device == id => *module > last,
        _ => true,
    };
    device.modules.keys().filter(wanted).filter(behind).cloned().map(Some).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_left_out_only_where_no_row_of_theirs_can_be_wanted() {
        for (condition, expected) in [
            ("moduleId = '$edgeAgent' AND properties.reported.x = 1", Some(vec!["$edgeAgent"])),
            ("tags.a = 1 AND '$edgeHub' = moduleId", Some(vec!["$edgeHub"])),
            ("moduleId IN ['a', 'b'] AND deviceId = 'd'", Some(vec!["a", "b"])),
            ("moduleId = 'a' OR deviceId = 'd'", None),
            ("NOT moduleId = 'a'", None),
            ("moduleId != 'a'", None),
            ("moduleId NIN ['a']", None),
            ("tags.moduleId = 'a'", None),
        ] {
            let query = query::parse(&format!("SELECT * FROM devices.modules WHERE {condition}")).unwrap();
            let named = named_modules(&query);
            let named: Option<Vec<&str>> = named.as_ref().map(|names| names.iter().map(String::as_str).collect());
            assert_eq!(named, expected, "{condition}");
        }
    }

    #[test]
    fn as_much_is_written_out_as_is_looked_at() {
        let both = Part::Values { desired: true, reported: true };
        let reported = Part::Values { desired: false, reported: true };
        for (condition, expected) in [
            ("deviceId = 'd' AND tags.a = 1", Part::Nothing),
            ("properties.reported.a.b = 1", reported),
            ("properties.desired.$version = properties.reported.v", both),
            ("IS_DEFINED(properties.reported)", Part::Whole),
            ("properties.reported.$metadata.$lastUpdated > 'a'", Part::Whole),
            ("properties.Reported.a = 1", Part::Whole),
        ] {
            let query = query::parse(&format!("SELECT * FROM devices WHERE {condition}")).unwrap();
            let condition_paths = query.condition.as_ref().unwrap();
            assert_eq!(Part::seen_by(&condition_paths.paths()), expected, "{condition}");
        }
    }
}
