//! `edgedeck sim`: the simulated hub on its own, and the switches of any that runs on this machine. Without a subcommand it
//! serves (that is `app`'s); with one it finds a running simulator by the note in its private folder and steers it.

use std::fmt::Display;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::{Answer, Failure, instant};
use super::exit::Exit;
use super::recipes::recipes;
use super::table::Table;
use super::target::device_id;
use crate::disk::{self, Access, DiskError, FileLock};
use crate::domain::ids::DeviceId;
use crate::domain::secret::Secret;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::time::{SharedClock, age_text, wall_age};
use crate::hub::{ConnectionString, DoorAnswer, Endpoint, SimDoor, Trust, authorization};

/// Where the folders of running simulators are, below the runtime folder.
pub const FOLDER: &str = "sim";
/// In each of them; held while its simulator runs.
pub const LOCK: &str = "lock";
/// In each of them.
const NOTE: &str = "simulator.json";
/// The policy that may do everything.
const OWNER: &str = "iothubowner";
/// Larger than any file of ours there.
const MOST_BYTES: u64 = 64 * 1_024;

/// What `edgedeck sim` takes.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SimArgs {
    /// What to do with one that runs; serve when nothing is named.
    #[command(subcommand)]
    pub command: Option<SimCommand>,
    /// How to serve.
    #[command(flatten)]
    pub serve: ServeArgs,
}

/// How a simulator is served.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddrV4,
    /// Let other machines in, where --listen names an address that they reach
    #[arg(long)]
    pub expose: bool,
    /// Make keys, ids and everything that is drawn from this number, the same in every run
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u32>,
    /// Let the simulated world's time go so many times as fast, up to 1000: deployments, machines, throttling and the day's
    /// messages follow it, and each answer says so (x-edgedeck-sim-speed). Tokens, added latency and how long a direct
    /// method may take are by the caller's time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub speed: u32,
}

/// What can be done with a simulator that runs.
#[derive(Debug, Clone, Subcommand)]
pub enum SimCommand {
    /// Install the IoT Edge runtime on a new machine for a registered edge device
    Provision {
        /// The device
        #[arg(value_name = "ID", value_parser = device_id)]
        device: DeviceId,
        /// Which simulator
        #[command(flatten)]
        at: AtArg,
    },
    /// Throw a switch, with the words that stand after `:sim` in the console
    Do {
        /// Such as: net off edge-gateway-007
        #[arg(value_name = "WORDS", required = true, num_args = 1..)]
        words: Vec<String>,
        /// Which simulator
        #[command(flatten)]
        at: AtArg,
    },
    /// Lines to paste for other clients of IoT Hub: the SDKs for Python and Node, az iot, curl
    Recipes {
        /// Which simulator
        #[command(flatten)]
        at: AtArg,
    },
    /// A header that lets in for an hour whoever speaks to the hub without a client, such as curl with -H @-
    Token {
        /// The policy whose rights it has
        #[arg(long, value_name = "NAME", default_value = OWNER)]
        policy: String,
        /// Which simulator
        #[command(flatten)]
        at: AtArg,
    },
    /// The simulators that run on this machine as this user
    List,
}

/// Which simulator, when several run.
#[derive(Debug, Clone, Args)]
pub struct AtArg {
    /// The one that listens there, when several run
    #[arg(long, value_name = "HOST:PORT")]
    pub at: Option<String>,
}

/// What a running simulator says about itself to whoever may read its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// `127.0.0.1:8443`, where its hub answers.
    pub at: String,
    /// `127.0.0.1:PORT` of its door.
    pub door: String,
    /// The hub's name.
    pub hub: String,
    /// Its process.
    pub pid: u32,
    /// When it started.
    pub since: Timestamp,
    /// The PEM file of its authority.
    pub authority: PathBuf,
    /// The file with its owner's connection string.
    pub connection_string: PathBuf,
}

impl Note {
    /// Writes it into a simulator's folder.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn write(&self, folder: &Path) -> Result<(), DiskError> {
        disk::replace(&folder.join(NOTE), json!(self).to_string().as_bytes())
    }
}

