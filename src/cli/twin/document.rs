//! A twin as the one JSON document that the service hands out, put together again from its parts.

use serde_json::{Map, Value, json};

use crate::cli::answer::stamp;
use crate::domain::twin::{ConfigurationStatus, Section, Twin};

/// The whole document, secrets and all.
pub(super) fn document(twin: &Twin) -> Value {
    let configurations: Map<String, Value> = twin
        .configurations
        .iter()
        .map(|(id, status)| (id.as_str().to_owned(), json!({ "status": configuration(*status) })))
        .collect();
    json!({
        "deviceId": twin.id.device,
        "moduleId": twin.id.module,
        "etag": twin.etag,
        "version": twin.version,
        "status": twin.status,
        "connectionState": twin.connection_state,
        "lastActivityTime": stamp(twin.last_activity),
        "tags": twin.tags,
        "properties": { "desired": section(&twin.desired), "reported": section(&twin.reported) },
        "configurations": configurations,
    })
}

fn section(section: &Section) -> Value {
    let mut values = section.values.clone();
    values.insert("$metadata".to_owned(), Value::Object(section.metadata.clone()));
    values.insert("$version".to_owned(), Value::from(section.version));
    Value::Object(values)
}

fn configuration(status: ConfigurationStatus) -> Option<&'static str> {
    match status {
        ConfigurationStatus::Targeted => Some("Targeted"),
        ConfigurationStatus::Applied => Some("Applied"),
        ConfigurationStatus::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::twin_from_json;

    #[test]
    fn a_document_reads_back_as_the_twin_it_was_made_from() {
        let wire = json!({
            "deviceId": "d", "moduleId": "m", "etag": "AAAAAAAAAAE=", "version": 7, "status": "enabled",
            "connectionState": "Connected", "lastActivityTime": "2026-03-04T10:00:00Z", "tags": {"a": {"b": 1}},
            "properties": {
                "desired": {"t": 25.0, "$metadata": {"$lastUpdated": "2026-03-04T10:00:00Z"}, "$version": 3},
                "reported": {"$metadata": {}, "$version": 4},
            },
            "configurations": {"base": {"status": "Applied"}, "layer": {"status": "Targeted"}},
        });
        let twin = twin_from_json(&wire).unwrap();
        assert_eq!(twin_from_json(&document(&twin)).unwrap(), twin);
    }
}
