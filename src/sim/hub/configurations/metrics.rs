//! Figures: the queries the service makes for a configuration and those of its author, run over the twins now and then.
//! Between two counts the figures stand still, whatever the twins do.

use std::ops::Bound;

use jiff::Timestamp;

use crate::sim::hub::query;
use crate::sim::hub::state::State;
use crate::sim::hub::twins::{Form, document};

use super::Configuration;
use super::content::Kind;

/// What was counted last, by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    pub(super) system: Vec<(&'static str, u64)>,
    pub(super) custom: Vec<(String, u64)>,
}

/// Name and text of the queries the service makes for a configuration, in its order and words.
pub(super) fn system_queries(id: &str, kind: Kind, target: &str) -> Vec<(&'static str, String)> {
    let condition = target.trim();
    let targeted = |all: &str, first: &str| match condition {
        "" => String::new(),
        "*" => all.to_owned(),
        condition => format!("{all} {first} {condition}"),
    };
    let is_applied = format!("configurations.[[{id}]].status = 'Applied'");
    match kind {
        Kind::Device => vec![
            ("targetedCount", targeted("select deviceId from devices", "where")),
            ("appliedCount", format!("select deviceId from devices where {is_applied}")),
        ],
        // Seen nowhere; the text after `where` is the author's, `from` included.
        Kind::Module => vec![
            (
                "targetedCount",
                if condition.is_empty() { String::new() } else { format!("select deviceId, moduleId {condition}") },
            ),
            ("appliedCount", format!("select deviceId, moduleId from devices.modules where {is_applied}")),
        ],
        Kind::Edge => {
            let applied =
                format!("select deviceId from devices.modules where moduleId = '$edgeAgent' and {is_applied}");
            let reported = |comparison: &str| {
                format!(
                    "{applied} and properties.desired.$version = properties.reported.lastDesiredVersion and properties.reported.lastDesiredStatus.code {comparison} 200"
                )
            };
            let (successful, failed) = (reported("="), reported("!="));
            vec![
                ("targetedCount", targeted("select deviceId from devices where capabilities.iotEdge = true", "and")),
                ("appliedCount", applied),
                ("reportedSuccessfulCount", successful),
                ("reportedFailedCount", failed),
            ]
        }
    }
}

/// Counts for one configuration, or for all, as of `now`.
pub(super) fn count(state: &mut State, only: Option<&str>, now: Timestamp) {
    let wanted: Vec<&Configuration> =
        state.configurations.known.iter().filter(|known| only.is_none_or(|id| id == known.id)).collect();
    let system: Vec<_> =
        wanted.iter().map(|known| system_queries(&known.id, known.content.kind, &known.target.text)).collect();
    let texts = wanted.iter().zip(&system).flat_map(|(known, system)| {
        let own = known.queries.iter().map(|(_, text)| text.clone());
        system.iter().map(|(_, text)| text.clone()).chain(own)
    });
    let mut counts = query::count_all(state, &texts.collect::<Vec<String>>(), now).into_iter();
    let counted: Vec<(String, Figures)> = wanted
        .iter()
        .zip(system)
        .map(|(known, system)| {
            let mut next = || counts.next().unwrap_or_default();
            let system = system.into_iter().map(|(name, _)| match (name, known.content.kind, next()) {
                // A condition with OR stands in the text without parentheses, yet means what it means on its own.
                ("targetedCount", Kind::Edge, _) => (name, targeted(state, known, now)),
                (_, _, count) => (name, count),
            });
            let system = system.collect();
            let custom = known.queries.iter().map(|(name, _)| (name.clone(), next())).collect();
            (known.id.clone(), Figures { system, custom })
        })
        .collect();
    for (id, figures) in counted {
        if let Some(configuration) = state.configurations.find_mut(&id) {
            configuration.figures = Some(figures);
        }
    }
}

/// Edge devices that meet the condition.
fn targeted(state: &State, configuration: &Configuration, now: Timestamp) -> u64 {
    let form = Form { model_id: false, row: true, properties: configuration.target.part(), now };
    let found = state.indexed_from(Bound::Unbounded).filter(|(id, device)| {
        device.edge && document(id, device, None, form).is_some_and(|twin| configuration.target.meets(&twin))
    });
    u64::try_from(found.count()).unwrap_or(u64::MAX)
}
