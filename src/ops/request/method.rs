//! Calls a direct method that does something: restarting a module. Nothing about it can be read back, and nothing
//! takes it back; it goes out once.

use serde_json::{Value, json};

use super::{Http, Line, ReadBack, Target, Words, Write, quote};
use crate::domain::change::ChangeKind;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::json::compact;
use crate::domain::text::Shown;
use crate::ops::gate::Refusal;
use crate::ops::intent::Level;

/// edgeAgent restarts a module of its device.
#[derive(Debug, Clone)]
pub struct MethodCall {
    /// The device.
    pub device: DeviceId,
    /// The module.
    pub module: ModuleId,
}

impl MethodCall {
    /// The method's name.
    pub const NAME: &'static str = "RestartModule";

    /// Who is called.
    #[must_use]
    pub fn to(&self) -> TwinId {
        TwinId::module(self.device.clone(), ModuleId::edge_agent())
    }

    /// What is handed to it. edgeAgent names modules as containers are named, without the `$`.
    #[must_use]
    pub fn payload(&self) -> Value {
        json!({ "schemaVersion": "1.0", "id": self.module.as_str().trim_start_matches('$') })
    }

    /// Nothing tells whether a method ran that nobody answered.
    pub(in crate::ops) fn weigh() -> ReadBack {
        ReadBack::Undecidable("a direct method leaves nothing at the hub that could be read back")
    }
}

impl Write for MethodCall {
    fn target(&self) -> Target {
        Target::Twin(TwinId::module(self.device.clone(), self.module.clone()))
    }

    fn verb(&self) -> &'static str {
        "module.restart"
    }

    fn words(&self) -> Words {
        Words { act: "Restart", done: "restarted" }
    }

    fn least(&self) -> Level {
        Level::Dialog
    }

    fn http(&self) -> Http {
        let path = format!("/twins/{}/modules/$edgeAgent/methods", self.device.shown().as_str());
        let body = json!({ "methodName": Self::NAME, "payload": self.payload() });
        Http { method: "POST", path: Shown::composed(path), if_match: None, body: Some(body) }
    }

    fn lines(&self) -> Vec<Line> {
        let change = format!("~ edgeAgent stops and starts {}; what it holds in memory is lost", self.module.shown());
        vec![Line::new(ChangeKind::Replace, change), Line::remark("it cannot be taken back, and is sent once")]
    }

    fn inverse(&self) -> Option<Value> {
        None
    }

    fn az(&self, hub: &str) -> String {
        let (hub, device, payload) = (quote(hub), quote(self.device.as_str()), quote(&compact(&self.payload())));
        let name = Self::NAME;
        format!("az iot hub invoke-module-method -n {hub} -d {device} -m '$edgeAgent' --mn '{name}' --mp {payload}")
    }

    fn refusal(&self) -> Option<Refusal> {
        None
    }
}
