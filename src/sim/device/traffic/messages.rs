//! A module's message as edgeHub routes it: with its source and what edgeHub knows of the sender.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::program::OutMessage;
use crate::domain::routes::{MessageSource, RoutedMessage};

/// A module's message as edgeHub routes it.
pub(super) fn telemetry(device: &str, module: &str, output: String, message: OutMessage) -> RoutedMessage {
    let OutMessage { body, content_type, content_encoding, properties } = message;
    let mut system = sender(device, module);
    system.insert("outputName".to_owned(), output.clone());
    for (name, value) in [("contentType", content_type), ("contentEncoding", content_encoding)] {
        if let Some(value) = value {
            system.insert(name.to_owned(), value);
        }
    }
    RoutedMessage {
        source: MessageSource::Module { module: module.to_owned(), output: Some(output) },
        properties: properties.into_iter().collect(),
        system,
        body,
    }
}

/// The notice that a module reported something, which routes may ask for.
pub(super) fn twin_change(device: &str, module: &str, patch: &Map<String, Value>) -> RoutedMessage {
    let mut system = sender(device, module);
    system.insert("messageType".to_owned(), "twinChangeNotification".to_owned());
    RoutedMessage {
        source: MessageSource::TwinChange,
        properties: BTreeMap::new(),
        system,
        body: Value::Object(patch.clone()).to_string().into_bytes(),
    }
}

fn sender(device: &str, module: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("connectionDeviceId".to_owned(), device.to_owned()),
        ("connectionModuleId".to_owned(), module.to_owned()),
    ])
}
