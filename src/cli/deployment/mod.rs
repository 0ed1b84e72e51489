//! `edgedeck deployment`: the deployments of the hub, one of them in full, the devices behind a figure; and creating,
//! changing and deleting one. What they have in common is here.

mod change;
mod devices;
mod list;
mod show;

use clap::Subcommand;
use serde_json::{Value, json};

use super::answer::{Answer, Failure};
use super::ask::Asker;
use super::exit::Exit;
use super::site::Site;
use crate::domain::deployment::{BEAT, Deployed, Listed, Metric, MetricName, SystemMetric};
use crate::domain::ids::DeploymentId;
use crate::domain::manifest::Kind;
use crate::domain::text::{Shown, Untrusted};

pub use change::{CreateArgs, DeleteArgs, SetArgs};
pub use devices::DevicesArgs;
pub use show::ShowArgs;

/// What can be asked about deployments, and done to them.
#[derive(Debug, Clone, Subcommand)]
pub enum DeploymentCommand {
    /// All of them, the highest priority first
    List,
    /// One of them: whom it is for, its figures with their queries, and what it sets
    Show(ShowArgs),
    /// The devices behind one of its figures, by running the figure's query now
    Devices(DevicesArgs),
    /// Create one: a base, or a layer over the base that applies
    Create(CreateArgs),
    /// Change its condition, priority, labels or metrics; its content never changes
    Set(SetArgs),
    /// Delete one; its devices fall back to the next that matches them
    Delete(DeleteArgs),
}

/// Does one of them.
///
/// # Errors
/// A [`Failure`].
pub async fn run(site: &Site, command: &DeploymentCommand, asker: Asker) -> Result<Answer, Failure> {
    match command {
        DeploymentCommand::List => list::run(site).await,
        DeploymentCommand::Show(args) => show::run(site, args).await,
        DeploymentCommand::Devices(args) => devices::run(site, args).await,
        DeploymentCommand::Create(args) => change::create(site, args, asker).await,
        DeploymentCommand::Set(args) => change::set(site, args, asker).await,
        DeploymentCommand::Delete(args) => change::delete(site, args, asker).await,
    }
}

/// Reads one deployment.
async fn read(site: &Site, id: &DeploymentId) -> Result<Deployed, Failure> {
    match site.hub.read.configuration(id).await? {
        Listed::Edge(deployed) => Ok(*deployed),
        Listed::Other(other) => {
            let text =
                format!("{} is {}, and no IoT Edge deployment that can be read", id.shown(), kind_of(&other.kind));
            Err(Failure::new(Exit::NotFound, text))
        }
    }
}

fn kind_of(kind: &crate::domain::deployment::OtherKind) -> String {
    use crate::domain::deployment::OtherKind;
    match kind {
        OtherKind::Device => "an automatic device configuration".to_owned(),
        OtherKind::Module => "an automatic module configuration".to_owned(),
        OtherKind::Unread(why) => format!("something else ({})", why.shown()),
    }
}

/// The word for a deployment's kind.
fn kind(deployed: &Deployed) -> &'static str {
    match deployed.configuration.kind() {
        Some(Kind::Base) => "base",
        Some(Kind::Layer) => "layered",
        None => "without $edgeAgent",
    }
}

/// A figure for people: what was not counted is a question mark.
fn figure(figure: Option<u64>) -> Shown {
    figure.map_or_else(|| Shown::from_static("?"), |count| Shown::composed(count.to_string()))
}

/// The four figures for programs; what was not counted is null.
fn figures(deployed: &Deployed) -> Value {
    let of = |metric: SystemMetric| metric.figure(&deployed.figures);
    json!({
        "targeted": of(SystemMetric::Targeted),
        "applied": of(SystemMetric::Applied),
        "accepted": of(SystemMetric::Accepted),
        "rejected": of(SystemMetric::Rejected),
    })
}

/// How old figures can be, in seconds; null before they were counted. The hub says nothing closer.
fn age_at_most(deployed: &Deployed) -> Value {
    deployed.figures.targeted.map_or(Value::Null, |_| Value::from(BEAT.as_secs()))
}

/// The same for people.
fn counted_words() -> String {
    format!("STATE and figures as the hub counted them up to {} min ago, on its own beat", BEAT.as_secs() / 60)
}

/// A figure's name as it is typed after `--metric`.
fn typed(metric: &Metric) -> Shown {
    match &metric.name {
        MetricName::System(system) => Shown::composed(system.word().to_lowercase()),
        MetricName::Own(name) => Untrusted::new(name.as_str()).shown(),
    }
}
