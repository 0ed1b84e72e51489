//! SimulatedTemperatureSensor: a machine that warms up to a limit and jitters there, one message every few seconds,
//! until its message count is used up; then it stays up and is silent.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::chance::Chance;
use super::dotnet::{self, Span};
use super::runtime::{Level, Said};
use super::{Effect, OutMessage, Program, Start};
use crate::domain::manifest::Env;
use crate::domain::routes::RoutedMessage;
use crate::sim::device::instants;
use crate::sim::hub::stamp;

/// What a crash of .NET ends with: SIGABRT.
const ABORTED: i64 = 134;
/// How long it takes to connect, in milliseconds.
const CONNECTING: (u64, u64) = (900, 1_800);
/// What one round takes besides its delay, in milliseconds: sending is not for nothing.
const ROUND: (u64, u64) = (2, 14);

const SEND_DATA: &str = "SendData";
const SEND_INTERVAL: &str = "SendInterval";

/// The sensor.
#[derive(Debug, Clone)]
pub(super) struct Sensor {
    settings: Settings,
    phase: Phase,
    chance: Chance,
    batch: String,
    /// The number of the next message, from 1.
    count: u64,
    temperature: f64,
    reset: bool,
    delay: Span,
    sends: bool,
}

#[derive(Debug, Clone)]
enum Phase {
    /// A setting cannot be read, and why.
    Doomed { at: Timestamp, why: String },
    /// It opens its link to edgeHub; what is desired will be read then.
    Connecting { at: Timestamp, desired: Map<String, Value> },
    /// The next round.
    Sending { at: Timestamp },
    /// All messages are sent.
    Done,
}

#[derive(Debug, Clone)]
struct Settings {
    /// `None` without an end.
    messages: Option<u64>,
    delay: Span,
    temperature: (f64, f64),
    pressure: (f64, f64),
    ambient: f64,
    transport: &'static str,
    level: Level,
}

/// The names of the client's transports; others are refused.
const TRANSPORTS: [&str; 7] =
    ["Amqp", "Http1", "Amqp_WebSocket_Only", "Amqp_Tcp_Only", "Mqtt", "Mqtt_WebSocket_Only", "Mqtt_Tcp_Only"];

impl Default for Settings {
    fn default() -> Self {
        Self {
            messages: Some(500),
            delay: Span::seconds(5),
            temperature: (21.0, 100.0),
            pressure: (1.0, 10.0),
            ambient: 21.0,
            transport: "Amqp_Tcp_Only",
            level: Level::Info,
        }
    }
}

impl Settings {
    /// Reads the environment, with the image's own settings where it says nothing.
    ///
    /// # Errors
    /// What .NET says about a value it cannot convert.
    fn of(env: &Env) -> Result<Self, String> {
        let mut settings = Self::default();
        read(env, "MessageDelay", "System.TimeSpan", &mut settings.delay, dotnet::time_span)?;
        let mut messages = 500;
        read(env, "MessageCount", "System.Int32", &mut messages, |text| text.trim().parse::<i32>().ok())?;
        settings.messages = u64::try_from(messages).ok();
        for (name, number) in [
            ("machineTempMin", &mut settings.temperature.0),
            ("machineTempMax", &mut settings.temperature.1),
            ("machinePressureMin", &mut settings.pressure.0),
            ("machinePressureMax", &mut settings.pressure.1),
            ("ambientTemp", &mut settings.ambient),
        ] {
            read(env, name, "System.Double", number, |text| text.trim().parse().ok())?;
        }
        // Read, and used for nothing.
        read(env, "ambientHumidity", "System.Int32", &mut 25, |text| text.trim().parse::<i32>().ok())?;
        let kind = "Microsoft.Azure.Devices.Client.TransportType";
        read(env, "ClientTransportType", kind, &mut settings.transport, |text| {
            TRANSPORTS.into_iter().find(|known| known.eq_ignore_ascii_case(text.trim()))
        })?;
        read(env, "RuntimeLogLevel", "System.String", &mut settings.level, |text| Some(Level::of_setting(text)))?;
        Ok(settings)
    }
}

