//! Opening, replacing and appending under the rules: no links, no foreign owners, private modes, whole files.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::DiskError;

/// Whose file it may be and who else may touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Ours, and nobody else may write to it: what we keep ourselves.
    Own,
    /// Ours, and nobody else may even read it: files with a secret.
    Secret,
    /// Ours or root's, and nobody else may write to it: `/etc/edgedeck`.
    Shared,
}

impl Access {
    fn check(self, path: &Path, owner: u32, mode: u32) -> Result<(), DiskError> {
        let euid = rustix::process::geteuid().as_raw();
        if owner != euid && !(self == Self::Shared && owner == 0) {
            return Err(DiskError::ForeignOwner { path: path.to_owned(), owner, euid });
        }
        let (forbidden, wanted) = match self {
            Self::Own | Self::Shared => (0o022, "go-w"),
            Self::Secret => (0o077, "600"),
        };
        if mode & forbidden != 0 {
            return Err(DiskError::OpenToOthers { path: path.to_owned(), mode: mode & 0o7777, wanted });
        }
        Ok(())
    }
}

/// Opens without following a link in the last component and without waiting for the other end of a pipe.
fn open(path: &Path, flags: OFlags, doing: &'static str) -> Result<File, DiskError> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
        Ok(descriptor) => Ok(File::from(descriptor)),
        Err(rustix::io::Errno::LOOP) => Err(DiskError::Link(path.to_owned())),
        Err(errno) => Err(DiskError::io(doing, path)(errno.into())),
    }
}

/// Checks what was opened, not what the name points at now.
fn check_file(file: &File, path: &Path, access: Access) -> Result<u64, DiskError> {
    let meta = file.metadata().map_err(DiskError::io("examine", path))?;
    if !meta.is_file() {
        return Err(DiskError::NotAFile(path.to_owned()));
    }
    access.check(path, meta.uid(), meta.mode())?;
    Ok(meta.len())
}

/// Whether a failure only says that there is nothing at that path.
fn missing(error: &DiskError) -> bool {
    matches!(error, DiskError::Io { source, .. }
        if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory))
}

/// Opens a regular file for reading; `None` when there is none.
///
/// # Errors
/// [`DiskError`] when it is a link, not a file, not allowed by `access`, or cannot be opened.
pub fn open_to_read(path: &Path, access: Access) -> Result<Option<File>, DiskError> {
    match open(path, OFlags::RDONLY, "open") {
        Ok(file) => check_file(&file, path, access).map(|_| Some(file)),
        Err(error) if missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a whole text file of at most `limit` bytes; `None` when there is none.
///
/// # Errors
/// As [`open_to_read`], and when it is too large or not UTF-8.
pub fn read_text(path: &Path, access: Access, limit: u64) -> Result<Option<String>, DiskError> {
    let Some(file) = open_to_read(path, access)? else { return Ok(None) };
    let mut bytes = Vec::new();
    // One byte more than allowed tells "too large" from "just fits", whatever the size said before.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(DiskError::io("read", path))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(DiskError::TooLarge { path: path.to_owned(), limit });
    }
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|error| DiskError::NotText { path: path.to_owned(), at: error.utf8_error().valid_up_to() })
}

/// Makes a folder and the missing ones above it, mode 0700, and checks that it is a folder of ours that nobody else
/// can write to.
///
/// # Errors
/// [`DiskError`] when it cannot be made, is a link, or is not ours alone to write to.
pub fn ensure_dir(path: &Path) -> Result<(), DiskError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| {
        // A link to nowhere reports "exists"; the true reason is the link.
        match fs::symlink_metadata(path) {
            Ok(meta) if meta.is_symlink() => DiskError::Link(path.to_owned()),
            _ => DiskError::io("create the folder", path)(source),
        }
    })?;
    let meta = fs::symlink_metadata(path).map_err(DiskError::io("examine", path))?;
    if meta.is_symlink() {
        return Err(DiskError::Link(path.to_owned()));
    }
    Access::Own.check(path, meta.uid(), meta.mode())
}

