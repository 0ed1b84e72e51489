//! A message on its way through edgeHub.

use std::collections::BTreeMap;

/// A message as routes see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedMessage {
    /// Where it comes from.
    pub source: MessageSource,
    /// What the sender set, by its exact names.
    pub properties: BTreeMap<String, String>,
    /// `messageId`, `connectionDeviceId`, `connectionModuleId`, `contentType`, `contentEncoding`, `creationTime`,
    /// `outputName`, `inputName` and their kin, by their exact names.
    pub system: BTreeMap<String, String>,
    /// The bytes.
    pub body: Vec<u8>,
}

/// Where a message comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageSource {
    /// Telemetry of a module.
    Module {
        /// The module.
        module: String,
        /// Its output, when it named one.
        output: Option<String>,
    },
    /// Telemetry of a leaf device.
    Device,
    /// A change of a module's or leaf device's reported properties.
    TwinChange,
}

impl MessageSource {
    /// The path routes are matched against.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Module { module, output: Some(output) } => format!("/messages/modules/{module}/outputs/{output}"),
            Self::Module { module, output: None } => format!("/messages/modules/{module}"),
            Self::Device => "/messages".to_owned(),
            Self::TwinChange => "/twinChangeNotifications".to_owned(),
        }
    }
}