fn read<T>(env: &Env, name: &str, kind: &str, to: &mut T, parse: impl FnOnce(&str) -> Option<T>) -> Result<(), String> {
    if let Some(text) = dotnet::variable(env, name) {
        *to = parse(text)
            .ok_or_else(|| format!("Failed to convert configuration value at '{name}' to type '{kind}'."))?;
    }
    Ok(())
}

impl Sensor {
    pub(super) fn start(start: &Start<'_>, out: &mut Vec<Effect>) -> Self {
        let mut chance = Chance::of(start);
        let batch = chance.guid();
        let (from, to) = CONNECTING;
        let at = instants::after(start.at, chance.millis(from, to));
        out.push(Effect::say(format!("{} SimulatedTemperatureSensor Main() started.", instants::in_line(start.at))));
        let (settings, doom) = match Settings::of(start.env) {
            Ok(settings) => (settings, None),
            Err(why) => (Settings::default(), Some(why)),
        };
        let mut sensor = Self {
            delay: settings.delay,
            temperature: settings.temperature.0,
            phase: Phase::Connecting { at, desired: start.desired.clone() },
            settings,
            chance,
            batch,
            count: 1,
            reset: false,
            sends: true,
        };
        match doom {
            Some(why) => sensor.phase = Phase::Doomed { at: instants::after(start.at, DOOM), why },
            None => sensor.greet(start.at, out),
        }
        sensor
    }

    fn log(&self, at: Timestamp, said: &Said, out: &mut Vec<Effect>) {
        if said.level < self.settings.level {
            return;
        }
        let mut line = said.at(at);
        if self.settings.level == Level::Debug {
            // The more talkative levels name the source.
            line = line.replacen("] - ", "] [SimulatedTemperatureSensor.Program] - ", 1);
        }
        out.push(Effect::say(line));
    }

    fn greet(&self, at: Timestamp, out: &mut Vec<Effect>) {
        let Settings { messages, delay, transport, .. } = &self.settings;
        let messages = messages.map_or("unlimited".to_owned(), |messages| messages.to_string());
        let said = Said::info(format!(
            "Initializing simulated temperature sensor to send {messages} messages, at an interval of {} seconds.\n\
             To change this, set the environment variable MessageCount to the number of messages that should be sent \
             (set it to -1 to send unlimited messages).",
            dotnet::plain_double(delay.total_seconds())
        ));
        self.log(at, &said, out);
        let said = Said::info(format!("Trying to initialize module client using transport type [{transport}]."));
        self.log(at, &said, out);
    }

    /// The link is open: reads what is desired and begins.
    fn connect(&mut self, at: Timestamp, desired: &Map<String, Value>, out: &mut Vec<Effect>) {
        let transport = self.settings.transport;
        let said = Said::info(format!("Successfully initialized module client of transport type [{transport}]."));
        self.log(at, &said, out);
        if let Some(value) = desired.get(SEND_INTERVAL) {
            match dotnet::whole(value) {
                Some(seconds) => self.delay = Span::seconds(seconds),
                None => return abort("Unable to cast the value of SendInterval to type 'System.Int32'.", out),
            }
        }
        if let Some(value) = desired.get(SEND_DATA) {
            match dotnet::truth(value) {
                Some(sends) => self.sends = sends,
                None => return abort("Unable to cast the value of SendData to type 'System.Boolean'.", out),
            }
            if !self.sends {
                self.log(at, &Said::info(DISABLED), out);
            }
        }
        self.round(at, out);
    }

    /// One turn of the loop.
    fn round(&mut self, at: Timestamp, out: &mut Vec<Effect>) {
        if let Some(messages) = self.settings.messages
            && self.count > messages
        {
            self.phase = Phase::Done;
            return self.log(at, &Said::info(format!("Done sending {messages} messages")), out);
        }
        self.walk();
        if self.sends {
            self.send(at, out);
        }
        let Some(delay) = self.delay.delay() else {
            return abort("Specified argument was out of the range of valid values. (Parameter 'delay')", out);
        };
        let (from, to) = ROUND;
        self.phase = Phase::Sending { at: instants::after(at, delay + self.chance.millis(from, to)) };
    }

