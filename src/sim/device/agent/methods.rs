//! edgeAgent's direct methods: which there are, what each takes, and what it says to what it cannot take.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sim::device::condition::{Condition, Operation};
use crate::sim::device::log::{self, MethodError};
use crate::sim::device::machine::{Machine, Moment};
use crate::sim::device::method::MethodOutcome;
use crate::sim::device::program::agent as lines;

use super::CONTAINER;

/// The names, in the order edgeAgent lists them.
const METHODS: [&str; 6] =
    ["ping", "GetTaskStatus", "UploadModuleLogs", "GetModuleLogs", "UploadSupportBundle", "RestartModule"];

/// An upload edgeAgent was asked for.
#[derive(Debug, Clone)]
pub(super) struct Task {
    began: Timestamp,
    /// What it is called in its messages.
    operation: &'static str,
    /// Why it will fail; nothing when it does not.
    failure: Option<&'static str>,
}

/// How long an upload takes.
const UPLOAD: std::time::Duration = std::time::Duration::from_secs(4);
/// Uploads that are remembered.
const TASKS: usize = 32;

impl Machine {
    /// Answers a method. The machine has a link, and edgeAgent's program runs.
    pub(in crate::sim::device) fn agent_answer(
        &mut self,
        name: &str,
        payload: &Value,
        moment: &mut Moment<'_>,
    ) -> MethodOutcome {
        let known = METHODS.iter().copied().find(|known| known.eq_ignore_ascii_case(name));
        // Everything but a ping needs the daemon, which does one thing at a time.
        if known.is_some_and(|known| known != "ping") && self.agent.pass.is_some() {
            return MethodOutcome::Silent;
        }
        lines::method_received(name, !payload.is_null()).iter().for_each(|said| self.says(said, moment.at));
        let answer = match known {
            Some("ping") => Ok(Value::Null),
            Some("RestartModule") => match self.restart_module(payload, moment) {
                Ok(true) => Ok(Value::Null),
                // It was edgeAgent itself, which takes its answer with it.
                Ok(false) => return MethodOutcome::Lost,
                Err(error) => Err(error),
            },
            Some("GetModuleLogs") => self.module_logs(payload, moment),
            Some("UploadModuleLogs") => self.upload_logs(payload, moment),
            Some("UploadSupportBundle") => self.upload_bundle(payload, moment),
            Some(_) => self.task_status(payload, moment.at),
            None => Err(MethodError::bad_request(format!(
                "Command '{name}' not found. The supported commands are - {}",
                METHODS.join(",")
            ))),
        };
        match answer {
            Ok(payload) => {
                self.says(&lines::method_handled(known.unwrap_or(name)), moment.at);
                MethodOutcome::Answer(200, payload)
            }
            Err(error) => {
                self.says(&lines::method_refused(name, &error.message), moment.at);
                MethodOutcome::Answer(error.status, error.payload())
            }
        }
    }

    /// Restarts a module; false when it was edgeAgent itself.
    fn restart_module(&mut self, payload: &Value, moment: &mut Moment<'_>) -> Result<bool, MethodError> {
        let payload = Payload::read(payload)?;
        let id = payload.text("id")?;
        payload.check_version("restart module request")?;
        if self.engine.get(&id).is_none() {
            return Err(MethodError::internal(format!("Module {id} not found in the current environment")));
        }
        lines::restarting(&id).iter().for_each(|said| self.says(said, moment.at));
        if id == CONTAINER {
            self.restart_agent(moment);
            return Ok(false);
        }
        if self.conditions.refuses(&id, Operation::Stop) || self.conditions.refuses(&id, Operation::Start) {
            return Err(MethodError::internal(format!(
                "Error calling Restart module {id}: runtime operation error: restart module \"{id}\""
            )));
        }
        self.says(&lines::executing(&lines::Command::Restart(id.clone())), moment.at);
        let code = self.stop_program(&id, moment);
        self.ended(&id, code, moment.at, moment);
        self.start_container(&id, moment);
        self.says(&lines::restarted(&id), moment.at);
        Ok(true)
    }

    fn module_logs(&mut self, payload: &Value, moment: &mut Moment<'_>) -> Result<Value, MethodError> {
        self.catch_up(moment);
        let mut said = Vec::new();
        let device =
            log::Device { iothub: &self.iothub, device: &self.device, now: moment.at, logs: self.traffic.logs() };
        let answer = log::answer(payload, &device, &mut said);
        said.iter().for_each(|said| self.says(said, moment.at));
        answer
    }

    fn upload_logs(&mut self, payload: &Value, moment: &Moment<'_>) -> Result<Value, MethodError> {
        let mut said = Vec::new();
        let device =
            log::Device { iothub: &self.iothub, device: &self.device, now: moment.at, logs: self.traffic.logs() };
        let address = log::upload(payload, &device, &mut said);
        said.iter().for_each(|said| self.says(said, moment.at));
        Ok(self.begin_upload("upload logs", &address?, moment))
    }