/// Makes the entries of a folder durable.
///
/// # Errors
/// [`DiskError::Io`].
pub fn sync_dir(path: &Path) -> Result<(), DiskError> {
    let folder = open(path, OFlags::RDONLY | OFlags::DIRECTORY, "open the folder")?;
    folder.sync_all().map_err(DiskError::io("make durable the folder", path))
}

/// Replaces the file at `path` by `bytes`: a temporary file beside it, fsync, rename, fsync of the folder. A reader,
/// or a crash at any point, sees the old file or the new one. The folder is made when missing; the mode is 0600.
///
/// # Errors
/// [`DiskError`]; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    ensure_dir(folder)?;
    // A file that we would not read is not one to replace either.
    open_to_read(path, Access::Own)?;
    let mut temporary = tempfile::Builder::new()
        .prefix(".edgedeck-")
        .suffix(".tmp")
        .tempfile_in(folder)
        .map_err(DiskError::io("create a temporary file beside", path))?;
    temporary.write_all(bytes).map_err(DiskError::io("write", path))?;
    temporary.as_file().sync_all().map_err(DiskError::io("make durable", path))?;
    temporary.persist(path).map_err(|failed| DiskError::io("replace", path)(failed.error))?;
    sync_dir(folder)
}

/// Opens a file for appending, made with mode 0600 when missing, in a folder that exists. Each write lands at the
/// end as it is then.
///
/// # Errors
/// As [`open_to_read`].
pub fn append_to(path: &Path) -> Result<File, DiskError> {
    let file = open(path, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE, "open")?;
    check_file(&file, path, Access::Own)?;
    Ok(file)
}

