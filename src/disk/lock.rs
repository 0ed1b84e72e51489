//! Advisory locks between edgedeck processes of one machine, with the holder's name in the lock file.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files::{Access, append_to, ensure_dir, open_to_read};
use super::{DiskError, remove};

/// Longest holder text that is read back.
const HOLDER: u64 = 200;

/// A lock that is held until it is dropped, or until the process ends in any way.
#[derive(Debug)]
pub struct FileLock {
    path: PathBuf,
    // Closing the descriptor is what releases the lock.
    _file: File,
}

/// What came of trying to lock.
#[derive(Debug)]
pub enum LockAttempt {
    /// The lock is ours.
    Held(FileLock),
    /// Somebody else has it; the text is the holder's own, raw, empty when it wrote none.
    Busy(String),
}

impl FileLock {
    /// Tries to lock the file at `path` (made when missing, as is its folder) and writes `holder` into it. Never
    /// waits.
    ///
    /// # Errors
    /// [`DiskError`] when the lock file cannot be opened or the file system knows no locks.
    pub fn try_acquire(path: &Path, holder: &str) -> Result<LockAttempt, DiskError> {
        if let Some(folder) = path.parent() {
            ensure_dir(folder)?;
        }
        loop {
            let mut file = append_to(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Ok(LockAttempt::Busy(read_holder(file)));
                }
                Err(TryLockError::Error(source)) => return Err(DiskError::io("lock", path)(source)),
            }
            // The last holder removes the file: a lock on a removed file would keep nobody out.
            let same = match (file.metadata(), std::fs::symlink_metadata(path)) {
                (Ok(ours), Ok(named)) => ours.ino() == named.ino() && ours.dev() == named.dev(),
                _ => false,
            };
            if !same {
                continue;
            }
            file.set_len(0).and_then(|()| file.rewind()).map_err(DiskError::io("write", path))?;
            file.write_all(holder.as_bytes()).map_err(DiskError::io("write", path))?;
            return Ok(LockAttempt::Held(Self { path: path.to_owned(), _file: file }));
        }
    }

    /// Who holds the lock at `path`, without taking it and without making anything; `None` when nobody does.
    ///
    /// # Errors
    /// [`DiskError`] when the lock file is not ours or cannot be read.
    pub fn holder(path: &Path) -> Result<Option<String>, DiskError> {
        let Some(file) = open_to_read(path, Access::Own)? else { return Ok(None) };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(read_holder(file))),
            Err(TryLockError::Error(source)) => Err(DiskError::io("lock", path)(source)),
        }
    }
}

/// What the holder wrote. It may be writing just now: an empty name is still an answer.
fn read_holder(file: File) -> String {
    let mut bytes = Vec::new();
    let _ = file.take(HOLDER).read_to_end(&mut bytes);
    let name = String::from_utf8_lossy(&bytes).trim().to_owned();
    if name.is_empty() { "another process".to_owned() } else { name }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // While still held, so that nobody locks the file between removal and release.
        let _ = remove(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_learns_who_the_first_is_and_gets_its_turn() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("locks/draft.lock");
        let LockAttempt::Held(first) = FileLock::try_acquire(&path, "pid 1 pts/3").unwrap() else { panic!("busy") };
        let LockAttempt::Busy(holder) = FileLock::try_acquire(&path, "pid 2").unwrap() else { panic!("held twice") };
        assert_eq!(holder, "pid 1 pts/3");
        assert_eq!(FileLock::holder(&path).unwrap().as_deref(), Some("pid 1 pts/3"));
        drop(first);
        assert!(!path.exists());
        assert_eq!(FileLock::holder(&path).unwrap(), None);
        assert!(matches!(FileLock::try_acquire(&path, "pid 2").unwrap(), LockAttempt::Held(_)));
    }

    #[test]
    fn a_lock_file_left_by_a_dead_process_locks_nobody_out() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("draft.lock");
        drop(append_to(&path).unwrap());
        std::fs::write(&path, "pid 1, killed").unwrap();
        assert!(matches!(FileLock::try_acquire(&path, "pid 2").unwrap(), LockAttempt::Held(_)));
    }
}
