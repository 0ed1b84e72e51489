//! The simulated hub as the console sees it: what its page shows, its switches, and the private files through which
//! other programs reach it while the console runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::disk::{self, FileLock, LockAttempt};
use crate::sim::Sim;
use crate::tui::msg::Msg;
use crate::tui::notices::Severity;

/// What the names of our folders begin with.
const PREFIX: &str = "edgedeck-sim-";
/// In each of them; held while its console runs.
const LOCK: &str = "lock";

/// The simulated hub and the files that lead to it. The files go with the last handle.
#[derive(Debug, Clone)]
pub struct Simulator {
    sim: Arc<Sim>,
    files: Option<Arc<AccessFiles>>,
}

impl Simulator {
    /// The hub without files: tests need none.
    #[must_use]
    pub fn new(sim: Arc<Sim>) -> Self {
        Self { sim, files: None }
    }

    /// The hub, its authority's certificate and its connection string in a private folder of their own.
    ///
    /// # Errors
    /// A sentence when they cannot be written.
    pub fn with_files(sim: Arc<Sim>) -> Result<Self, String> {
        let files = AccessFiles::write(&sim, &std::env::temp_dir())
            .map_err(|error| format!("the simulated hub's files could not be written: {error}"))?;
        Ok(Self { sim, files: Some(Arc::new(files)) })
    }

    /// Throws a switch, if the text names one, and says what the page shows afterwards. May take a while: the world
    /// is brought up to date first.
    #[must_use]
    pub fn run(&self, text: &str) -> Vec<Msg> {
        let mut messages = Vec::new();
        if !text.is_empty() {
            let first = |answer: &str| answer.lines().next().unwrap_or_default().to_owned();
            messages.push(match self.sim.command(text) {
                Ok(answer) => Msg::Say(Severity::Info, first(&answer)),
                Err(why) => Msg::Say(Severity::Warning, first(&why)),
            });
        }
        messages.push(Msg::Simulator(self.page()));
        messages
    }

    /// The page, line by line.
    fn page(&self) -> Vec<String> {
        let status = self.sim.status();
        let mut lines = vec![
            format!("hub  {}", status.hub),
            format!("endpoint  {}", status.endpoint),
            format!("devices  {}", status.devices),
            format!("requests served  {}", status.served),
            format!(
                "network  {}",
                if status.faults.hub_on { "on (:sim hub off)" } else { "OFF: requests hang (:sim hub on)" }
            ),
            format!("latency  {} ms added (:sim latency 300ms)", status.faults.latency.as_millis()),
            String::new(),
        ];
        if let Some(files) = &self.files {
            lines.push(format!("authority (CA)  {}", files.authority.display()));
            lines.push(format!("connection string  {}", files.connection_string.display()));
            lines.push(String::new());
        }
        lines.push("Any client that speaks to IoT Hub can use it. To be somebody else who changes a twin:".to_owned());
        lines.push(":sim touch edge-gateway-001/temperatureFilter".to_owned());
        if let Some(files) = &self.files {
            let program =
                std::env::current_exe().map_or_else(|_| "edgedeck".to_owned(), |path| path.display().to_string());
            lines.extend([
                "or, in another terminal:".to_owned(),
                format!("'{program}' \\"),
                format!("--connection-string-file '{}' \\", files.connection_string.display()),
                format!("--ca-file '{}' \\", files.authority.display()),
                "twin patch edge-gateway-001/temperatureFilter \\".to_owned(),
                "--desired '{\"temperatureThreshold\": 28.0}' --yes".to_owned(),
            ]);
        }
        lines
    }
}

/// A private folder that goes with this value; the lock in it tells other consoles that somebody uses it.
#[derive(Debug)]
struct AccessFiles {
    authority: PathBuf,
    connection_string: PathBuf,
    // Dropped in this order: the lock's file is inside the folder.
    _lock: FileLock,
    _folder: TempDir,
}

impl AccessFiles {
    fn write(sim: &Sim, temp: &Path) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        sweep(temp);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(temp)?;
        let holder = format!("pid {}", std::process::id());
        let LockAttempt::Held(lock) = FileLock::try_acquire(&folder.path().join(LOCK), &holder)? else {
            return Err("somebody else uses a folder that was made just now".into());
        };
        let authority = folder.path().join("ca.pem");
        disk::replace(&authority, sim.ca_pem().as_bytes())?;
        let connection_string = folder.path().join("connection-string");
        disk::replace(&connection_string, sim.connection_string().expose().as_bytes())?;
        Ok(Self { authority, connection_string, _lock: lock, _folder: folder })
    }
}

/// Removes what consoles left that were killed: folders of ours whose lock nobody holds. One that cannot be looked at
/// or removed stays; the next console tries again.
fn sweep(temp: &Path) {
    let Ok(entries) = std::fs::read_dir(temp) else { return };
    for folder in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let lock = folder.path().join(LOCK);
        // Without a lock yet it may be another console's that is being made at this moment.
        if lock.exists()
            && let Ok(LockAttempt::Held(held)) = FileLock::try_acquire(&lock, "sweeping")
        {
            let _ = std::fs::remove_dir_all(folder.path());
            drop(held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let temp = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = temp.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            folder
        };
        let (dead, living, young, other) = (
            folder("edgedeck-sim-dead"),
            folder("edgedeck-sim-living"),
            folder("edgedeck-sim-young"),
            folder("somebody-elses"),
        );
        disk::replace(&dead.join("connection-string"), b"HostName=h").unwrap();
        let left = FileLock::try_acquire(&dead.join(LOCK), "pid 1").unwrap();
        // Killed: the descriptor closes, and the file stays.
        std::mem::drop(left);
        std::fs::write(dead.join(LOCK), "pid 1").unwrap();
        let LockAttempt::Held(_held) = FileLock::try_acquire(&living.join(LOCK), "pid 2").unwrap() else {
            panic!("busy")
        };
        sweep(temp.path());
        assert!(!dead.exists());
        for kept in [living, young, other] {
            assert!(kept.exists(), "{}", kept.display());
        }
    }
}
