//! Connection strings come from a file or from standard input, never from the command line (console-ux ).

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;

use crate::disk::{Access, DiskError, read_text};
use crate::domain::secret::Secret;

/// Ten times the longest connection string.
const LIMIT: u64 = 4 * 1024;

/// Where a connection string is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// A file of ours that nobody else can read.
    File(PathBuf),
    /// Standard input, to its end.
    Stdin,
}

impl SecretSource {
    /// The value of `--connection-string-file`: a path, or `-`.
    #[must_use]
    pub fn from_argument(argument: impl Into<PathBuf>) -> Self {
        let path = argument.into();
        if path.as_os_str() == "-" { Self::Stdin } else { Self::File(path) }
    }
}

/// Why no connection string was read.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file is not private, not ours, or not readable.
    #[error("the connection string was not read: {0}")]
    Disk(#[from] DiskError),
    /// There is no such file.
    #[error("there is no connection string file {}; write one with: umask 077; cat > '{}'", .0.display(), .0.display())]
    Missing(PathBuf),
    /// Standard input failed or was no text.
    #[error("the connection string was not read from standard input: {0}")]
    Stdin(#[source] std::io::Error),
    /// It holds nothing, or more than a connection string.
    #[error("{whence} holds {what}; expected one line: HostName=...;SharedAccessKeyName=...;SharedAccessKey=...")]
    Shape {
        /// The file, or standard input.
        whence: String,
        /// `nothing`, `more than one line`.
        what: &'static str,
    },
}

/// Reads a connection string. A file must be regular, ours, and closed to group and others. Blank lines and lines
/// that start with `#` are passed over. What is in the string is for the hub's module to judge.
///
/// # Errors
/// [`SecretFileError`], which never quotes the content.
pub fn read_connection_string(source: &SecretSource, stdin: &mut dyn Read) -> Result<Secret, SecretFileError> {
    let (text, whence) = match source {
        SecretSource::File(path) => {
            let text = read_text(path, Access::Secret, LIMIT)?;
            (text.ok_or_else(|| SecretFileError::Missing(path.clone()))?, path.display().to_string())
        }
        SecretSource::Stdin => {
            let mut text = String::new();
            stdin.take(LIMIT).read_to_string(&mut text).map_err(SecretFileError::Stdin)?;
            (text, "standard input".to_owned())
        }
    };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match (lines.next(), lines.next()) {
        (Some(line), None) => Ok(Secret::new(line)),
        (None, _) => Err(SecretFileError::Shape { whence, what: "nothing" }),
        (Some(_), Some(_)) => Err(SecretFileError::Shape { whence, what: "more than one line" }),
    }
}

/// Refuses a command line that carries a key; the text says why and what to do. Call it before anything else, and
/// print nothing of the arguments.
#[must_use]
pub fn refuse_key_in_arguments(arguments: &[OsString]) -> Option<&'static str> {
    arguments
        .iter()
        .any(|argument| argument.to_string_lossy().to_ascii_lowercase().contains("sharedaccesskey="))
        .then_some(
            "a connection string stands on the command line, where every user of this machine can read it and the \
             shell's history keeps it; nothing was done. Treat the key as exposed and rotate it. Then give edgedeck \
             a file (--connection-string-file PATH, mode 0600), standard input (--connection-string-file -), or a context.",
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const STRING: &str = "HostName=h.azure-devices.net;SharedAccessKeyName=p;SharedAccessKey=a2V5";

    fn read(source: &SecretSource) -> Result<String, String> {
        read_connection_string(source, &mut STRING.as_bytes())
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_private_file_and_stdin_are_read() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("cs");
        fs::write(&path, format!("# production\n\n{STRING}\r\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&SecretSource::from_argument(&path)).as_deref(), Ok(STRING));
        assert_eq!(SecretSource::from_argument("-"), SecretSource::Stdin);
        assert_eq!(read(&SecretSource::Stdin).as_deref(), Ok(STRING));
    }

    #[test]
    fn anything_else_is_refused_with_a_way_out_and_without_the_content() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("cs");
        let source = SecretSource::File(path.clone());
        for (content, mode, expected) in [
            (STRING, 0o640, "chmod 600"),
            (STRING, 0o604, "chmod 600"),
            ("", 0o600, "holds nothing"),
            ("# only\n", 0o600, "holds nothing"),
            ("a;SharedAccessKey=a2V5\nb\n", 0o600, "more than one line"),
        ] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let text = read(&source).unwrap_err();
            assert!(text.contains(expected) && !text.contains("a2V5"), "{text}");
        }
        let link = temp.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(read(&SecretSource::File(link)).unwrap_err().contains("symbolic link"));
        fs::remove_file(&path).unwrap();
        assert!(read(&source).unwrap_err().contains("umask 077"));
    }

    #[test]
    fn a_key_among_the_arguments_is_refused() {
        let arguments = |list: &[&str]| list.iter().map(OsString::from).collect::<Vec<_>>();
        for list in [&["edgedeck", "-l", STRING][..], &["edgedeck", "--x=sharedaccesskey=YQ=="]] {
            let text = refuse_key_in_arguments(&arguments(list)).unwrap();
            assert!(text.contains("rotate") && !text.contains("a2V5"));
        }
        assert_eq!(refuse_key_in_arguments(&arguments(&["edgedeck", "--connection-string-file", "-"])), None);
    }
}
