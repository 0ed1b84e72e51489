//! The product: how it is started, where it keeps things, and a colleague who uses its simulated hub at the same time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use edgedeck::app::SystemClock;
use edgedeck::domain::ids::{DeviceId, ModuleId, TwinId};
use edgedeck::domain::twin::Twin;
use edgedeck::hub::{ConnectionString, Hub, HubSettings, Trust};
use serde_json::Value;

use crate::harness::Pty;
use crate::launch::Launch;

/// The device of the guide; in every default world, with no tags and nothing wrong.
pub const GATEWAY: &str = "edge-gateway-001";

/// The `edgedeck` binary with `args`, in a terminal of 120 by 36.
pub fn edgedeck(args: &[&str]) -> Launch {
    let binary =
        std::env::var_os("EDGEDECK_PTY_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_edgedeck").into(), PathBuf::from);
    Launch::new(&binary).args(args).size(120, 36)
}

/// The console on a simulated hub of its own, with the whole fleet on screen.
pub fn simulated() -> Pty {
    with_fleet(&edgedeck(&["--sim"]))
}

/// Starts `launch` and waits for the fleet: the words of the worst device are the last thing to arrive.
pub fn with_fleet(launch: &Launch) -> Pty {
    let mut pty = launch.start();
    pty.wait_for(GATEWAY);
    pty.wait_for("failed");
    pty
}

/// Types a command line and runs it.
pub fn command(pty: &mut Pty, line: &str) {
    pty.send(":");
    pty.wait_for("Commands");
    // Enter runs what is typed, so it must have arrived as one line.
    pty.send(line);
    pty.wait_for(&format!(":{line}"));
    pty.send("\r");
    pty.wait_gone("Commands");
}

/// Where the console keeps state.
pub fn state(pty: &Pty) -> PathBuf {
    pty.home().join(".local/state/edgedeck")
}

/// A file of the running simulated hub: `ca.pem` or `connection-string`.
pub fn sim_file(pty: &Pty, name: &str) -> PathBuf {
    let folders = std::fs::read_dir(state(pty).join("run/sim")).unwrap().map(|entry| entry.unwrap().path());
    let mut found = folders.map(|folder| folder.join(name)).filter(|path| path.exists());
    let file = found.next().expect("the simulated hub's folder");
    assert_eq!(found.next(), None, "one simulated hub at a time");
    file
}

/// Every file and folder below `root`.
pub fn everything_below(root: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path.clone());
            }
            all.push(path);
        }
    }
    all
}

/// Somebody else with rights on the same hub, over HTTPS.
pub struct Colleague {
    runtime: tokio::runtime::Runtime,
    hub: Hub,
}

impl Colleague {
    /// Uses the access that the running console wrote for others.
    pub fn of(pty: &Pty) -> Self {
        let text = std::fs::read_to_string(sim_file(pty, "connection-string")).unwrap();
        let (endpoint, credential) = ConnectionString::parse(text.trim()).unwrap().into_parts();
        let mut settings = HubSettings::new(endpoint, credential);
        settings.trust = Trust::Only(std::fs::read(sim_file(pty, "ca.pem")).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let hub = {
            let _guard = runtime.enter();
            Hub::connect(settings, Arc::new(SystemClock::start())).unwrap()
        };
        Self { runtime, hub }
    }

    /// The twin as it is now.
    pub fn twin(&self, id: &TwinId) -> Twin {
        self.runtime.block_on(self.hub.read.twin(id)).unwrap()
    }

    /// Writes desired properties, as carefully as anybody should.
    pub fn write(&self, id: &TwinId, desired: &Value) -> Twin {
        let write = self.hub.write.as_ref().unwrap();
        let patch = serde_json::json!({"properties": {"desired": desired}});
        self.runtime.block_on(write.patch_twin(id, &patch, &self.twin(id).etag)).unwrap()
    }
}

/// The twin that the story changes.
pub fn filter_twin() -> TwinId {
    TwinId::module(DeviceId::parse(GATEWAY).unwrap(), ModuleId::parse("temperatureFilter").unwrap())
}