    /// Up by a quarter of a degree less than nothing to one and a quarter, above the limit by half a degree either way.
    fn walk(&mut self) {
        let (low, high) = self.settings.temperature;
        if std::mem::take(&mut self.reset) {
            self.temperature = low;
        }
        let step = self.chance.unit();
        self.temperature += if self.temperature > high { step - 0.5 } else { step.mul_add(1.5, -0.25) };
    }

    fn send(&mut self, at: Timestamp, out: &mut Vec<Effect>) {
        let ((low, high), (calm, strong)) = (self.settings.temperature, self.settings.pressure);
        let pressure = calm + (self.temperature - low) * ((strong - calm) / (high - low));
        let ambient = self.settings.ambient + self.chance.unit() - 0.5;
        let humidity = 24 + self.chance.below(3);
        let body = format!(
            r#"{{"machine":{{"temperature":{},"pressure":{}}},"ambient":{{"temperature":{},"humidity":{humidity}}},"timeCreated":"{}"}}"#,
            dotnet::double(self.temperature),
            dotnet::double(pressure),
            dotnet::double(ambient),
            stamp::instant(at),
        );
        self.log(at, &Said::info(format!("Sending message: {}, Body: [{body}]", self.count)), out);
        let mut message = OutMessage::json(body);
        message.properties =
            vec![("sequenceNumber".to_owned(), self.count.to_string()), ("batchId".to_owned(), self.batch.clone())];
        out.push(Effect::Send { output: "temperatureOutput".to_owned(), message });
        self.count += 1;
    }

    /// What it reports: always both, whatever the patch was about.
    fn report(&self) -> Effect {
        let seconds = self.delay.total_seconds();
        let seconds = format!("{seconds:.0}")
            .parse::<i64>()
            .ok()
            .filter(|_| seconds.fract() == 0.0)
            .map_or(Value::from(seconds), Value::from);
        let mut patch = Map::new();
        patch.insert(SEND_DATA.to_owned(), self.sends.into());
        patch.insert(SEND_INTERVAL.to_owned(), seconds);
        Effect::Report(patch)
    }
}

/// How long it takes to fail over a setting.
const DOOM: Duration = Duration::from_millis(180);

const DISABLED: &str = "Sending data disabled. Change twin configuration to start sending again.";

/// An exception nobody catches.
fn abort(why: &str, out: &mut Vec<Effect>) {
    out.push(Effect::complain(format!(
        "Unhandled exception. System.AggregateException: One or more errors occurred. ({why})"
    )));
    out.push(Effect::complain("   at SimulatedTemperatureSensor.Program.Main()"));
    out.push(Effect::Exit(ABORTED));
}