/// Finds the simulator that is meant and does with it what is asked. `runtime` is the folder in which running programs
/// keep their files.
///
/// # Errors
/// A [`Failure`]: none runs (7), several do and none is named (2), what the simulator refuses.
pub async fn run(runtime: &Path, clock: SharedClock, command: &SimCommand) -> Result<Answer, Failure> {
    let now = clock.now().wall;
    let running = running(&runtime.join(FOLDER))?;
    match command {
        SimCommand::List => Ok(list(&running, now)),
        SimCommand::Provision { device, at } => {
            say(chosen(&running, at)?, clock, &format!("provision {}", device.as_str())).await
        }
        SimCommand::Do { words, at } => say(chosen(&running, at)?, clock, &words.join(" ")).await,
        SimCommand::Recipes { at } => Ok(recipes(chosen(&running, at)?, now)),
        SimCommand::Token { policy, at } => token(chosen(&running, at)?, policy, now).await,
    }
}

/// The file with the connection string of a policy, beside the one with the owner's.
#[must_use]
pub fn of_policy(owner: &Path, policy: &str) -> PathBuf {
    let mut name = owner.as_os_str().to_owned();
    name.push(format!("-{policy}"));
    name.into()
}

/// The notes of the simulators whose lock is held, the oldest first.
fn running(place: &Path) -> Result<Vec<Note>, Failure> {
    let entries = match std::fs::read_dir(place) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::new(Exit::Failure, format!("could not read {}: {error}", place.display()))),
    };
    let mut found = Vec::new();
    for folder in entries.flatten().map(|entry| entry.path()) {
        // A folder that is just being made or taken away is not there yet, or no more.
        if matches!(FileLock::holder(&folder.join(LOCK)), Ok(Some(_)))
            && let Ok(Some(text)) = disk::read_text(&folder.join(NOTE), Access::Secret, MOST_BYTES)
            && let Ok(note) = serde_json::from_str::<Note>(&text)
        {
            found.push(note);
        }
    }
    found.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.at.cmp(&b.at)));
    Ok(found)
}

fn chosen<'a>(running: &'a [Note], at: &AtArg) -> Result<&'a Note, Failure> {
    let places = || running.iter().map(|note| note.at.as_str()).collect::<Vec<_>>().join(", ");
    match (running, &at.at) {
        ([], _) => Err(Failure::new(
            Exit::Unreachable,
            "no simulator runs here; start one with `edgedeck sim` in another terminal, or with `edgedeck --sim`",
        )),
        (running, Some(at)) => running.iter().find(|note| note.at == *at).ok_or_else(|| {
            let at = Shown::sanitise(at);
            Failure::new(Exit::Unreachable, format!("no simulator runs at {}; there are {}", at.as_str(), places()))
        }),
        ([only], None) => Ok(only),
        (running, None) => {
            Err(Failure::usage(format!("{} simulators run here; say which with --at: {}", running.len(), places())))
        }
    }
}

impl Note {
    fn failed(&self, why: impl Display) -> Failure {
        Failure::new(Exit::Failure, format!("the simulator at {} could not be asked: {why}", self.at))
    }

