//! A module made of settings, to try logs, message queues and restarts with: how many lines and messages, in which
//! bursts and of which levels, and when it crashes with which code. Every line carries the second the run began and a
//! number that counts up, so that a reader can prove that it missed none.
//!
//! The image's tag is a preset and the environment overrides it; see [`Settings::of`].

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::chance::{self, Chance};
use super::runtime::{Level, Said};
use super::{Effect, OutMessage, Program, Skipped, Start, Stream, hostile, repository};
use crate::domain::manifest::Env;
use crate::sim::device::instants;
use crate::sim::device::log::LogCaps;

/// The workload.
#[derive(Debug, Clone)]
pub(super) struct Workload {
    settings: Settings,
    seed: u64,
    began: Timestamp,
    /// Bursts of lines written or skipped.
    bursts: u64,
    /// Messages sent.
    messages: u64,
    crash_at: Option<Timestamp>,
}

/// What an image or its environment may say.
#[derive(Debug, Clone)]
struct Settings {
    /// Between two bursts of lines; `None`: no lines.
    line_period: Option<Duration>,
    burst: u64,
    line_bytes: usize,
    /// Levels with their shares.
    levels: Vec<(Level, u64)>,
    /// Warnings and worse go to the standard error.
    splits_streams: bool,
    hostile: bool,
    message_period: Option<Duration>,
    output: String,
    model: String,
    crash_after: Option<Duration>,
    crash_code: i64,
}

/// The fastest of anything: a million lines a second, a hundred messages or hostile lines.
const FASTEST_LINE: Duration = Duration::from_micros(1);
const FASTEST_COSTLY: Duration = Duration::from_millis(10);
/// A line fits into one record of the container's log.
const LONGEST_LINE: usize = 16_000;

impl Settings {
    /// Presets by tag (`chatty`, `quiet`, `hostile`, `crash`, `slow-crash`; anything else writes a line a second), then
    /// `LINES_PER_SECOND`, `BURST_LINES`, `LINE_BYTES`, `LEVELS` (`INF=90,WRN=8,ERR=2`), `SPLIT_STREAMS`, `HOSTILE`,
    /// `MESSAGES_PER_SECOND`, `MESSAGE_OUTPUT`, `MODEL`, `CRASH_AFTER_SECONDS` and `CRASH_CODE`. What cannot be read
    /// is as if it were not there.
    fn of(start: &Start<'_>) -> Self {
        let tag = start.image.tag();
        let inference = repository(start.image) == "ml-inference";
        let (lines, messages) = match tag {
            _ if inference => (0.1, 0.1),
            "chatty" => (50.0, 0.0),
            "quiet" => (0.0, 0.0),
            "hostile" => (2.0, 0.0),
            _ => (1.0, 0.0),
        };
        let (crash_after, crash_code) = match tag {
            "crash" => (Some(3.0), 1),
            // Long enough for edgeAgent to forget the restart before.
            "slow-crash" => (Some(900.0), 139),
            _ => (None, 1),
        };
        let env = start.env;
        let burst: u32 = number(env, "BURST_LINES").unwrap_or(if tag == "chatty" { 10 } else { 1 }).clamp(1, 100_000);
        let hostile = flag(env, "HOSTILE").unwrap_or(tag == "hostile");
        let rate = real(env, "LINES_PER_SECOND").unwrap_or(lines);
        let fastest = if hostile { FASTEST_COSTLY } else { FASTEST_LINE };
        Self {
            line_period: period(rate / f64::from(burst), fastest * burst),
            burst: u64::from(burst),
            line_bytes: number(env, "LINE_BYTES").unwrap_or(120).min(LONGEST_LINE),
            levels: env.get("LEVELS").and_then(levels).unwrap_or_else(|| vec![(Level::Info, 1)]),
            splits_streams: flag(env, "SPLIT_STREAMS").unwrap_or(false),
            hostile,
            message_period: period(real(env, "MESSAGES_PER_SECOND").unwrap_or(messages), FASTEST_COSTLY),
            output: env.get("MESSAGE_OUTPUT").unwrap_or(if inference { "inference" } else { "output1" }).to_owned(),
            model: env.get("MODEL").unwrap_or(start.module).to_owned(),
            crash_after: real(env, "CRASH_AFTER_SECONDS")
                .or(crash_after)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            crash_code: number(env, "CRASH_CODE").unwrap_or(crash_code),
        }
    }

    fn level(&self, seed: u64, n: u64) -> Level {
        let total: u64 = self.levels.iter().map(|(_, share)| share).sum();
        let mut left = chance::nth(seed, n) % total.max(1);
        for (level, share) in &self.levels {
            match left.checked_sub(*share) {
                Some(rest) => left = rest,
                None => return *level,
            }
        }
        Level::Info
    }
}

fn number<T: std::str::FromStr>(env: &Env, name: &str) -> Option<T> {
    env.get(name)?.trim().parse().ok()
}

