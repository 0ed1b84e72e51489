//! Programs on a bench: an environment from pairs, and a program that is turned by hand.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Effect, OutMessage, Program, Start, Stream, of_image};
use crate::domain::manifest::{AgentConfig, Env, Image};
use crate::domain::routes::{MessageSource, RoutedMessage};

pub(in crate::sim) const SENSOR: &str = "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0";
pub(in crate::sim) const FILTER: &str = "acr.example/temperature-filter:1.1.0";

pub(in crate::sim) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An environment; the only way to one leads through a manifest.
pub(in crate::sim) fn env(pairs: &[(&str, &str)]) -> Env {
    let env: Map<String, Value> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), json!({"value": value}))).collect();
    let module = json!({"type": "docker", "status": "running", "env": env, "settings": {"image": "x"}});
    let desired = json!({"schemaVersion": "1.1", "runtime": {"type": "docker", "settings": {}},
        "systemModules": {}, "modules": {"m": module}});
    AgentConfig::read(&desired).unwrap().module("m").unwrap().env.clone()
}

pub(in crate::sim) fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

/// A program with what it is started with.
pub(in crate::sim) struct Bench {
    pub image: &'static str,
    pub env: Env,
    pub desired: Map<String, Value>,
    pub architecture: &'static str,
    pub seed: u64,
    pub at: Timestamp,
}

impl Bench {
    pub(in crate::sim) fn new(image: &'static str, pairs: &[(&str, &str)]) -> Self {
        Self {
            image,
            env: env(pairs),
            desired: Map::new(),
            architecture: "x86_64",
            seed: 7,
            at: at("2026-01-02T03:04:05.678Z"),
        }
    }

    pub(in crate::sim) fn desired(mut self, desired: Value) -> Self {
        self.desired = members(desired);
        self
    }

    pub(in crate::sim) fn start(&self) -> Turned {
        let image = Image::parse(self.image).unwrap();
        let start = Start {
            image: &image,
            env: &self.env,
            desired: &self.desired,
            device: "edge-1",
            module: "m",
            architecture: self.architecture,
            seed: self.seed,
            at: self.at,
        };
        let mut out = Vec::new();
        let program = of_image(&start, &mut out);
        Turned { program, now: self.at, out }
    }
}

/// A program that runs, and all it did.
pub(in crate::sim) struct Turned {
    pub program: Box<dyn Program>,
    pub now: Timestamp,
    pub out: Vec<Effect>,
}

impl Turned {
    /// Wakes it until it wants nothing by then, or ends.
    pub(in crate::sim) fn until(&mut self, until: Timestamp) {
        while let Some(at) = self.program.wakes_at().filter(|at| *at <= until)
            && self.exit().is_none()
        {
            assert!(at >= self.now, "it wants to be woken in the past");
            self.now = at;
            self.program.wake(at, &mut self.out);
        }
        self.now = self.now.max(until);
    }

    pub(in crate::sim) fn seconds(&mut self, seconds: i64) {
        self.until(self.now + jiff::SignedDuration::from_secs(seconds));
    }

    pub(in crate::sim) fn patch(&mut self, patch: Value) {
        let patch = members(patch);
        self.program.desired(self.now, &patch, &patch, &mut self.out);
    }

    pub(in crate::sim) fn message(&mut self, input: &str, body: &[u8]) {
        let message = RoutedMessage {
            source: MessageSource::Device,
            properties: Default::default(),
            system: Default::default(),
            body: body.to_vec(),
        };
        self.program.message(self.now, input, &message, &mut self.out);
    }

    /// Its lines, as text, without what is no text.
    pub(in crate::sim) fn lines(&self) -> Vec<String> {
        let text = |effect: &Effect| match effect {
            Effect::Log { line, .. } => Some(String::from_utf8_lossy(line).into_owned()),
            _ => None,
        };
        self.out.iter().filter_map(text).collect()
    }

    pub(in crate::sim) fn errors(&self) -> Vec<String> {
        let text = |effect: &Effect| match effect {
            Effect::Log { line, stream: Stream::Stderr } => Some(String::from_utf8_lossy(line).into_owned()),
            _ => None,
        };
        self.out.iter().filter_map(text).collect()
    }

    pub(in crate::sim) fn sent(&self) -> Vec<(&str, &OutMessage)> {
        self.out
            .iter()
            .filter_map(|effect| match effect {
                Effect::Send { output, message } => Some((output.as_str(), message)),
                _ => None,
            })
            .collect()
    }

    pub(in crate::sim) fn reported(&self) -> Vec<Value> {
        let reported = |effect: &Effect| match effect {
            Effect::Report(patch) => Some(Value::Object(patch.clone())),
            _ => None,
        };
        self.out.iter().filter_map(reported).collect()
    }

    pub(in crate::sim) fn exit(&self) -> Option<i64> {
        self.out.iter().find_map(|effect| match effect {
            Effect::Exit(code) => Some(*code),
            _ => None,
        })
    }
}
