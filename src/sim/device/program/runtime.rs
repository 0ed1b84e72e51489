//! The lines of the runtime's own modules: their format, and what their containers write while they come up. What
//! edgeAgent says later is in `agent`, what edgeHub says in `edge_hub`.

use std::time::Duration;

use jiff::Timestamp;

use super::chance::Chance;
use super::{Effect, Program, Start, dotnet};
use crate::sim::device::instants;

/// The version of the runtime, as both modules name it in their logs: version, build and commit.
const VERSION: &str = "1.5.21.90153471 (8f4c2f0f9d7a4b1c8d5e6f7081a2b3c4d5e6f708)";

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sim) enum Level {
    /// `DBG`
    Debug,
    /// `INF`
    Info,
    /// `WRN`
    Warning,
    /// `ERR`
    Error,
    /// `FTL`
    Fatal,
}

impl Level {
    /// The word in a line.
    pub(in crate::sim) fn word(self) -> &'static str {
        match self {
            Self::Debug => "DBG",
            Self::Info => "INF",
            Self::Warning => "WRN",
            Self::Error => "ERR",
            Self::Fatal => "FTL",
        }
    }

    /// The number before a line, as in syslog: 0 is worst.
    pub(in crate::sim) fn severity(self) -> u8 {
        match self {
            Self::Debug => 7,
            Self::Info => 6,
            Self::Warning => 4,
            Self::Error => 3,
            Self::Fatal => 0,
        }
    }

    /// The level `RuntimeLogLevel` asks for; anything unknown is info.
    pub(super) fn of_setting(text: &str) -> Self {
        match text.split(',').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "verbose" | "debug" => Self::Debug,
            "warning" => Self::Warning,
            "error" => Self::Error,
            "fatal" => Self::Fatal,
            _ => Self::Info,
        }
    }
}

/// What a module of the runtime says, without its instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) struct Said {
    /// How grave it is.
    pub level: Level,
    /// The text; with line feeds in it, the lines after the first carry no prefix.
    pub text: String,
}

impl Said {
    /// A line at info level.
    pub(in crate::sim) fn info(text: impl Into<String>) -> Self {
        Self { level: Level::Info, text: text.into() }
    }

    /// A line at warning level.
    pub(in crate::sim) fn warning(text: impl Into<String>) -> Self {
        Self { level: Level::Warning, text: text.into() }
    }

    /// A line at error level.
    pub(in crate::sim) fn error(text: impl Into<String>) -> Self {
        Self { level: Level::Error, text: text.into() }
    }

    /// With the exception that belongs to it on lines of its own.
    pub(in crate::sim) fn because(mut self, exception: &str) -> Self {
        self.text.push('\n');
        self.text.push_str(exception);
        self
    }

    /// The line as it stands in the log: `<6> 2026-01-02 03:04:05.678 +00:00 [INF] - text`.
    pub(in crate::sim) fn at(&self, at: Timestamp) -> String {
        let Self { level, text } = self;
        format!("<{}> {} [{}] - {text}", level.severity(), instants::in_line(at), level.word())
    }
}

/// The first lines of the runtime's containers, then silence: what comes later comes from whoever plays their part.
#[derive(Debug, Clone)]
pub(super) struct Booting {
    /// When the runtime of the language is up.
    at: Option<Timestamp>,
    /// The first line then, without prefix.
    main: &'static str,
    lines: Vec<Said>,
}

/// How long the language's runtime takes to come up.
const BOOT: (u64, u64) = (600, 1_200);

impl Booting {
    pub(super) fn agent(start: &Start<'_>, out: &mut Vec<Effect>) -> Self {
        let script = instants::in_script(start.at);
        out.push(Effect::say(format!("{script} Starting Edge Agent")));
        out.push(Effect::say(format!("{script} Changing ownership of storage folder: /tmp/edgeAgent to 13622")));
        out.push(Effect::say(format!("{script} Completed necessary setup. Starting Edge Agent.")));
        let lines = vec![
            Said::info("Initializing Edge Agent."),
            Said::info(format!("Version - {VERSION}")),
            logo(),
            Said::info("ModuleUpdateMode: NonBlocking"),
        ];
        Self::new(start, "Edge Agent Main()", lines)
    }

    pub(super) fn hub(start: &Start<'_>, out: &mut Vec<Effect>) -> Self {
        let script = instants::in_script(start.at);
        out.push(Effect::say(format!("{script} Starting Edge Hub")));
        out.push(Effect::say(format!("{script} Changing ownership of storage folder: /tmp/edgeHub to 13623")));
        let performance = dotnet::variable(start.env, "OptimizeForPerformance");
        let performance =
            if performance.is_some_and(|text| text.eq_ignore_ascii_case("false")) { "False" } else { "True" };
        // Issued at the start, for thirty days.
        let expiry = instants::after(start.at, Duration::from_secs(30 * 86_400));
        let expiry = expiry.strftime("%Y-%m-%dT%H:%M:%S.0000000+00:00");
        let lines = vec![
            Said::info("Enabling SSL protocols: Tls12, Tls13"),
            Said::info("Initializing Edge Hub"),
            logo(),
            Said::info(format!("Version - {VERSION}")),
            Said::info(format!("OptimizeForPerformance={performance}")),
            Said::info("MessageAckTimeoutSecs=30"),
            Said::info(format!("Loaded server certificate with expiration date of \"{expiry}\"")),
            Said::info("Created new message store"),
            Said::info("Started task to cleanup processed and stale messages"),
            Said::info(
                "Created DeviceConnectivityManager with connected check frequency 00:05:00 and disconnected check frequency 00:02:00",
            ),
            Said::info("Initializing configuration"),
        ];
        Self::new(start, "Edge Hub Main()", lines)
    }

    fn new(start: &Start<'_>, main: &'static str, lines: Vec<Said>) -> Self {
        let (from, to) = BOOT;
        let at = instants::after(start.at, Chance::of(start).millis(from, to));
        Self { at: Some(at), main, lines }
    }
}

impl Program for Booting {
    fn wakes_at(&self) -> Option<Timestamp> {
        self.at
    }

    fn wake(&mut self, at: Timestamp, out: &mut Vec<Effect>) {
        self.at = None;
        out.push(Effect::say(format!("{} {}", instants::in_line(at), self.main)));
        out.extend(self.lines.drain(..).map(|said| Effect::say(said.at(at))));
    }

    /// Both of them shut down when asked.
    fn stop(&mut self, at: Timestamp, out: &mut Vec<Effect>) -> i64 {
        for text in ["Termination requested, initiating shutdown.", "Waiting for cleanup to finish"] {
            out.push(Effect::say(Said::info(text).at(at)));
        }
        0
    }

    fn listens(&self) -> bool {
        self.at.is_none()
    }
}

/// A banner over several lines in one message, as both modules print one: only its first line has a prefix.
fn logo() -> Said {
    Said::info(
        "\n ██╗ ██████╗ ████████╗    ███████╗██████╗  ██████╗ ███████╗\n \
         ██║██╔═══██╗╚══██╔══╝    ██╔════╝██╔══██╗██╔════╝ ██╔════╝\n \
         ██║██║   ██║   ██║       █████╗  ██║  ██║██║  ███╗█████╗\n \
         ██║██║   ██║   ██║       ██╔══╝  ██║  ██║██║   ██║██╔══╝\n \
         ██║╚██████╔╝   ██║       ███████╗██████╔╝╚██████╔╝███████╗\n \
         ╚═╝ ╚═════╝    ╚═╝       ╚══════╝╚═════╝  ╚═════╝ ╚══════╝\n",
    )
}
