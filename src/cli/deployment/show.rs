//! `edgedeck deployment show`: one deployment in full.

use clap::Args;
use serde_json::Value;

use super::super::answer::{Answer, Failure, instant};
use super::super::site::Site;
use super::super::table::{Facts, Table};
use super::super::target::deployment_id;
use super::{age_at_most, figure, kind, read, typed};
use crate::domain::deployment::{BEAT, Deployed};
use crate::domain::effective::Contents;
use crate::domain::ids::DeploymentId;
use crate::domain::secret::shown;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::time::{HubTime, Now, age_text, wall_age};

/// What `deployment show` takes.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// The deployment
    #[arg(value_name = "ID", value_parser = deployment_id)]
    pub id: DeploymentId,
}

pub(super) async fn run(site: &Site, args: &ShowArgs) -> Result<Answer, Failure> {
    let now = site.clock.now();
    let deployed = read(site, &args.id).await?;
    let mut item = deployed.to_value();
    if let Value::Object(members) = &mut item {
        members.insert("kind".to_owned(), kind(&deployed).into());
        members.insert("state".to_owned(), deployed.standing(now.wall).word().into());
        members.insert("figuresCountedBy".to_owned(), instant(deployed.counted_by()).into());
        members.insert("figuresAgeAtMostSeconds".to_owned(), age_at_most(&deployed));
    }
    let table = [facts(&deployed, now), metrics(&deployed), contents(&deployed)].join("\n");
    Ok(Answer::new("Deployment", now.wall, vec![item], table))
}

fn facts(deployed: &Deployed, now: Now) -> String {
    let configuration = &deployed.configuration;
    let ago = |at| format!("{} ago", age_text(wall_age(now.wall, at)));
    let mut facts = Facts::default();
    facts.add("DEPLOYMENT", configuration.id.shown());
    facts.say("KIND", kind(deployed));
    facts.say("STATE", deployed.standing(now.wall).word());
    facts.say(
        "COUNTED",
        match deployed.figures.targeted {
            Some(_) => format!("by the hub up to {} min ago, on its own beat", BEAT.as_secs() / 60),
            None => format!("not yet; expected by {}", instant(deployed.counted_by())),
        },
    );
    facts.say("PRIORITY", configuration.priority.to_string());
    facts.add(
        "TARGET",
        match configuration.target.as_str().trim() {
            "" => Shown::from_static("(empty: for nobody)"),
            _ => shown(configuration.target.as_str()),
        },
    );
    facts.say("CREATED", ago(configuration.created));
    facts.say("UPDATED", deployed.updated.and_then(HubTime::instant).map_or_else(|| "-".to_owned(), ago));
    facts.add("ETAG", deployed.etag.shown());
    let schema = deployed.schema_version.as_ref();
    facts.add("SCHEMA", schema.map_or_else(|| Shown::from_static("-"), Untrusted::shown));
    let labels = configuration.shown_labels();
    facts.add("LABELS", Shown::composed(if labels.is_empty() { "-".to_owned() } else { labels.join(", ") }));
    facts.text()
}

fn metrics(deployed: &Deployed) -> String {
    let mut table = Table::with_heads(&["METRIC", "ROWS", "QUERY"]).right(1);
    for metric in deployed.metrics() {
        table.row([typed(&metric), figure(metric.figure), shown(&metric.query)]);
    }
    table.text()
}

/// What it sets, part by part.
fn contents(deployed: &Deployed) -> String {
    let contents = Contents::of(&deployed.configuration.content);
    let mut table = Table::with_heads(&["SETS", "NAME", "WHAT"]);
    let kind = Shown::from_static;
    for module in &contents.modules {
        let mut what: Vec<String> = Vec::new();
        let parts = [&module.image, &module.status, &module.restart];
        what.extend(parts.into_iter().flatten().map(|text| shown(text.raw()).into()));
        what.extend(module.version.as_ref().map(|version| format!("version {}", version.shown())));
        if !module.env.is_empty() {
            let names: Vec<String> = module.env.iter().map(|name| name.shown().into()).collect();
            what.push(format!("env {}", names.join(" ")));
        }
        table.row([kind("module"), module.id.shown(), Shown::composed(what.join(", "))]);
    }
    for route in &contents.routes {
        table.row([kind("route"), route.name.shown(), shown(route.text.raw())]);
    }
    if let Some(seconds) = contents.keeps_secs {
        table.row([
            kind("store"),
            Shown::from_static("$edgeHub"),
            Shown::composed(format!("keeps messages {seconds} s")),
        ]);
    }
    for twin in &contents.twins {
        let paths: Vec<String> = twin.paths.iter().map(|path| path.shown().into()).collect();
        let how = if twin.whole { "all desired properties: " } else { "" };
        table.row([kind("twin"), twin.id.shown(), Shown::composed(format!("{how}{}", paths.join(", ")))]);
    }
    for registry in &contents.registries {
        let what = format!("{} as {}, password not shown", registry.address.shown(), registry.username.shown());
        table.row([kind("registry"), registry.name.shown(), Shown::composed(what)]);
    }
    table.text()
}
