//! A deployment as one JSON document again: what `GET /configurations/{id}` says of it, for pages and programs.

use serde_json::{Map, Value, json};

use super::listed::Deployed;
use super::metrics::{MetricName, SystemMetric};
use crate::domain::time::HubTime;

impl Deployed {
    /// The document, its members in the hub's order. Secrets are in it: mask it before it is shown.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let configuration = &self.configuration;
        let (mut system, mut own) = (Map::new(), Map::new());
        let (mut counted, mut own_counted) = (Map::new(), Map::new());
        for metric in self.metrics() {
            let (queries, results, name) = match metric.name {
                MetricName::System(metric) => (&mut system, &mut counted, SystemMetric::name(metric).to_owned()),
                MetricName::Own(name) => (&mut own, &mut own_counted, name),
            };
            queries.insert(name.clone(), metric.query.into());
            // What was not counted has no result; 0 would be one.
            if let Some(figure) = metric.figure {
                results.insert(name, figure.into());
            }
        }
        let updated = self.updated.and_then(HubTime::instant).map(|at| at.to_string());
        json!({
            "id": configuration.id.as_str(),
            "schemaVersion": self.schema_version.as_ref().map(|version| version.raw()),
            "labels": configuration.labels,
            "content": configuration.content.to_value(),
            "targetCondition": configuration.target.as_str(),
            "createdTimeUtc": configuration.created.to_string(),
            "lastUpdatedTimeUtc": updated,
            "priority": configuration.priority,
            "systemMetrics": { "queries": system, "results": counted },
            "metrics": { "queries": own, "results": own_counted },
            "etag": self.etag.as_str(),
        })
    }
}
