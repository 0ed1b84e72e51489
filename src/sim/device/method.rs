//! Direct methods as a machine answers them, whoever on it is asked.

use serde_json::Value;

use super::World;
use super::agent;
use super::cloud::Cloud;
use super::condition::Condition;
use super::machine::{Machine, Moment, Power};
use super::traffic;

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sim) enum MethodOutcome {
    /// Status and payload.
    Answer(i64, Value),
    /// The hub has no link to it.
    NotOnline,
    /// It got the call and says nothing so far; asked again, it may.
    Silent,
    /// It carried the call out and will never say so.
    Lost,
}

/// What a client library says for a method its program does not have.
const NO_SUCH_METHOD: i64 = 501;

impl World {
    /// Calls a method of a device, or of one of its modules.
    pub(in crate::sim) fn method(
        &mut self,
        device: &str,
        module: Option<&str>,
        name: &str,
        payload: &Value,
        at: jiff::Timestamp,
        cloud: &mut dyn Cloud,
    ) -> MethodOutcome {
        let mut outcome = MethodOutcome::NotOnline;
        // Of several machines with one identity only that with the link hears it.
        self.with_all(device, at, cloud, |machine, moment| {
            if machine.link.up.is_some() {
                outcome = machine.method(module, name, payload, moment);
            }
        });
        outcome
    }
}

impl Machine {
    fn method(&mut self, module: Option<&str>, name: &str, payload: &Value, moment: &mut Moment<'_>) -> MethodOutcome {
        if self.power == Power::Off {
            return MethodOutcome::NotOnline;
        }
        match module {
            // An edge device itself has no link; only its modules do.
            None => MethodOutcome::NotOnline,
            Some(agent::MODULE) if !self.engine.is_running("edgeAgent") => MethodOutcome::NotOnline,
            Some(agent::MODULE) if self.conditions.has(&Condition::AgentHung) => MethodOutcome::Silent,
            Some(agent::MODULE) => self.agent_answer(name, payload, moment),
            Some("$edgeHub") if self.hub.ready => MethodOutcome::Answer(NO_SUCH_METHOD, Value::Null),
            Some(module) => self.module_method(module, name, payload, moment),
        }
    }

    fn module_method(&mut self, module: &str, name: &str, payload: &Value, moment: &mut Moment<'_>) -> MethodOutcome {
        self.catch_up(moment);
        if !self.traffic.is_connected(module) {
            return MethodOutcome::NotOnline;
        }
        let outcome = self.traffic.method(module, name, payload);
        self.take_news(moment);
        match outcome {
            traffic::MethodOutcome::Answered { status, payload } => MethodOutcome::Answer(status, payload),
            traffic::MethodOutcome::Unknown => MethodOutcome::Answer(NO_SUCH_METHOD, Value::Null),
            traffic::MethodOutcome::NotConnected => MethodOutcome::NotOnline,
        }
    }
}
