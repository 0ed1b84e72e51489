//! Where the log lines and messages of a machine's programs go.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::manifest::HubConfig;

use super::method::MethodError;
use super::program::{OutMessage, Stream};

/// What came out of a machine's programs.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    lines: u64,
    messages: u64,
    routes: usize,
}

impl Outlet {
    /// A line of a container's log, at the machine's own time.
    pub(super) fn log(&mut self, _container: &str, _at: Timestamp, _stream: Stream, _line: Vec<u8>) {
        self.lines += 1;
    }

    /// edgeAgent's answer to a request for logs.
    ///
    /// # Errors
    /// [`MethodError`] with edgeAgent's status and text.
    pub(super) fn module_logs(&self, payload: &Value) -> Result<Value, MethodError> {
        match payload {
            Value::Null => Err(MethodError::bad_request("Request payload not found")),
            _ => Ok(Value::Array(Vec::new())),
        }
    }

    /// edgeHub goes by this configuration from now on.
    pub(super) fn route_by(&mut self, config: &HubConfig) {
        self.routes = config.routes.len();
    }

    /// A message of a module to one of its outputs.
    pub(super) fn send(&mut self, _module: &str, _at: Timestamp, _output: &str, _message: OutMessage) {
        self.messages += 1;
    }
}
