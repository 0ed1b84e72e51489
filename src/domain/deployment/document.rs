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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::deployment::{Configuration, Figures, TargetCondition};
    use crate::domain::ids::{DeploymentId, ETag};
    use crate::domain::manifest::Manifest;
    use crate::domain::secret::mask_json;

    /// Layers name places in one key with dots; a password's place is one of them.
    #[test]
    fn masked_it_holds_no_password_whether_of_a_base_or_of_a_layer() {
        let content = json!({"modulesContent": {
            "$edgeAgent": {
                "properties.desired.runtime.settings.registryCredentials.acr.password": "hunter1",
                "properties.desired.runtime.settings.registryCredentials.other": {"address": "a", "password": "hunter2"},
                "properties.desired.modules.m.env.DB_PASSWORD": {"value": "hunter3"},
                "properties.desired.modules.m.env.API_TOKEN.value": "hunter4",
                "properties.desired.modules.m.settings.createOptions": "{\"Env\":[\"SA_PASSWORD=hunter5\"]}",
            },
            "m": {"properties.desired.apiToken": "hunter6", "properties.desired.limit": 3},
        }});
        let deployed = Deployed {
            configuration: Configuration {
                id: DeploymentId::from_wire("d"),
                priority: 1,
                created: "2026-03-04T10:00:00Z".parse().unwrap(),
                target: TargetCondition::from_wire("*"),
                content: std::sync::Arc::new(Manifest::read(&content).unwrap()),
                labels: [("token".to_owned(), "hunter7".to_owned())].into(),
                metrics: Default::default(),
            },
            etag: ETag::from_wire("MQ=="),
            updated: None,
            schema_version: None,
            figures: Figures { targeted: Some(3), ..Figures::default() },
        };
        let mut document = deployed.to_value();
        assert_eq!(document["content"], content, "nothing is lost before it is masked");
        mask_json(&mut document);
        let text = document.to_string();
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.contains("\"properties.desired.limit\":3"), "{text}");
        assert_eq!(document["systemMetrics"]["results"], json!({"targetedCount": 3}), "not counted is not 0");
    }
}
