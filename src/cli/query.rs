//! `edgedeck query`: the hub's query language, read here first because the hub only ever answers `BadRequest`.

use clap::Args;
use serde_json::Value;

use super::answer::{Answer, Failure};
use super::pointer::point_at;
use super::site::Site;
use super::table::Table;
use crate::domain::json::compact;
use crate::domain::query;
use crate::domain::secret::mask_json;
use crate::domain::text::{Shown, Untrusted};

/// Members of a whole twin that fit a table; `-o json` has the rest.
const OF_A_TWIN: [&str; 7] =
    ["deviceId", "moduleId", "status", "connectionState", "lastActivityTime", "version", "tags"];

/// What `query` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  edgedeck query \"SELECT deviceId, tags FROM devices WHERE tags.role = 'gateway'\"
  edgedeck query \"SELECT COUNT() AS n FROM devices.modules WHERE connectionState = 'Connected'\" -o json

Every page costs messages of the hub's day; --limit ends early.")]
pub struct QueryArgs {
    /// The query: SELECT ... FROM devices | devices.modules [WHERE ...] [GROUP BY ...]
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// No more rows than this
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Send it although it cannot be read here; the hub decides
    #[arg(long)]
    pub unchecked: bool,
}

/// Runs a query.
///
/// # Errors
/// A [`Failure`] for a query that cannot be read, and the hub's.
pub async fn run(site: &Site, args: &QueryArgs) -> Result<Answer, Failure> {
    if !args.unchecked
        && let Err(error) = query::parse(&args.text)
    {
        return Err(Failure::usage(format!(
            "the query cannot be read: {}\n{}\nnothing was sent; --unchecked sends it as it is",
            Shown::sanitise(&error.message).as_str(),
            point_at(&args.text, error.offset)
        )));
    }
    let now = site.clock.now();
    let rows = site.hub.read.query(&args.text, args.limit).await?;
    let text = table(&rows);
    Ok(Answer::new("QueryResult", now.wall, rows, text))
}

/// The rows as a table: a column per member, in the order in which they first appear.
fn table(rows: &[Value]) -> String {
    let whole = rows.iter().any(|row| row.get("properties").is_some() && row.get("etag").is_some());
    let mut columns: Vec<&str> = Vec::new();
    for key in rows.iter().filter_map(Value::as_object).flat_map(|row| row.keys()) {
        if !columns.contains(&key.as_str()) && (!whole || OF_A_TWIN.contains(&key.as_str())) {
            columns.push(key);
        }
    }
    let mut table = Table::new(columns.iter().map(|name| Untrusted::from(*name).shown()));
    for row in rows {
        let mut row = row.clone();
        mask_json(&mut row);
        table.row(columns.iter().map(|name| cell(row.get(*name))));
    }
    if columns.is_empty() { String::new() } else { table.text() }
}

fn cell(value: Option<&Value>) -> Shown {
    match value {
        None | Some(Value::Null) => Shown::from_static("-"),
        Some(Value::String(text)) => Shown::sanitise(text),
        Some(other) => Shown::sanitise(&compact(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_come_as_they_appear_and_secrets_do_not() {
        let rows = [json!({"b": "x\u{9b}", "a": 1}), json!({"c": {"apiToken": "hunter2"}, "a": null})];
        assert_eq!(table(&rows), "b          a  c\nx<U+009B>  1  -\n-          -  {\"apiToken\":\"********\"}\n");
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn of_whole_twins_a_table_shows_what_fits() {
        let rows = [json!({"deviceId": "d", "etag": "e", "version": 2, "properties": {"desired": {}}})];
        assert_eq!(table(&rows), "deviceId  version\nd         2\n");
    }
}
