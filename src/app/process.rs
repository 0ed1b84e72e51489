//! This process: its clock, its environment, who runs it, and what is done once at its start.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::{DumpableBehavior, Resource, Rlimit};

use crate::audit::{Claims, Who};
use crate::cli::{Cli, ConnectArgs};
use crate::config::{Config, Env, FlagValue, Paths, Platform, Source, Sources};
use crate::domain::time::{Clock, Now};
use crate::tui::term::caps;

/// The system's clock; the only one that looks at the system.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock that counts from now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the composition root is where time comes from")]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the composition root is where time comes from")]
    fn now(&self) -> Now {
        // Counted from a day before the start, so that "a while ago" can be expressed from the first moment.
        Now { wall: Timestamp::now(), mono: self.origin.elapsed() + Duration::from_secs(86_400) }
    }
}

/// What a run is made from.
#[derive(Debug)]
pub struct Process {
    /// The environment, without the secrets that were taken out of it.
    pub env: Env,
    /// Where files are.
    pub paths: Paths,
    /// What is set, and by whom.
    pub config: Config,
    /// Who runs it.
    pub who: Who,
    /// The connection string of the environment, if there was one.
    pub connection_string: Option<crate::domain::secret::Secret>,
}

impl Process {
    /// Hardens the process, reads the environment and the configuration.
    ///
    /// # Errors
    /// A sentence when there is no place for files.
    pub fn start(cli: &Cli) -> Result<Self, String> {
        harden();
        let euid = rustix::process::geteuid().as_raw();
        let mut env = Env::new(std::env::vars_os(), euid);
        let connection_string = env.take_secret("EDGEDECK_CONNECTION_STRING");
        let paths = Paths::resolve(&env, Platform::detect()).map_err(|error| error.to_string())?;
        let asked = Sources {
            env: env.clone(),
            flags: flags(cli),
            context: cli.connect.context.clone(),
            hub_named_elsewhere: names_a_hub(&cli.connect)
                || (connection_string.is_some() && cli.connect.context.is_none()),
            simulated: cli.connect.sim,
            ..Sources::default()
        };
        let config = Config::load(&paths, asked);
        let who = who(&env);
        Ok(Self { env, paths, config, who, connection_string })
    }

    /// What is wrong with a flag, if one is: a wrong flag ends the run, where a wrong file only warns.
    #[must_use]
    pub fn wrong_flag(&self, cli: &Cli) -> Option<String> {
        if let Some(idle) = cli.idle_flag() {
            return Some(idle);
        }
        let wrong = self.config.findings.iter().find(|finding| matches!(finding.source, Source::Flag(_)));
        wrong.map(ToString::to_string)
    }

    /// The part of the environment that decides how the console may draw.
    #[must_use]
    pub fn terminal_env(&self) -> caps::Env {
        let text = |name: &str| self.env.text(name);
        caps::Env {
            term: text("TERM"),
            colorterm: text("COLORTERM"),
            no_color: text("NO_COLOR"),
            lc_all: text("LC_ALL"),
            lc_ctype: text("LC_CTYPE"),
            lang: text("LANG"),
            ci: text("CI"),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            keys_readable: std::io::stdin().is_terminal() || std::fs::File::open("/dev/tty").is_ok(),
        }
    }
}

/// No core files and no reading of our memory by other processes of the same user: keys are in it. Files we make are
/// ours alone.
fn harden() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let _ = rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Whether a flag names the hub itself, without a context.
fn names_a_hub(connect: &ConnectArgs) -> bool {
    connect.sim || connect.hub.is_some() || connect.connection_string_file.is_some()
}

/// The flags that are settings.
fn flags(cli: &Cli) -> Vec<FlagValue> {
    let mut flags = Vec::new();
    let mut add = |flag: &'static str, key: &'static str, value: Option<&String>| {
        if let Some(value) = value {
            flags.push(FlagValue { flag, key, value: value.clone() });
        }
    };
    add("--theme", "ui.theme", cli.screen.theme.as_ref());
    add("--keymap", "ui.keymap", cli.screen.keymap.as_ref());
    add("--color", "ui.color", cli.screen.color.as_ref());
    if cli.screen.ascii {
        add("--ascii", "ui.glyphs", Some(&"ascii".to_owned()));
    }
    flags
}

fn user_name(uid: u32) -> Option<String> {
    nix::unistd::User::from_uid(uid.into()).ok().flatten().map(|user| user.name)
}

fn who(env: &Env) -> Who {
    let uid = rustix::process::getuid().as_raw();
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let tty = std::fs::read_link("/proc/self/fd/0")
        .ok()
        .and_then(|path| path.strip_prefix("/dev").ok().map(|rest| rest.to_string_lossy().into_owned()));
    Who {
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid: std::process::id(),
        uid,
        // By the number, which the kernel vouches for; what USER says anybody can set.
        name: user_name(uid).unwrap_or_else(|| uid.to_string()),
        // The kernel's "nobody logged in" is the largest number there is.
        loginuid: read("/proc/self/loginuid").and_then(|text| text.parse().ok()).filter(|uid| *uid != u32::MAX),
        tty,
        claims: Claims {
            sudo_user: env.text("SUDO_USER"),
            sudo_uid: env.text("SUDO_UID"),
            ssh_connection: env.text("SSH_CONNECTION"),
        },
    }
}
