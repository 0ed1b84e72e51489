//! `edgedeck devices`: the fleet as the console shows it, read once.

use std::collections::{BTreeMap, HashMap};

use clap::Args;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, stamp};
use super::pointer::point_at;
use super::site::Site;
use super::table::Table;
use crate::domain::fault::Fault;
use crate::domain::health::EdgeHubLink;
use crate::domain::text::Shown;
use crate::domain::time::Now;
use crate::hub::HubRead;
use crate::store::{DeviceRow, FleetBuilder, FleetSnapshot, QUERY_AGENTS, QUERY_DEVICES, QUERY_DIGEST};
use crate::tui::filter::Filter;
use crate::tui::views::fleet::row::{FleetColumn, cell, status};
use crate::tui::views::sieve::Columns;

/// What the table shows, in this order.
const COLUMNS: [FleetColumn; 7] = [
    FleetColumn::Device,
    FleetColumn::Status,
    FleetColumn::Modules,
    FleetColumn::Worst,
    FleetColumn::Deployments,
    FleetColumn::Tags,
    FleetColumn::Reported,
];

/// What `devices` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Filters, as / in the console:
  gateway             contains; an upper-case letter makes case count
  '~^edge-gw-0[0-9]'  a regular expression
  '!~^lab-'           the opposite of what follows
  '-l role=gateway'   by tag; also key!=value, key, and several with commas
  '-f egw7'           letters in this order
  status:backoff      one column: link, device, mods, status, worst, deployments, tags, reported")]
pub struct DevicesArgs {
    /// Only devices that pass this filter
    #[arg(long, short = 'f', value_name = "TEXT", allow_hyphen_values = true)]
    pub filter: Option<String>,
}

/// Reads the fleet.
///
/// # Errors
/// A [`Failure`] for a filter that cannot be read, and the hub's.
pub async fn run(site: &Site, args: &DevicesArgs) -> Result<Answer, Failure> {
    let text = args.filter.as_deref().unwrap_or_default();
    let filter = Filter::parse(text, FleetColumn::FILTERS).map_err(|error| {
        let at = text.char_indices().nth(error.at).map_or(text.len(), |(at, _)| at);
        Failure::usage(format!("the filter cannot be read: {}\n{}", error.message, point_at(text, at)))
    })?;
    let now = site.clock.now();
    let (fleet, tags) = read(&site.hub.read).await?;
    let mut scratch = String::new();
    let rows: Vec<&DeviceRow> =
        fleet.rows.iter().map(|row| &**row).filter(|row| filter.admits(*row, &mut scratch)).collect();
    let items = rows.iter().map(|row| item(row, tags.get(row.id.as_str()))).collect();
    Ok(Answer::new("DeviceList", now.wall, items, table(&rows, now)))
}

/// The fleet from its three queries, and each device's tags as the hub has them.
async fn read(hub: &HubRead) -> Result<(std::sync::Arc<FleetSnapshot>, HashMap<String, Value>), Fault> {
    let (devices, digest, agents) =
        tokio::try_join!(hub.query(QUERY_DEVICES, None), hub.query(QUERY_DIGEST, None), hub.query(QUERY_AGENTS, None))?;
    let mut fleet = FleetBuilder::default();
    let seen = fleet.devices(&devices);
    fleet.retain(&seen);
    let mut digests = BTreeMap::new();
    FleetBuilder::read_digest(&mut digests, &digest);
    fleet.digest(&digests);
    fleet.agents(&agents);
    let tags = devices
        .into_iter()
        .filter_map(|mut device| {
            let id = device.get("deviceId")?.as_str()?.to_owned();
            Some((id, device.get_mut("tags")?.take()))
        })
        .collect();
    Ok((fleet.snapshot(), tags))
}

fn table(rows: &[&DeviceRow], now: Now) -> String {
    let mut table = Table::new(COLUMNS.iter().map(|column| Shown::from_static(column.spec().title)));
    for (index, column) in COLUMNS.iter().enumerate() {
        if column.spec().right {
            table = table.right(index);
        }
    }
    for row in rows {
        table.row(COLUMNS.iter().map(|column| Shown::composed(cell(row, *column, now).1)));
    }
    table.text()
}

fn item(row: &DeviceRow, tags: Option<&Value>) -> Value {
    let agent = row.agent.as_ref();
    // Before the first report nobody knows what runs.
    let running = agent.filter(|agent| agent.code.is_some()).map(|agent| agent.running);
    json!({
        "deviceId": row.id,
        "enabled": row.enabled,
        "status": status(row).2,
        "edgeHubConnected": match row.link {
            EdgeHubLink::Up => Some(true),
            EdgeHubLink::Down => Some(false),
            EdgeHubLink::Unknown => None,
        },
        "modulesRunning": running,
        "modulesWanted": agent.map(|agent| agent.wanted),
        "worstModule": agent.and_then(|agent| agent.worst.as_ref()).map(|(id, verdict)| {
            json!({ "moduleId": id, "status": verdict.word() })
        }),
        "agentCode": agent.and_then(|agent| agent.code),
        "deployments": agent.map(|agent| &agent.applied),
        "tags": tags.cloned().unwrap_or_else(|| json!({})),
        "reportedAt": stamp(agent.and_then(|agent| agent.reported_at)),
        "lastActivityTime": stamp(row.last_activity),
        "edgeHubActivityTime": stamp(row.link_activity),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Clock, ManualClock};

    #[test]
    fn a_device_that_was_never_read_is_unknown_and_not_zero() {
        let mut fleet = FleetBuilder::default();
        fleet.devices(&[json!({"deviceId": "d\u{1b}[2J"})]);
        let rows = fleet.snapshot().rows.clone();
        let item = item(&rows[0], None);
        for unknown in
            ["modulesRunning", "modulesWanted", "worstModule", "deployments", "reportedAt", "edgeHubConnected"]
        {
            assert_eq!(item[unknown], Value::Null, "{unknown}");
        }
        let now = ManualClock::at("2026-03-04T10:00:00Z".parse().unwrap()).now();
        let text = table(&[&rows[0]], now);
        assert!(text.contains("d^[[2J") && text.contains("not read") && text.contains("?/?"), "{text}");
    }
}
