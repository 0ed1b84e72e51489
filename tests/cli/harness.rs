//! One simulated hub, one home folder, and the binary run in them with nothing of the caller's environment.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use edgedeck::app::SystemClock;
use edgedeck::domain::time::ManualClock;
use edgedeck::sim::{Scenario, Seed, Sim, SimOptions, start};
use serde_json::Value;

/// The simulated world's present; it stands still, so that everything but ages is the same in every run.
pub const NOW: &str = "2026-03-04T10:00:00Z";

/// The twin that most tests are about.
pub const TWIN: &str = "edge-gateway-001/temperatureFilter";

/// A hub and a home.
pub struct World {
    pub sim: Sim,
    /// Time at the hub and its devices.
    pub clock: Arc<ManualClock>,
    home: tempfile::TempDir,
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The items of a JSON answer of `kind`.
    pub fn items(&self, kind: &str) -> Vec<Value> {
        assert_eq!(self.code, 0, "{}", self.err);
        let answer: Value = serde_json::from_str(&self.out).unwrap();
        assert_eq!((answer["apiVersion"].as_str(), answer["kind"].as_str()), (Some("edgedeck/v1"), Some(kind)));
        assert!(answer["asOf"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        answer["items"].as_array().unwrap().clone()
    }
}

impl World {
    /// The default fleet.
    pub async fn start() -> Self {
        Self::of(Scenario::Default).await
    }

    /// The world of a scenario file, whose text is `toml`.
    pub async fn written(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("world.toml");
        fs::write(&path, toml).unwrap();
        Self::of(Scenario::open(path.to_str().unwrap()).unwrap()).await
    }

    /// One of the worlds that come along, or one that was read.
    pub async fn of(scenario: Scenario) -> Self {
        let clock = ManualClock::at(NOW.parse().unwrap());
        // The binary signs by real time.
        let options = SimOptions {
            scenario,
            real_clock: Arc::new(SystemClock::start()),
            seed: Seed::fixed(7),
            ..SimOptions::new(clock.clone())
        };
        let world = Self { sim: start(options).await.unwrap(), clock, home: tempfile::tempdir().unwrap() };
        world.file("ca.pem", world.sim.ca_pem(), 0o644);
        world.file("hub.cs", world.sim.connection_string().expose(), 0o600);
        world
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file below the home folder.
    pub fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// Flags that name the simulated hub as any other hub.
    pub fn access(&self) -> [String; 4] {
        let path = |name: &str| self.home().join(name).display().to_string();
        ["--connection-string-file".to_owned(), path("hub.cs"), "--ca-file".to_owned(), path("ca.pem")]
    }

    /// The binary in this home, for a test that adds flags or variables of its own.
    pub fn command(&self, args: &[&str]) -> assert_cmd::Command {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_edgedeck"));
        command.env_clear().env("HOME", self.home()).env("PATH", self.home()).env("USER", "ana");
        command.args(args).timeout(Duration::from_secs(60));
        command
    }

    /// Runs the binary on the simulated hub.
    pub fn run(&self, args: &[&str]) -> Ran {
        ran(self.command(args).args(self.access()))
    }

    /// The desired properties of [`TWIN`] as the hub has them.
    pub fn desired(&self) -> Value {
        self.run(&["twin", "get", TWIN, "-o", "json"]).items("Twin")[0]["properties"]["desired"].clone()
    }

    /// The ETag of [`TWIN`].
    pub fn etag(&self) -> String {
        self.run(&["twin", "get", TWIN, "-o", "json"]).items("Twin")[0]["etag"].as_str().unwrap().to_owned()
    }
}

/// Runs `command` to its end; nothing it does may take a minute.
pub fn ran(command: &mut assert_cmd::Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or_else(|| panic!("killed, because it took too long: {output:?}")),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Snapshot filters: what differs from run to run. The world stands still, so ages grow with the calendar.
pub fn steady(test: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r" +\d+ (s|m|h|d|seconds?|minutes?|hours?|days?)\b", " [age]");
    settings.add_filter(r"(\S) {2,}", "$1  ");
    settings.add_filter(r#""asOf": "[^"]+""#, r#""asOf": "[now]""#);
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[op]");
    settings.bind(test);
}