impl Program for Sensor {
    fn wakes_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Doomed { at, .. } | Phase::Connecting { at, .. } | Phase::Sending { at } => Some(*at),
            Phase::Done => None,
        }
    }

    fn shows_at(&self) -> Option<Timestamp> {
        self.wakes_at().filter(|_| !matches!(self.phase, Phase::Sending { .. }))
    }

    fn rest(&mut self, until: Timestamp) {
        let (Phase::Sending { at }, Some(delay)) = (&self.phase, self.delay.delay()) else { return };
        let (from, to) = ROUND;
        let round = delay + Duration::from_millis(from.midpoint(to));
        let since = u128::try_from(until.as_nanosecond() - at.as_nanosecond()).unwrap_or(0);
        let Ok(rounds) = u64::try_from(since / round.as_nanos().max(1)) else { return };
        if self.sends {
            self.count = self.count.saturating_add(rounds);
        }
        // Half a degree a round, until it walks up and down at the limit.
        let (_, high) = self.settings.temperature;
        let steps = u32::try_from(rounds).map_or(f64::INFINITY, f64::from);
        self.temperature = steps.mul_add(0.5, self.temperature).min(self.temperature.max(high));
        self.phase = Phase::Sending { at: (*at).max(until) };
    }

    fn wake(&mut self, at: Timestamp, out: &mut Vec<Effect>) {
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Doomed { why, .. } => abort(&why, out),
            Phase::Connecting { desired, .. } => self.connect(at, &desired, out),
            Phase::Sending { .. } => self.round(at, out),
            Phase::Done => {}
        }
    }

    fn desired(
        &mut self,
        _at: Timestamp,
        patch: &Map<String, Value>,
        desired: &Map<String, Value>,
        out: &mut Vec<Effect>,
    ) {
        if let Phase::Connecting { desired: known, .. } = &mut self.phase {
            known.clone_from(desired);
            return;
        }
        // A value that cannot be cast ends the handler: nothing after it happens, and nothing is reported.
        if let Some(value) = patch.get(SEND_INTERVAL) {
            let Some(seconds) = dotnet::whole(value) else { return };
            self.delay = Span::seconds(seconds);
        }
        if let Some(value) = patch.get(SEND_DATA) {
            let Some(sends) = dotnet::truth(value) else { return };
            if self.sends && !sends {
                out.push(Effect::say(DISABLED));
            }
            self.sends = sends;
        }
        out.push(self.report());
    }

    fn message(&mut self, _at: Timestamp, input: &str, message: &RoutedMessage, out: &mut Vec<Effect>) {
        if input != "control" {
            return;
        }
        let text = String::from_utf8_lossy(&message.body);
        out.push(Effect::say(format!("Received message Body: [{text}]")));
        let commands = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Array(commands)) => commands,
            Ok(command @ Value::Object(_)) => vec![command],
            Ok(other) => return out.push(undone(&format!("no command in {other}"))),
            Err(error) => return out.push(undone(&error.to_string())),
        };
        for command in commands {
            match is_reset(&command) {
                Some(true) => {
                    out.push(Effect::say("Resetting temperature sensor.."));
                    self.reset = true;
                }
                Some(false) => {}
                None => return out.push(undone(&format!("no command in {command}"))),
            }
        }
    }

    fn method(&mut self, _at: Timestamp, name: &str, _payload: &Value, out: &mut Vec<Effect>) -> Option<(i64, Value)> {
        (name == "reset").then(|| {
            out.push(Effect::say("Received direct method call to reset temperature sensor..."));
            self.reset = true;
            (200, Value::Null)
        })
    }

    fn stop(&mut self, at: Timestamp, out: &mut Vec<Effect>) -> i64 {
        if matches!(self.phase, Phase::Connecting { .. } | Phase::Doomed { .. }) {
            return 143;
        }
        self.log(at, &Said::info("Termination requested, initiating shutdown."), out);
        self.log(at, &Said::info("Waiting for cleanup to finish"), out);
        if matches!(self.phase, Phase::Sending { .. }) {
            let said = Said::error(format!("SendEvents has been canceled, sent {} messages.", self.count - 1));
            self.log(at, &said, out);
        }
        self.log(at, &Said::info("SimulatedTemperatureSensor Main() finished."), out);
        0
    }

    fn listens(&self) -> bool {
        matches!(self.phase, Phase::Sending { .. } | Phase::Done)
    }

    fn needs_hub(&self) -> bool {
        match &self.phase {
            Phase::Connecting { .. } => true,
            Phase::Sending { .. } => self.sends && self.settings.messages.is_none_or(|messages| self.count <= messages),
            Phase::Doomed { .. } | Phase::Done => false,
        }
    }
}

fn undone(why: &str) -> Effect {
    Effect::say(format!("Error: Failed to deserialize control command with exception: [{why}]"))
}

/// Whether a control command is a reset, which is also what a command without a word is; nothing for what is no
/// command.
fn is_reset(command: &Value) -> Option<bool> {
    match command.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case("command")).map(|(_, value)| value) {
        None => Some(true),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("reset") => Some(true),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("NoOperation") => Some(false),
        Some(Value::Number(number)) => number.as_i64().map(|number| number == 0),
        Some(_) => None,
    }
}