/// A file that is written for the first time, mode 0600. Half of one would be taken for a whole one later: until it is
/// kept, it is removed when it is dropped.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl NewFile {
    /// Makes the file, in a folder that exists.
    ///
    /// # Errors
    /// [`DiskError::Io`] when there is one of that name, or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, DiskError> {
        let file = open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, "create")?;
        Ok(Self { path: path.to_owned(), file, kept: false })
    }

    /// Writes it, makes it durable and keeps it; gives what `write` gives.
    ///
    /// # Errors
    /// [`DiskError::Io`]; there is no such file then.
    pub fn keep<T>(mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> Result<T, DiskError> {
        let mut out = BufWriter::new(&self.file);
        let written = write(&mut out).map_err(DiskError::io("write", &self.path))?;
        out.flush().map_err(DiskError::io("write", &self.path))?;
        drop(out);
        self.file.sync_all().map_err(DiskError::io("make durable", &self.path))?;
        self.kept = true;
        Ok(written)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes a file; a missing one is as good.
///
/// # Errors
/// [`DiskError::Io`].
pub fn remove(path: &Path) -> Result<(), DiskError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DiskError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Renames a file that cannot be used to `NAME.broken-STAMP`, so that nothing is lost and nothing reads it again.
/// Returns the new path.
///
/// # Errors
/// [`DiskError::Io`].
pub fn move_aside(path: &Path, stamp: &str) -> Result<PathBuf, DiskError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".broken-{stamp}"));
    let aside = path.with_file_name(name);
    fs::rename(path, &aside).map_err(DiskError::io("move aside", path))?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn folders_are_0700_and_files_0600() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b/c.json");
        replace(&path, b"{}").unwrap();
        assert_eq!(mode(&temp.path().join("a")), 0o700);
        assert_eq!(mode(&temp.path().join("a/b")), 0o700);
        assert_eq!(mode(&path), 0o600);
        append_to(&temp.path().join("a/log")).unwrap().write_all(b"x\n").unwrap();
        assert_eq!(mode(&temp.path().join("a/log")), 0o600);
        replace(&path, b"[]").unwrap();
        assert_eq!(read_text(&path, Access::Own, 10).unwrap().as_deref(), Some("[]"));
        let names: Vec<_> = fs::read_dir(temp.path().join("a/b")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["c.json"], "no temporary file stays behind");
    }

    #[test]
    fn links_are_refused_everywhere() {
        let temp = tempfile::tempdir().unwrap();
        let real = temp.path().join("real");
        fs::write(&real, "secret").unwrap();
        let link = temp.path().join("link");
        symlink(&real, &link).unwrap();
        assert!(matches!(read_text(&link, Access::Own, 10), Err(DiskError::Link(_))));
        assert!(matches!(append_to(&link), Err(DiskError::Link(_))));
        assert!(matches!(replace(&link, b"x"), Err(DiskError::Link(_))));
        assert_eq!(fs::read_to_string(&real).unwrap(), "secret");
        let folder_link = temp.path().join("folder");
        symlink(temp.path(), &folder_link).unwrap();
        assert!(matches!(ensure_dir(&folder_link), Err(DiskError::Link(_))));
        symlink(temp.path().join("nowhere"), temp.path().join("dangling")).unwrap();
        assert!(matches!(ensure_dir(&temp.path().join("dangling")), Err(DiskError::Link(_))));
    }

    #[test]
    fn what_is_open_to_others_is_refused_with_the_command_that_helps() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("f");
        for (bits, access, accepted) in [
            (0o600, Access::Secret, true),
            (0o400, Access::Secret, true),
            (0o640, Access::Secret, false),
            (0o604, Access::Secret, false),
            (0o644, Access::Own, true),
            (0o664, Access::Own, false),
            (0o646, Access::Shared, false),
        ] {
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
            let outcome = read_text(&path, access, 10);
            assert_eq!(outcome.is_ok(), accepted, "{bits:o} {access:?}");
            if let Err(error) = outcome {
                assert!(error.to_string().contains("chmod"), "{error}");
            }
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn owners_are_compared_with_the_effective_uid() {
        let euid = rustix::process::geteuid().as_raw();
        let path = Path::new("f");
        assert!(Access::Own.check(path, euid, 0o600).is_ok());
        assert!(matches!(Access::Own.check(path, euid + 1, 0o600), Err(DiskError::ForeignOwner { .. })));
        assert!(matches!(Access::Secret.check(path, euid + 1, 0o600), Err(DiskError::ForeignOwner { .. })));
        assert!(Access::Shared.check(path, 0, 0o644).is_ok());
        assert!(matches!(Access::Shared.check(path, euid + 1, 0o644), Err(DiskError::ForeignOwner { .. })));
    }

    #[test]
    fn odd_files_do_not_hang_or_flood_the_reader() {
        let temp = tempfile::tempdir().unwrap();
        assert!(matches!(read_text(temp.path(), Access::Own, 10), Err(DiskError::NotAFile(_))));
        let pipe = temp.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
        assert!(matches!(read_text(&pipe, Access::Own, 10), Err(DiskError::NotAFile(_))));
        let path = temp.path().join("f");
        fs::write(&path, "0123456789a").unwrap();
        assert!(matches!(read_text(&path, Access::Own, 10), Err(DiskError::TooLarge { .. })));
        fs::write(&path, [b'o', b'k', 0xff]).unwrap();
        assert!(matches!(read_text(&path, Access::Own, 10), Err(DiskError::NotText { at: 2, .. })));
        assert!(read_text(&temp.path().join("none/such"), Access::Own, 10).unwrap().is_none());
    }

    #[test]
    fn a_broken_file_keeps_its_bytes_under_another_name() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("view.json");
        fs::write(&path, "{").unwrap();
        let aside = move_aside(&path, "20260102T030405Z").unwrap();
        assert_eq!(aside.file_name().unwrap(), "view.json.broken-20260102T030405Z");
        assert_eq!(fs::read_to_string(aside).unwrap(), "{");
        assert!(!path.exists());
    }
}
