//! `edgedeck deployment devices`: who is behind a figure.

use clap::Args;
use serde_json::{Value, json};

use super::super::answer::{Answer, Failure};
use super::super::exit::Exit;
use super::super::site::Site;
use super::super::table::Table;
use super::super::target::deployment_id;
use super::{read, typed};
use crate::domain::deployment::{MetricName, SystemMetric};
use crate::domain::ids::DeploymentId;
use crate::domain::text::{Shown, Untrusted};
use crate::store::Found;

/// What `deployment devices` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  edgedeck deployment devices deploy-base-sites --metric rejected
  edgedeck deployment devices deploy-base-sites --metric applied -o json

The figures are the hub's, counted every few minutes; the devices are those its query finds now, so the two may
differ. Every page of the query costs messages of the hub's day; --limit ends early.")]
pub struct DevicesArgs {
    /// The deployment
    #[arg(value_name = "ID", value_parser = deployment_id)]
    pub id: DeploymentId,
    /// targeted, applied, accepted, rejected, the hub's name for one of them, or a metric of the deployment's own
    #[arg(long, value_name = "NAME", default_value = "targeted")]
    pub metric: String,
    /// No more rows than this
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

pub(super) async fn run(site: &Site, args: &DevicesArgs) -> Result<Answer, Failure> {
    let deployed = read(site, &args.id).await?;
    let Some(metric) = deployed.metric(&args.metric) else {
        let known: Vec<String> = deployed.metrics().iter().map(|metric| typed(metric).into()).collect();
        let text = format!(
            "{} has no metric {}; it has {}",
            args.id.shown(),
            Untrusted::new(args.metric.as_str()).shown(),
            known.join(", ")
        );
        return Err(Failure::new(Exit::NotFound, text));
    };
    let now = site.clock.now();
    // A deployment that is for nobody counts with no query at all.
    let rows =
        if metric.query.is_empty() { Vec::new() } else { site.hub.read.query(&metric.query, args.limit).await? };
    let found = Found::sorted(rows.iter().map(Found::read).collect());
    let items = found.iter().map(item).collect();
    let mut table = table(&found);
    let targeted = metric.name == MetricName::System(SystemMetric::Targeted);
    if targeted && deployed.configuration.target.is_torn_by_or() {
        table.push_str(
            "\nThe OR has no parentheses in the hub's query: devices that are no edge devices can be listed too.\n",
        );
    }
    Ok(Answer::new("DeploymentDevices", now.wall, items, table))
}

/// A column for modules where a row names one: most metrics count devices.
fn table(found: &[Found]) -> String {
    let modules = found.iter().any(|row| row.module.is_some());
    let mut table = Table::with_heads(if modules { &["DEVICE", "MODULE"] } else { &["DEVICE"] });
    for row in found {
        let text = || Shown::sanitise(row.text.as_deref().unwrap_or_default());
        let device = row.device.as_ref().map_or_else(text, |device| device.shown());
        let module = row.module.as_ref().map_or_else(|| Shown::from_static("-"), |module| module.shown());
        table.row([device].into_iter().chain(modules.then_some(module)));
    }
    table.text()
}

fn item(found: &Found) -> Value {
    let row: Option<Value> = found.text.as_ref().and_then(|text| serde_json::from_str(text).ok());
    json!({ "deviceId": found.device, "moduleId": found.module, "row": row })
}
