//! Direct methods as a machine answers them, whoever on it is asked.

use serde_json::{Value, json};

use super::World;
use super::agent;
use super::cloud::Cloud;
use super::condition::Condition;
use super::machine::{Machine, Moment, Power};

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

/// Why edgeAgent refuses a call, as its caller gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MethodError {
    /// 400 for what is wrong with the request, 500 for everything else.
    pub(super) status: i64,
    message: String,
}

impl MethodError {
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into() }
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self { status: 500, message: message.into() }
    }

    pub(super) fn payload(&self) -> Value {
        json!({"message": self.message})
    }
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
        let mut effects = Vec::new();
        let answer = match self.engine.run_mut(module) {
            Some(run) if run.connected => {
                let shown = run.clock.shows(moment.at);
                run.told = run.told.max(moment.at);
                run.program.as_mut().and_then(|program| program.method(shown, name, payload, &mut effects))
            }
            _ => return MethodOutcome::NotOnline,
        };
        self.apply(module, effects, moment);
        let (status, payload) = answer.unwrap_or((NO_SUCH_METHOD, Value::Null));
        MethodOutcome::Answer(status, payload)
    }
}
