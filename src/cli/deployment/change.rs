//! `edgedeck deployment create|set|delete`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use crate::cli::answer::{Answer, Failure};
use crate::cli::apply::document;
use crate::cli::ask::Asker;
use crate::cli::site::Site;
use crate::cli::target::deployment_id;
use crate::cli::write::{self, WriteArgs};
use crate::domain::ids::DeploymentId;
use crate::ops::{Amendment, NewDeployment, Order};

/// What `deployment create` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
The content is a manifest: complete for a base, keys like properties.desired.modules.NAME for a layer. When the file is a
whole configuration, what is not named here is taken from it. Nothing changes the content afterwards.

Examples:
  edgedeck deployment create base-b1 -k deployment.json -t \"tags.location.building = 'B1'\" --priority 10
  edgedeck deployment create ml-gateways -k ml-layer.json -t \"tags.role = 'gateway'\" --priority 20 --dry-run")]
pub struct CreateArgs {
    /// The new deployment's id: small letters, digits and -+%_*!', at most 128
    #[arg(value_name = "ID", value_parser = deployment_id)]
    pub id: DeploymentId,
    /// Its content, or - for standard input
    #[arg(long, short = 'k', visible_alias = "file", value_name = "FILE")]
    pub content: PathBuf,
    /// Which devices; * is for every edge device
    #[arg(long, short = 't', visible_alias = "tc", value_name = "CONDITION")]
    pub target_condition: Option<String>,
    /// The base with the largest wins; layers above the base, each over the smaller
    #[arg(long, visible_alias = "pri", value_name = "N")]
    pub priority: Option<u32>,
    /// Labels
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair)]
    pub labels: Vec<(String, String)>,
    /// Metrics of your own: a name and a query
    #[arg(long = "metric", value_name = "NAME=QUERY", value_parser = pair)]
    pub metrics: Vec<(String, String)>,
    /// How it is confirmed and recorded.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// What `deployment set` takes.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true)
    .args(["target_condition", "priority", "labels", "metrics", "no_labels", "no_metrics"]))]
pub struct SetArgs {
    /// The deployment
    #[arg(value_name = "ID", value_parser = deployment_id)]
    pub id: DeploymentId,
    /// Which devices; * is for every edge device
    #[arg(long, short = 't', visible_alias = "tc", value_name = "CONDITION")]
    pub target_condition: Option<String>,
    /// The base with the largest wins; layers above the base, each over the smaller
    #[arg(long, visible_alias = "pri", value_name = "N")]
    pub priority: Option<u32>,
    /// All labels anew
    #[arg(long = "label", id = "labels", value_name = "NAME=VALUE", value_parser = pair)]
    pub labels: Vec<(String, String)>,
    /// No labels any more
    #[arg(long, conflicts_with = "labels")]
    pub no_labels: bool,
    /// All metrics of your own anew: a name and a query
    #[arg(long = "metric", id = "metrics", value_name = "NAME=QUERY", value_parser = pair)]
    pub metrics: Vec<(String, String)>,
    /// No metrics of your own any more
    #[arg(long, conflicts_with = "metrics")]
    pub no_metrics: bool,
    /// How it is confirmed and recorded.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// What `deployment delete` takes.
#[derive(Debug, Clone, Args)]
pub struct DeleteArgs {
    /// The deployment
    #[arg(value_name = "ID", value_parser = deployment_id)]
    pub id: DeploymentId,
    /// How it is confirmed and recorded.
    #[command(flatten)]
    pub write: WriteArgs,
}

pub(super) async fn create(site: &Site, args: &CreateArgs, asker: Asker) -> Result<Answer, Failure> {
    let new = NewDeployment {
        id: args.id.clone(),
        content: document(&args.content)?,
        target: args.target_condition.clone(),
        priority: args.priority,
        labels: args.labels.iter().cloned().collect(),
        metrics: args.metrics.iter().cloned().collect(),
    };
    order(site, Order::Create(Box::new(new)), &args.write, asker).await
}

pub(super) async fn set(site: &Site, args: &SetArgs, asker: Asker) -> Result<Answer, Failure> {
    let amendment = Amendment {
        target: args.target_condition.clone(),
        priority: args.priority,
        labels: anew(&args.labels, args.no_labels),
        metrics: anew(&args.metrics, args.no_metrics),
    };
    order(site, Order::Amend(args.id.clone(), amendment), &args.write, asker).await
}

pub(super) async fn delete(site: &Site, args: &DeleteArgs, asker: Asker) -> Result<Answer, Failure> {
    order(site, Order::DeleteDeployment(args.id.clone()), &args.write, asker).await
}

async fn order(site: &Site, order: Order, args: &WriteArgs, asker: Asker) -> Result<Answer, Failure> {
    write::order(site, args, &order, asker, ("DeploymentChange", "DEPLOYMENT")).await
}

fn anew(pairs: &[(String, String)], none: bool) -> Option<BTreeMap<String, String>> {
    (none || !pairs.is_empty()).then(|| pairs.iter().cloned().collect())
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        _ => Err("NAME=VALUE is needed".to_owned()),
    }
}
