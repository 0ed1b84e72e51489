//! The temperature filter of the tutorial in its versions: it lets readings above a threshold through, as alerts.
//!
//! `1.0.0`, `1.1.0` and what nobody knows work as intended; `0.9.0` is older and looks at desired properties only when
//! they change; `1.0.0-printed` is the guide's text to the letter, which Python refuses; `1.1.1` was built for one kind
//! of machine.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::chance::Chance;
use super::{Effect, OutMessage, Program, Start, python};
use crate::domain::routes::RoutedMessage;
use crate::sim::device::instants;

const THRESHOLD: &str = "temperatureThreshold";

/// How long Python and the client's library take to come up, in milliseconds.
const CONNECTING: (u64, u64) = (700, 1_400);

/// A filter that works.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    threshold: f64,
    source: String,
    /// Does not read the twin at its start and reports nothing.
    old: bool,
    /// Set until it is connected: when that is, and what is desired then.
    connecting: Option<(Timestamp, Map<String, Value>)>,
}

impl Filter {
    /// The filter of `tag`, or one that fails over its environment.
    pub(super) fn start(start: &Start<'_>, tag: &str) -> Box<dyn Program> {
        let text = start.env.get("TEMPERATURE_THRESHOLD").unwrap_or("25.0");
        let Some(threshold) = python::text_to_float(text) else {
            return Box::new(Stillborn::bad_threshold(start, text));
        };
        let (from, to) = CONNECTING;
        let at = instants::after(start.at, Chance::of(start).millis(from, to));
        let old = tag == "0.9.0";
        Box::new(Self {
            threshold,
            source: if old { "unknown".to_owned() } else { start.device.to_owned() },
            old,
            connecting: Some((at, start.desired.clone())),
        })
    }

    fn take_desired(&mut self, desired: &Map<String, Value>, out: &mut Vec<Effect>) {
        let Some(value) = desired.get(THRESHOLD).filter(|value| !value.is_null()) else { return };
        match python::to_float(value) {
            Some(threshold) => {
                self.threshold = threshold;
                out.push(Effect::say(format!("Threshold updated to: {}", python::float(threshold))));
            }
            None => out.push(Effect::say(format!(
                "Ignored {THRESHOLD}={}: not a number; still {}",
                python::repr(value),
                python::float(self.threshold)
            ))),
        }
        self.report(out);
    }

    fn report(&self, out: &mut Vec<Effect>) {
        if !self.old {
            out.push(Effect::Report(Map::from_iter([(THRESHOLD.to_owned(), self.threshold.into())])));
        }
    }

    fn alert(&self, temperature: &str) -> Effect {
        let body = format!(
            r#"{{"temperature": {temperature}, "alert": true, "threshold": {}, "source": {}}}"#,
            python::float(self.threshold),
            python::json_text(&self.source)
        );
        Effect::Send { output: "alertOutput".to_owned(), message: OutMessage::json(body) }
    }
}

/// The machine's temperature; a reading without one is not a reading of zero.
fn temperature_of(body: &Value) -> Option<f64> {
    match body.get("machine")?.get("temperature")? {
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

impl Program for Filter {
    fn rename(&mut self, device: &str) {
        if self.source != "unknown" {
            device.clone_into(&mut self.source);
        }
    }

    fn wakes_at(&self) -> Option<Timestamp> {
        self.connecting.as_ref().map(|(at, _)| *at)
    }

    fn wake(&mut self, _at: Timestamp, out: &mut Vec<Effect>) {
        let Some((_, desired)) = self.connecting.take() else { return };
        let threshold = python::float(self.threshold);
        out.push(Effect::say(format!("Temperature filter module started. Threshold: {threshold}")));
        if self.old {
            return;
        }
        // Patches tell of changes only: what was desired before this start is in the twin.
        self.take_desired(&desired, out);
        if !desired.contains_key(THRESHOLD) {
            self.report(out);
        }
    }

    fn desired(
        &mut self,
        _at: Timestamp,
        patch: &Map<String, Value>,
        desired: &Map<String, Value>,
        out: &mut Vec<Effect>,
    ) {
        match &mut self.connecting {
            Some((_, known)) => known.clone_from(desired),
            None => self.take_desired(patch, out),
        }
    }

    fn message(&mut self, _at: Timestamp, _input: &str, message: &RoutedMessage, out: &mut Vec<Effect>) {
        let temperature = match serde_json::from_slice(&message.body) {
            Ok(body) => temperature_of(&body),
            Err(error) => {
                let why = python::json_complaint(&error, &message.body);
                return out.push(Effect::say(format!("Error processing message: {why}")));
            }
        };
        let Some(temperature) = temperature else {
            return out.push(Effect::say("Error processing message: it has no machine.temperature"));
        };
        let shown = python::float(temperature);
        if temperature > self.threshold {
            out.push(self.alert(&shown));
            out.push(Effect::say(format!("Alert sent: temperature={shown}")));
        } else {
            out.push(Effect::say(format!("Normal reading filtered: temperature={shown}")));
        }
    }

    fn stop(&mut self, _at: Timestamp, _out: &mut Vec<Effect>) -> i64 {
        // The old one has no handler, and as the first process of its container it is not ended by a signal.
        if self.old || self.connecting.is_some() { 137 } else { 0 }
    }

    fn listens(&self) -> bool {
        self.connecting.is_none()
    }

    fn needs_hub(&self) -> bool {
        self.connecting.is_some()
    }
}

/// A filter that ends at once, with what it leaves on its standard error.
#[derive(Debug, Clone)]
pub(super) struct Stillborn {
    at: Option<Timestamp>,
    last_words: Vec<String>,
}

impl Stillborn {
    fn new(start: &Start<'_>, lives: Duration, last_words: Vec<String>) -> Self {
        Self { at: Some(instants::after(start.at, lives)), last_words }
    }

    /// `nonlocal` for a name of the module: Python does not compile it.
    pub(super) fn printed(start: &Start<'_>) -> Self {
        let words = [
            "  File \"/app/temperature_filter.py\", line 47",
            "    nonlocal TEMPERATURE_THRESHOLD",
            "    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
            "SyntaxError: no binding for nonlocal 'TEMPERATURE_THRESHOLD' found",
        ];
        Self::new(start, Chance::of(start).millis(120, 260), words.map(str::to_owned).into())
    }

    /// An image for another kind of machine.
    pub(super) fn other_machine(start: &Start<'_>) -> Self {
        let words = vec!["exec /usr/local/bin/python3: exec format error".to_owned()];
        Self::new(start, Chance::of(start).millis(5, 20), words)
    }

    /// A threshold in the environment that is no number.
    fn bad_threshold(start: &Start<'_>, text: &str) -> Self {
        let words = vec![
            "Traceback (most recent call last):".to_owned(),
            "  File \"/app/temperature_filter.py\", line 100, in <module>".to_owned(),
            "    asyncio.run(main())".to_owned(),
            format!("ValueError: could not convert string to float: {}", python::text_repr(text)),
        ];
        Self::new(start, Chance::of(start).millis(400, 700), words)
    }
}

impl Program for Stillborn {
    fn wakes_at(&self) -> Option<Timestamp> {
        self.at
    }

    fn wake(&mut self, _at: Timestamp, out: &mut Vec<Effect>) {
        self.at = None;
        out.extend(self.last_words.drain(..).map(Effect::complain));
        out.push(Effect::Exit(1));
    }

    fn stop(&mut self, _at: Timestamp, _out: &mut Vec<Effect>) -> i64 {
        143
    }

    fn listens(&self) -> bool {
        false
    }
}