    fn read(&self, path: &Path) -> Result<String, Failure> {
        match disk::read_text(path, Access::Secret, MOST_BYTES) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => Err(self.failed(format!("{} is gone", path.display()))),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn connection(&self, path: &Path) -> Result<ConnectionString, Failure> {
        let secret = Secret::new(self.read(path)?);
        ConnectionString::parse(secret.expose()).map_err(|error| self.failed(error))
    }
}

async fn say(note: &Note, clock: SharedClock, words: &str) -> Result<Answer, Failure> {
    let now = clock.now().wall;
    let trust = Trust::Only(note.read(&note.authority)?.into_bytes());
    let (_, credential) = note.connection(&note.connection_string)?.into_parts();
    let endpoint = Endpoint::parse(&note.door).map_err(|error| note.failed(error))?;
    let said = SimDoor::new(&endpoint, credential, &trust, clock)?.say(words).await?;
    let here = |said: &Untrusted| said.shown().as_str().replace("`:sim ", "`edgedeck sim do ");
    match said {
        DoorAnswer::Done(said) => {
            let text = here(&said);
            let item = json!({"at": note.at, "did": words, "said": text});
            Ok(Answer::new("SimulatorAnswer", now, vec![item], format!("{text}\n")))
        }
        DoorAnswer::NotFound(said) => Err(Failure::new(Exit::NotFound, here(&said))),
        DoorAnswer::Refused(said) => Err(Failure::usage(here(&said))),
    }
}

async fn token(note: &Note, policy: &str, now: Timestamp) -> Result<Answer, Failure> {
    let path = of_policy(&note.connection_string, policy);
    // A policy is a name, and no way to another folder.
    if policy.contains('/') || !path.exists() {
        let policy = Shown::sanitise(policy);
        let text =
            format!("the simulator at {} has no policy {}; there are {}", note.at, policy.as_str(), policies(note));
        return Err(Failure::new(Exit::NotFound, text));
    }
    let (header, expires) = authorization(note.connection(&path)?, now).await?;
    let header = format!("Authorization: {}", header.expose());
    let item = json!({"at": note.at, "policy": policy, "header": header, "expires": instant(expires)});
    let answer = Answer::new("SimulatorToken", now, vec![item], format!("{header}\n"));
    // To be printed is what it is for.
    Ok(Answer { revealed: true, ..answer })
}

/// The names of the policies it wrote connection strings for.
fn policies(note: &Note) -> String {
    let Some((folder, prefix)) = note.connection_string.parent().zip(note.connection_string.file_name()) else {
        return String::new();
    };
    let prefix = format!("{}-", prefix.to_string_lossy());
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = files.filter_map(|name| name.strip_prefix(&prefix).map(str::to_owned)).collect();
    names.sort();
    names.join(", ")
}

fn list(running: &[Note], now: Timestamp) -> Answer {
    let mut table = Table::with_heads(&["AT", "HUB", "PID", "UP", "CONNECTION STRING", "CA FILE"]);
    let mut items = Vec::new();
    for note in running {
        let up = age_text(wall_age(now, note.since));
        table.row([
            Shown::sanitise(&note.at),
            Shown::sanitise(&note.hub),
            Shown::composed(note.pid.to_string()),
            Shown::composed(up),
            Shown::sanitise(&note.connection_string.to_string_lossy()),
            Shown::sanitise(&note.authority.to_string_lossy()),
        ]);
        items.push(json!({
            "at": note.at,
            "hub": note.hub,
            "pid": note.pid,
            "since": instant(note.since),
            "connectionStringFile": note.connection_string,
            "caFile": note.authority,
        }));
    }
    Answer::new("SimulatorList", now, items, table.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(at: &str) -> Note {
        Note {
            at: at.to_owned(),
            door: "127.0.0.1:1".to_owned(),
            hub: "h".to_owned(),
            pid: 1,
            since: Timestamp::UNIX_EPOCH,
            authority: "ca.pem".into(),
            connection_string: "connection-string".into(),
        }
    }

    #[test]
    fn one_is_found_by_itself_and_several_have_to_be_named() {
        let (one, other) = (note("127.0.0.1:8443"), note("127.0.0.1:9000"));
        let which = |running: &[Note], at: Option<&str>| {
            let at = AtArg { at: at.map(str::to_owned) };
            chosen(running, &at).map(|note| note.at.clone()).map_err(|failure| failure.exit.code())
        };
        let both = [one.clone(), other];
        assert_eq!(which(&[], None), Err(7));
        assert_eq!(which(&[one], None), Ok("127.0.0.1:8443".to_owned()));
        assert_eq!(which(&both, None), Err(2));
        assert_eq!(which(&both, Some("127.0.0.1:9000")), Ok("127.0.0.1:9000".to_owned()));
        assert_eq!(which(&both, Some("127.0.0.1:1")), Err(7));
    }

    #[test]
    fn what_does_not_run_is_not_found() {
        let place = tempfile::tempdir().unwrap();
        for (name, runs) in [("a", true), ("b", false)] {
            let folder = place.path().join(name);
            disk::ensure_dir(&folder).unwrap();
            note(name).write(&folder).unwrap();
            if runs {
                let held = FileLock::try_acquire(&folder.join(LOCK), "pid 1").unwrap();
                // For as long as the test's process lives.
                Box::leak(Box::new(held));
            }
        }
        disk::ensure_dir(&place.path().join("empty")).unwrap();
        let found: Vec<String> = running(place.path()).unwrap().into_iter().map(|note| note.at).collect();
        assert_eq!(found, ["a"]);
        assert_eq!(running(&place.path().join("nowhere")).unwrap(), []);
    }
}
