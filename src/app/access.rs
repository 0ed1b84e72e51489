//! The private files through which other programs reach a simulator while it runs: the certificate of its authority, the
//! connection strings of its policies, and a note about itself by which `edgedeck sim` finds it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;

use crate::cli::sim::{FOLDER, LOCK, Note, of_policy};
use crate::disk::{self, FileLock, LockAttempt};
use crate::sim::Sim;

/// What the names of our folders begin with.
const PREFIX: &str = "edgedeck-sim-";

/// A private folder that goes with this value; the lock in it tells others that somebody uses it.
#[derive(Debug)]
pub(super) struct AccessFiles {
    authority: PathBuf,
    connection_string: PathBuf,
    // Dropped in this order: the lock's file is inside the folder.
    _lock: FileLock,
    _folder: TempDir,
}

impl AccessFiles {
    /// Writes them into a folder of their own below `runtime`, and removes what killed simulators left there.
    ///
    /// # Errors
    /// A sentence when they cannot be written.
    pub(super) fn write(sim: &Sim, runtime: &Path, now: Timestamp) -> Result<Self, String> {
        let folder = runtime.join(FOLDER);
        Self::write_in(sim, &folder, now)
            .map_err(|error| format!("the simulated hub's files could not be written in {}: {error}", folder.display()))
    }

    fn write_in(sim: &Sim, place: &Path, now: Timestamp) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        disk::ensure_dir(place)?;
        sweep(place);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?;
        let holder = format!("pid {}", std::process::id());
        let LockAttempt::Held(lock) = FileLock::try_acquire(&folder.path().join(LOCK), &holder)? else {
            return Err("somebody else uses a folder that was made just now".into());
        };
        let authority = folder.path().join("ca.pem");
        disk::replace(&authority, sim.ca_pem().as_bytes())?;
        let connection_string = folder.path().join("connection-string");
        disk::replace(&connection_string, sim.connection_string().expose().as_bytes())?;
        for policy in sim.hub().policies() {
            if let Some(secret) = sim.connection_string_of(policy) {
                disk::replace(&of_policy(&connection_string, policy), secret.expose().as_bytes())?;
            }
        }
        let note = Note {
            at: sim.host(),
            door: sim.door(),
            hub: sim.hub().name().to_owned(),
            pid: std::process::id(),
            since: now,
            authority: authority.clone(),
            connection_string: connection_string.clone(),
        };
        // Last, so that whoever finds it finds the others.
        note.write(folder.path())?;
        Ok(Self { authority, connection_string, _lock: lock, _folder: folder })
    }

    /// The PEM file that clients must trust.
    pub(super) fn authority(&self) -> &Path {
        &self.authority
    }

    /// The file with the owner's connection string.
    pub(super) fn connection_string(&self) -> &Path {
        &self.connection_string
    }
}

/// Removes what programs left that were killed: folders of ours whose lock nobody holds. One that cannot be looked at
/// or removed stays; the next one tries again.
fn sweep(place: &Path) {
    let Ok(entries) = std::fs::read_dir(place) else { return };
    for folder in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let lock = folder.path().join(LOCK);
        // Without a lock yet it may be another one's that is being made at this moment.
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
        // What somebody else's link leads to is not touched.
        std::os::unix::fs::symlink(&other, temp.path().join("edgedeck-sim-link")).unwrap();
        std::fs::write(other.join(LOCK), "mine").unwrap();
        sweep(temp.path());
        assert_eq!(std::fs::read_to_string(other.join(LOCK)).unwrap(), "mine");
        for kept in [living, young, other] {
            assert!(kept.exists(), "{}", kept.display());
        }
    }
}