fn real(env: &Env, name: &str) -> Option<f64> {
    number(env, name).filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

fn flag(env: &Env, name: &str) -> Option<bool> {
    match env.get(name)?.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn period(per_second: f64, fastest: Duration) -> Option<Duration> {
    Duration::try_from_secs_f64(per_second.recip()).ok().filter(|_| per_second > 0.0).map(|period| period.max(fastest))
}

fn levels(text: &str) -> Option<Vec<(Level, u64)>> {
    let known = [Level::Debug, Level::Info, Level::Warning, Level::Error, Level::Fatal];
    let parts = text.split(',').map(|part| {
        let (word, share) = part.split_once('=')?;
        let level = known.into_iter().find(|level| level.word().eq_ignore_ascii_case(word.trim()))?;
        // Small enough that no sum of them overflows.
        Some((level, u64::from(share.trim().parse::<u32>().ok()?)))
    });
    parts.collect::<Option<Vec<_>>>().filter(|parts| parts.iter().any(|(_, share)| *share > 0))
}

impl Workload {
    pub(super) fn start(start: &Start<'_>, out: &mut Vec<Effect>) -> Self {
        let settings = Settings::of(start);
        let crash_at = settings.crash_after.map(|length| instants::after(start.at, length));
        let workload =
            Self { settings, seed: Chance::of(start).number(), began: start.at, bursts: 0, messages: 0, crash_at };
        out.push(Effect::say(Said::info(format!("run={} started", workload.run())).at(start.at)));
        workload
    }

    /// What tells this run's lines from those of the run before in the same log.
    fn run(&self) -> i64 {
        self.began.as_second()
    }

    fn nth(&self, period: Option<Duration>, n: u64) -> Option<Timestamp> {
        let nanos = u64::try_from(period?.as_nanos()).ok()?.checked_mul(n + 1)?;
        Some(instants::after(self.began, Duration::from_nanos(nanos)))
    }

    fn next_burst(&self) -> Option<Timestamp> {
        self.nth(self.settings.line_period, self.bursts)
    }

    fn next_message(&self) -> Option<Timestamp> {
        self.nth(self.settings.message_period, self.messages)
    }

    fn write_burst(&mut self, at: Timestamp, out: &mut Vec<Effect>) {
        let first = self.bursts * self.settings.burst;
        for n in first..first + self.settings.burst {
            out.push(self.line(at, n));
        }
        self.bursts += 1;
    }

    fn line(&self, at: Timestamp, n: u64) -> Effect {
        let settings = &self.settings;
        if settings.hostile {
            let stream = if n % 5 == 4 { Stream::Stderr } else { Stream::Stdout };
            return Effect::Log { stream, line: hostile::line(n, &self.mark(n)) };
        }
        let level = settings.level(self.seed, n);
        let mut line = Said { level, text: self.mark(n) }.at(at);
        while line.len() < settings.line_bytes {
            line.push(if line.ends_with(' ') { '.' } else { ' ' });
        }
        let apart = settings.splits_streams && level >= Level::Warning;
        if apart { Effect::complain(line) } else { Effect::say(line) }
    }

    fn mark(&self, n: u64) -> String {
        format!("run={} seq={n:010}", self.run())
    }

    fn send(&mut self, out: &mut Vec<Effect>) {
        let n = self.messages;
        // A score from 0 to 1 with three digits.
        let score = chance::nth(!self.seed, n) % 1_000;
        let model = Value::from(self.settings.model.as_str());
        let body = format!(r#"{{"model":{model},"run":{},"seq":{n},"score":0.{score:03}}}"#, self.run());
        out.push(Effect::Send { output: self.settings.output.clone(), message: OutMessage::json(body) });
        self.messages += 1;
    }

    /// How long every line is; they all are, unless hostile.
    fn length(&self) -> usize {
        let shape = Said { level: Level::Info, text: self.mark(0) }.at(self.began);
        shape.len().max(self.settings.line_bytes)
    }

    /// How many bursts or messages of this period are due by `at`.
    fn rounds_by(&self, period: Option<Duration>, at: Timestamp) -> u64 {
        let Some(period) = period else { return 0 };
        let since = u128::try_from(at.as_nanosecond() - self.began.as_nanosecond()).unwrap_or(0);
        u64::try_from(since / period.as_nanos().max(1)).unwrap_or(u64::MAX)
    }
}

impl Program for Workload {
    fn wakes_at(&self) -> Option<Timestamp> {
        [self.next_burst(), self.next_message(), self.crash_at].into_iter().flatten().min()
    }

    fn shows_at(&self) -> Option<Timestamp> {
        self.crash_at
    }

    fn rest(&mut self, until: Timestamp) {
        self.bursts = self.bursts.max(self.rounds_by(self.settings.line_period, until));
        self.messages = self.messages.max(self.rounds_by(self.settings.message_period, until));
    }

    fn wake(&mut self, at: Timestamp, out: &mut Vec<Effect>) {
        while let Some(due) = self.next_burst().filter(|due| *due <= at) {
            self.write_burst(due, out);
        }
        while self.next_message().is_some_and(|due| due <= at) {
            self.send(out);
        }
        if self.crash_at.is_some_and(|due| due <= at) {
            self.crash_at = None;
            out.push(Effect::complain(format!("run={} fatal: giving up", self.run())));
            out.push(Effect::Exit(self.settings.crash_code));
        }
    }

    fn stop(&mut self, at: Timestamp, out: &mut Vec<Effect>) -> i64 {
        out.push(Effect::say(Said::info(format!("run={} stopped", self.run())).at(at)));
        143
    }

    fn skip(&mut self, until: Timestamp, caps: LogCaps) -> Option<Skipped> {
        if self.settings.hostile {
            return None;
        }
        let line_bytes = u64::try_from(self.length()).ok()?;
        let room = caps.most_lines(line_bytes)?.div_ceil(self.settings.burst);
        let end = self.crash_at.map_or(until, |crash| crash.min(until));
        let to = self.rounds_by(self.settings.line_period, end).checked_sub(room)?;
        let bursts = to.checked_sub(self.bursts).filter(|bursts| *bursts > 0)?;
        self.bursts = to;
        Some(Skipped { lines: bursts * self.settings.burst, line_bytes })
    }
}