    fn upload_bundle(&mut self, payload: &Value, moment: &Moment<'_>) -> Result<Value, MethodError> {
        let payload = Payload::read(payload)?;
        payload.text("schemaVersion")?;
        let address = payload.present("sasUrl")?;
        payload.check_version("logs upload request")?;
        Ok(self.begin_upload("upload support bundle", &address, moment))
    }

    /// Begins an upload to an address that nobody has looked at yet, and answers with its task.
    fn begin_upload(&mut self, operation: &'static str, address: &str, moment: &Moment<'_>) -> Value {
        let network = self.conditions.has(&Condition::NetworkOff);
        let failure = if network {
            Some("A task was canceled.")
        } else if address.starts_with("https://") {
            None
        } else {
            Some("Invalid URI: The format of the URI could not be determined.")
        };
        let id = format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            self.part(32),
            self.part(16),
            self.part(12),
            self.part(12),
            self.part(48)
        );
        let task = Task { began: moment.at, operation, failure };
        let answer = task.answer(&id, moment.at);
        if self.agent.tasks.len() >= TASKS {
            let oldest = self.agent.tasks.iter().min_by_key(|(_, task)| task.began).map(|(id, _)| id.clone());
            oldest.and_then(|oldest| self.agent.tasks.remove(&oldest));
        }
        self.agent.tasks.insert(id, task);
        answer
    }

    /// So many bits of chance.
    fn part(&mut self, bits: u32) -> u64 {
        self.dice.number() >> (64 - bits)
    }

    fn task_status(&self, payload: &Value, at: Timestamp) -> Result<Value, MethodError> {
        let payload = Payload::read(payload)?;
        payload.text("schemaVersion")?;
        let id = payload.text("correlationId")?;
        payload.check_version("logs upload request")?;
        let unknown = || json!({"status": "Unknown", "message": "", "correlationId": id});
        Ok(self.agent.tasks.get(&id).map_or_else(unknown, |task| task.answer(&id, at)))
    }
}

/// The uploads edgeAgent remembers while it runs, by their correlation ids.
pub(super) type Tasks = BTreeMap<String, Task>;

impl Task {
    fn answer(&self, id: &str, at: Timestamp) -> Value {
        let over = at.duration_since(self.began) >= jiff::SignedDuration::try_from(UPLOAD).unwrap_or_default();
        let (status, message) = match self.failure {
            _ if !over => ("Running", String::new()),
            None => ("Completed", String::new()),
            Some(why) => ("Failed", format!("Task {} failed because of error {why}", self.operation)),
        };
        json!({"status": status, "message": message, "correlationId": id})
    }
}

/// A payload that is an object, its members in any case.
struct Payload<'a>(&'a Map<String, Value>);

impl<'a> Payload<'a> {
    fn read(payload: &'a Value) -> Result<Self, MethodError> {
        match payload {
            Value::Null => Err(MethodError::bad_request("Request payload not found")),
            Value::Object(map) => Ok(Self(map)),
            other => Err(unreadable(&format!("Error converting value {other} to an object. Path ''."))),
        }
    }

    fn member(&self, name: &str) -> Option<&'a Value> {
        let found = self
            .0
            .get(name)
            .or_else(|| self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value));
        found.filter(|value| !value.is_null())
    }

    /// A text, which may be empty but not missing.
    fn present(&self, name: &str) -> Result<String, MethodError> {
        match self.member(name) {
            Some(_) => Ok(self.written(name)),
            None => Err(unreadable(&format!("Value cannot be null. (Parameter '{name}')"))),
        }
    }

    /// A text with something in it.
    fn text(&self, name: &str) -> Result<String, MethodError> {
        let text = self.written(name);
        if text.trim().is_empty() { Err(unreadable(&format!("{name} is null or whitespace."))) } else { Ok(text) }
    }

    /// A text; numbers are taken as they are written, everything else as nothing.
    fn written(&self, name: &str) -> String {
        match self.member(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// Another minor version is taken, another major one is not.
    fn check_version(&self, what: &str) -> Result<(), MethodError> {
        let written = self.text("schemaVersion")?;
        let mut parts = written.split('.').map(|part| part.trim().parse::<u32>());
        match (parts.next(), parts.next()) {
            (Some(Ok(1)), Some(Ok(_))) => Ok(()),
            (Some(Ok(_)), Some(Ok(_))) => Err(MethodError::internal(format!(
                "The {what} schema version {written} is not compatible with the expected version 1.0"
            ))),
            _ => Err(MethodError::internal(format!("Invalid {what} schema version {written}"))),
        }
    }
}

fn unreadable(why: &str) -> MethodError {
    MethodError::bad_request(format!("Error parsing command payload because of error - {why}"))
}
