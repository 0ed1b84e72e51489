//! `edgedeck deployment list`: who wins, whom each is for, and how far the hub says they got.

use serde_json::{Value, json};

use super::super::answer::{Answer, Failure, instant, stamp};
use super::super::site::Site;
use super::super::table::Table;
use super::{age_at_most, counted_words, figure, figures, kind};
use crate::domain::deployment::{Deployed, Listed, Other, OtherKind, SystemMetric};
use crate::domain::ids::natural_cmp;
use crate::domain::secret::shown;
use crate::domain::text::Shown;
use crate::domain::time::{HubTime, Now, age_text, wall_age};

pub(super) async fn run(site: &Site) -> Result<Answer, Failure> {
    let now = site.clock.now();
    let mut list = site.hub.read.configurations().await?;
    list.sort_by(|a, b| {
        let rank = |listed: &Listed| match listed {
            Listed::Edge(deployed) => Some((deployed.configuration.priority, deployed.configuration.created)),
            Listed::Other(_) => None,
        };
        rank(b).cmp(&rank(a)).then_with(|| natural_cmp(a.id().as_str(), b.id().as_str()))
    });
    let items = list.iter().map(|listed| item(listed, now)).collect();
    Ok(Answer::new("DeploymentList", now.wall, items, table(&list, now)))
}

fn table(list: &[Listed], now: Now) -> String {
    let heads = [
        "DEPLOYMENT",
        "KIND",
        "PRIO",
        "STATE",
        "TARGETED",
        "APPLIED",
        "ACCEPTED",
        "REJECTED",
        "CREATED",
        "UPDATED",
        "TARGET CONDITION",
    ];
    let mut table = Table::with_heads(&heads).right(2).right(4).right(5).right(6).right(7);
    for listed in list {
        match listed {
            Listed::Edge(deployed) => table.row(row(deployed, now)),
            Listed::Other(other) => {
                let nothing = || Shown::from_static("-");
                let mut cells = vec![other.id.shown(), Shown::from_static(word(&other.kind))];
                cells.extend((2..10).map(|_| nothing()));
                cells.push(shown(other.target.raw()));
                table.row(cells);
            }
        }
    }
    let mut text = table.text();
    if list.iter().any(|listed| matches!(listed, Listed::Edge(_))) {
        text.push_str(&format!("\n{}; ? is not counted yet.\n", counted_words()));
        text.push_str("What devices say now: edgedeck deployment devices ID --metric accepted\n");
    }
    text
}

fn row(deployed: &Deployed, now: Now) -> Vec<Shown> {
    let configuration = &deployed.configuration;
    let ago = |at| Shown::composed(format!("{} ago", age_text(wall_age(now.wall, at))));
    let mut cells = vec![
        configuration.id.shown(),
        Shown::from_static(kind(deployed)),
        Shown::composed(configuration.priority.to_string()),
        Shown::from_static(deployed.standing(now.wall).word()),
    ];
    cells.extend(SystemMetric::ALL.map(|metric| figure(metric.figure(&deployed.figures))));
    cells.push(ago(configuration.created));
    cells.push(deployed.updated.and_then(HubTime::instant).map_or_else(|| Shown::from_static("-"), ago));
    cells.push(shown(configuration.target.as_str()));
    cells
}

fn word(kind: &OtherKind) -> &'static str {
    match kind {
        OtherKind::Device => "of devices",
        OtherKind::Module => "of modules",
        OtherKind::Unread(_) => "unreadable",
    }
}

fn item(listed: &Listed, now: Now) -> Value {
    match listed {
        Listed::Edge(deployed) => {
            let configuration = &deployed.configuration;
            json!({
                "id": configuration.id,
                "kind": kind(deployed),
                "priority": configuration.priority,
                "state": deployed.standing(now.wall).word(),
                "figures": figures(deployed),
                "figuresCountedBy": instant(deployed.counted_by()),
                "figuresAgeAtMostSeconds": age_at_most(deployed),
                "ownFigures": deployed.figures.custom,
                "targetCondition": configuration.target.as_str(),
                "labels": configuration.labels,
                "createdTime": instant(configuration.created),
                "lastUpdatedTime": stamp(deployed.updated),
                "etag": deployed.etag,
            })
        }
        Listed::Other(Other { id, etag, kind, target }) => {
            let why = match kind {
                OtherKind::Unread(why) => Some(why),
                OtherKind::Device | OtherKind::Module => None,
            };
            json!({ "id": id, "kind": word(kind), "why": why, "targetCondition": target, "etag": etag })
        }
    }
}
