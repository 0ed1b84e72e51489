//! The rules of every file edgedeck reads or writes, in one place (console-ux ).
//!
//! Folders are made 0700 and files 0600; links are not followed and foreign files are refused; a file is replaced
//! as a whole or not at all; two processes keep out of each other's way by advisory locks. Depends on nothing of
//! ours. Unix only: owners, modes and `O_NOFOLLOW` are the point. Every call blocks: keep them away from the thread
//! that draws.

mod files;
mod lock;
mod name;

pub use files::{
    Access, NewFile, append_to, ensure_dir, move_aside, open_to_read, read_text, remove, replace, sync_dir,
};
pub use lock::{FileLock, LockAttempt};
pub use name::file_name;

use std::io;
use std::path::PathBuf;

/// Why a file was not read or written. Every text says what, which file, why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The operating system refused.
    #[error("could not {doing} {}: {source}{}", .path.display(), advice(.source))]
    Io {
        /// A verb phrase: `create the folder`.
        doing: &'static str,
        /// Which file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A symbolic link stands where a file or folder of ours belongs.
    #[error("{} is a symbolic link; edgedeck does not follow links here, put the file itself in its place", .0.display())]
    Link(PathBuf),
    /// A pipe, a device or a folder stands where a file belongs.
    #[error("{} is not a regular file; move it away", .0.display())]
    NotAFile(PathBuf),
    /// The file belongs to somebody else.
    #[error("{} belongs to uid {owner}, not to you (uid {euid}); use a file \
             of your own, or correct the owner with chown", .path.display())]
    ForeignOwner {
        /// Which file or folder.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who asks: the effective uid.
        euid: u32,
    },
    /// Others may read or write what only the owner may.
    #[error("{} is open to others (mode {mode:04o}); run: chmod {wanted} '{}'", .path.display(), .path.display())]
    OpenToOthers {
        /// Which file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The argument for chmod that makes it acceptable.
        wanted: &'static str,
    },
    /// More bytes than a file of this kind ever has.
    #[error("{} is larger than {limit} bytes; it is not a file edgedeck wrote, move it away", .path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// The bytes are not UTF-8.
    #[error("{} is not UTF-8 text (at byte {at}); correct it or move it away", .path.display())]
    NotText {
        /// Which file.
        path: PathBuf,
        /// Offset of the first bad byte.
        at: usize,
    },
}

impl DiskError {
    fn io(doing: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}

const NO_LOCKS: &str = "; this file system knows no locks, point EDGEDECK_STATE_DIR at a local disk";

/// What helps against the refusals an operator meets on a jump host.
fn advice(source: &io::Error) -> &'static str {
    // The kernel's word for a network file system without a lock service has no kind of its own.
    if source.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error()) {
        return NO_LOCKS;
    }
    match source.kind() {
        io::ErrorKind::Unsupported => NO_LOCKS,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space, or point EDGEDECK_STATE_DIR at another disk"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; point EDGEDECK_STATE_DIR at a folder that can be written",
        io::ErrorKind::PermissionDenied => "; check the owner and mode of the folders above it",
        _ => "",
    }
}
