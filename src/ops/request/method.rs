//! Calls a direct method that does something, such as restarting a module. Nothing about it can be read back, and nothing
//! takes it back; it goes out once.

use serde_json::{Value, json};

use super::{Http, Line, ReadBack, Target, Words, Write, quote};
use crate::domain::change::ChangeKind;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::json::compact;
use crate::domain::secret::mask_json;
use crate::domain::text::Shown;
use crate::ops::gate::Refusal;
use crate::ops::intent::Level;

/// A call.
#[derive(Debug, Clone)]
pub struct MethodCall {
    /// Who is called: a module, or a device.
    pub to: TwinId,
    /// What is asked of it.
    pub call: Call,
}

/// What can be asked.
#[derive(Debug, Clone)]
pub enum Call {
    /// edgeAgent restarts a module of its device.
    Restart(ModuleId),
    /// Any other method.
    Named {
        /// The method's name.
        name: String,
        /// What is handed to it.
        payload: Value,
    },
}

impl MethodCall {
    /// Restarts a module of an edge device.
    #[must_use]
    pub fn restart(device: DeviceId, module: ModuleId) -> Self {
        Self { to: TwinId::module(device, ModuleId::edge_agent()), call: Call::Restart(module) }
    }

    /// The method's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.call {
            Call::Restart(_) => "RestartModule",
            Call::Named { name, .. } => name,
        }
    }

    /// What is handed to it. edgeAgent names modules as containers are named, without the `$`.
    #[must_use]
    pub fn payload(&self) -> Value {
        match &self.call {
            Call::Restart(module) => {
                json!({ "schemaVersion": "1.0", "id": module.as_str().trim_start_matches('$') })
            }
            Call::Named { payload, .. } => payload.clone(),
        }
    }

    /// Nothing tells whether a method ran that nobody answered.
    pub(in crate::ops) fn weigh() -> ReadBack {
        ReadBack::Undecidable("a direct method leaves nothing at the hub that could be read back")
    }
}

impl Write for MethodCall {
    fn target(&self) -> Target {
        Target::Twin(match &self.call {
            Call::Restart(module) => TwinId::module(self.to.device.clone(), module.clone()),
            Call::Named { .. } => self.to.clone(),
        })
    }

    fn verb(&self) -> &'static str {
        match self.call {
            Call::Restart(_) => "module.restart",
            Call::Named { .. } => "method.invoke",
        }
    }

    fn words(&self) -> Words {
        match self.call {
            Call::Restart(_) => Words { act: "Restart", done: "restarted" },
            Call::Named { .. } => Words { act: "Call", done: "called" },
        }
    }

    fn least(&self) -> Level {
        Level::Dialog
    }

    fn http(&self) -> Http {
        let device = self.to.device.shown();
        let path = match &self.to.module {
            Some(module) => format!("/twins/{}/modules/{}/methods", device.as_str(), module.shown().as_str()),
            None => format!("/twins/{}/methods", device.as_str()),
        };
        let body = json!({ "methodName": self.name(), "payload": self.payload() });
        Http { method: "POST", path: Shown::composed(path), if_match: None, body: Some(body) }
    }

    fn lines(&self) -> Vec<Line> {
        let change = match &self.call {
            Call::Restart(module) => {
                format!("~ edgeAgent stops and starts {}; what it holds in memory is lost", module.shown())
            }
            Call::Named { payload, .. } => {
                let mut payload = payload.clone();
                mask_json(&mut payload);
                format!("~ {}   {}", Shown::sanitise(self.name()), compact(&payload))
            }
        };
        vec![Line::new(ChangeKind::Replace, change), Line::remark("it cannot be taken back, and is sent once")]
    }

    fn inverse(&self) -> Option<Value> {
        None
    }

    fn az(&self, hub: &str) -> String {
        let (hub, device) = (quote(hub), quote(self.to.device.as_str()));
        let payload = quote(&compact(&self.payload()));
        let name = quote(self.name());
        match &self.to.module {
            Some(module) => format!(
                "az iot hub invoke-module-method -n {hub} -d {device} -m {} --mn {name} --mp {payload}",
                quote(module.as_str())
            ),
            None => format!("az iot hub invoke-device-method -n {hub} -d {device} --mn {name} --mp {payload}"),
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        None
    }
}
