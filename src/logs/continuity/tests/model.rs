//! A device whose module writes a log, and an edgeAgent that reads it, as iot-edge 4 says: the container engine takes the
//! tail before it compares with `since`, seconds are whole, the expression comes after both, and an answer of more than
//! 127,000 characters is refused.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use regex::Regex;
use serde_json::{Value, json};

use crate::logs::request::ANSWER_LIMIT;

/// Steps of 100 ns, the engine's and the agent's smallest.
pub const SECOND: i64 = 10_000_000;

/// One line, as the engine keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub ticks: i64,
    pub err: bool,
    pub text: String,
}

impl Written {
    pub fn time(&self) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(self.ticks) * 100).unwrap()
    }
}

/// What the world does to a log.
#[derive(Debug, Clone)]
pub enum Event {
    /// So many lines are written, with as many ticks before each, of so many characters. `plain` lines have equal texts.
    Write { lines: u16, every: i64, length: u16, plain: bool },
    /// Nothing is written for so long.
    Pass(i64),
    /// The clock is set back.
    Back(i64),
    /// The clock is set forward.
    Forward(i64),
    /// The oldest lines are rotated away, all but so many.
    Rotate(u16),
    /// The container is created anew and its log is gone.
    Recreate,
    /// The module is not there.
    Vanish,
    /// And there again.
    Return,
}

#[derive(Debug)]
pub struct Device {
    pub clock: i64,
    /// Everything that was ever written, in order.
    pub written: Vec<Written>,
    /// What of it the engine still has begins here.
    pub kept: usize,
    present: bool,
    /// How often the clock was set back. Lines of one text and one instant would be one and the same line to anybody, so
    /// that two of them are never written under two settings of the clock.
    era: u32,
}

impl Device {
    pub fn new() -> Self {
        Self { clock: 1_767_323_045 * SECOND + 1, written: Vec::new(), kept: 0, present: true, era: 0 }
    }

    /// A line of its own is written.
    pub fn say(&mut self, text: &str) {
        self.present = true;
        self.clock += SECOND / 10;
        self.written.push(Written { ticks: self.clock, err: false, text: text.to_owned() });
    }

    pub fn happen(&mut self, event: &Event) {
        match event {
            Event::Write { lines, every, length, plain } => {
                self.present = true;
                for _ in 0..*lines {
                    self.clock += every;
                    let number = self.written.len();
                    let text = if *plain {
                        format!("era {} tick", self.era)
                    } else {
                        format!("era {} line {number} {}", self.era, "x".repeat(usize::from(*length)))
                    };
                    // The two outputs are stamped apart from each other and do not keep order among them.
                    let err = number % 7 == 3;
                    let ticks = if err && *every > 0 { self.clock - SECOND / 20 } else { self.clock };
                    self.written.push(Written { ticks, err, text });
                }
            }
            Event::Pass(ticks) | Event::Forward(ticks) => self.clock += ticks,
            Event::Back(ticks) => {
                self.clock -= ticks;
                self.era += 1;
            }
            Event::Rotate(keep) => {
                self.kept = self.kept.max(self.written.len().saturating_sub(usize::from(*keep)));
                // Not between lines of one text and one instant: to anybody, the one that went would be the one that stays.
                while self.kept > 0
                    && self.written.get(self.kept).is_some_and(|line| *line == self.written[self.kept - 1])
                {
                    self.kept += 1;
                }
                self.pause_when_empty();
            }
            Event::Recreate => {
                self.kept = self.written.len();
                self.pause_when_empty();
            }
            Event::Vanish => self.present = false,
            Event::Return => self.present = true,
        }
    }

    /// And not between the last line that is gone and the first one of an empty log.
    fn pause_when_empty(&mut self) {
        if self.kept == self.written.len() {
            self.clock += 1;
        }
    }

    /// Answers the payload of a `GetModuleLogs` with the method's status and payload. Reading takes no time: lines of one
    /// instant may be written before and after it.
    pub fn answer(&self, request: &Value) -> (i64, Value) {
        answer(&[("filter", self)], request)
    }

    fn read(&self, filter: &Value) -> Vec<&Written> {
        let tail = filter["tail"].as_u64().map(|tail| usize::try_from(tail).unwrap());
        let instant = |name: &str| {
            let text = filter[name].as_str()?;
            let second = match text.strip_suffix('s') {
                Some(age) => (self.clock - age.parse::<i64>().unwrap() * SECOND).div_euclid(SECOND),
                None => i64::from(text.parse::<i32>().unwrap()),
            };
            Some(second * SECOND)
        };
        let (since, until) = (instant("since"), instant("until"));
        let mut lines: Vec<&Written> = self.written[self.kept..].iter().collect();
        let last = |lines: &mut Vec<&Written>| {
            if let Some(tail) = tail {
                lines.drain(..lines.len().saturating_sub(tail));
            }
        };
        if since.is_none() || until.is_none() {
            last(&mut lines);
        }
        lines.retain(|line| since.is_none_or(|since| line.ticks >= since));
        if let Some(end) = lines.iter().position(|line| until.is_some_and(|until| line.ticks > until)) {
            lines.truncate(end);
        }
        if let Some(regex) = filter["regex"].as_str() {
            let regex = Regex::new(regex).unwrap();
            lines.retain(|line| regex.is_match(&line.text));
        }
        last(&mut lines);
        lines
    }
}

/// The same for a device of several modules, by their names. Where two items ask for one, the first counts.
pub fn answer(logs: &[(&str, &Device)], request: &Value) -> (i64, Value) {
    assert_eq!((&request["schemaVersion"], &request["contentType"]), (&json!("1.0"), &json!("json")));
    let mut parts: Vec<Value> = Vec::new();
    let mut size = 0;
    for item in request["items"].as_array().unwrap() {
        let id = Regex::new(&format!("(?i){}", item["id"].as_str().unwrap())).unwrap();
        for (name, log) in logs {
            if !log.present || !id.is_match(name) || parts.iter().any(|part| part["id"] == *name) {
                continue;
            }
            let lines: Vec<Value> = log.read(&item["filter"]).into_iter().map(|line| entry(name, line)).collect();
            let text = Value::Array(lines).to_string();
            if request["encoding"] == "gzip" {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(text.as_bytes()).unwrap();
                let packed = encoder.finish().unwrap();
                size += packed.len();
                parts.push(json!({"id": name, "payloadBytes": STANDARD.encode(packed), "payload": null}));
            } else {
                size += text.encode_utf16().count();
                parts.push(json!({"id": name, "payloadBytes": null, "payload": text}));
            }
        }
    }
    if size > ANSWER_LIMIT {
        let message = format!(
            "The payload is too large for a direct method. GetModuleLogs supports up to 127000 bytes of logs. The current request returned {size} bytes.\nTry reducing …"
        );
        return (400, json!({ "message": message }));
    }
    (200, Value::Array(parts))
}

fn entry(name: &str, line: &Written) -> Value {
    let seconds = Timestamp::from_second(line.ticks.div_euclid(SECOND)).unwrap();
    let timestamp = format!("{}.{:07}+00:00", seconds.strftime("%Y-%m-%dT%H:%M:%S"), line.ticks.rem_euclid(SECOND));
    json!({"iothub": "h", "device": "d", "id": name, "stream": if line.err { "stderr" } else { "stdout" },
        "loglevel": 6, "text": line.text, "timestamp": timestamp})
}
