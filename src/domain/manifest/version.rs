//! Schema versions as .NET reads them: two to four numbers, compared from the left, a missing one below zero.

/// A schema version: `1.1` or `1.1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SchemaVersion {
    /// Major, minor, build, revision; -1 where none was written.
    parts: [i32; 4],
}

/// Why a text is no version, in the words of .NET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VersionError(pub(super) String);

impl SchemaVersion {
    pub(super) const fn new(major: i32, minor: i32, build: i32) -> Self {
        Self { parts: [major, minor, build, -1] }
    }

    pub(super) fn parse(text: &str) -> Result<Self, VersionError> {
        let pieces: Vec<&str> = text.split('.').collect();
        if !(2..=4).contains(&pieces.len()) {
            return Err(VersionError(
                "Version string portion was too short or too long. (Parameter 'input')".to_owned(),
            ));
        }
        let mut parts = [-1; 4];
        for (part, piece) in parts.iter_mut().zip(pieces) {
            let number: i32 = piece.trim().parse().map_err(|_no_number| {
                VersionError(format!("The input string '{piece}' was not in a correct format."))
            })?;
            if number < 0 {
                return Err(VersionError(
                    "Version's parameters must be greater than or equal to zero. (Parameter 'input')".to_owned(),
                ));
            }
            *part = number;
        }
        Ok(Self { parts })
    }

    pub(super) fn major(self) -> i32 {
        let [major, ..] = self.parts;
        major
    }

    pub(super) fn minor(self) -> i32 {
        let [_, minor, ..] = self.parts;
        minor
    }
}

impl std::fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let written: Vec<String> = self.parts.iter().filter(|part| **part >= 0).map(ToString::to_string).collect();
        f.write_str(&written.join("."))
    }
}
