//! What is wrong in a configuration file or variable: where, what, and what would be right. A finding never stops
//! the program; everything else in the file applies (console-ux T-4).

use std::fmt;
use std::path::{Path, PathBuf};

use crate::domain::text::Shown;

/// A place in a file: line and column count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which file.
    pub file: PathBuf,
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// Column, from 1; 0 for the line or file as a whole.
    pub column: usize,
}

impl Place {
    /// The place of byte `offset` in `text`.
    pub(super) fn at(file: &Path, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { file: file.to_owned(), line, column }
    }

    /// The file as a whole.
    pub(super) fn whole(file: &Path) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Shown::sanitise(&self.file.to_string_lossy()))?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        Ok(())
    }
}

/// Where a bad value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// In a file.
    File(Place),
    /// In an environment variable of that name.
    Environment(&'static str),
    /// On the command line.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(place) => place.fmt(f),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub source: Source,
    /// Which setting, dotted; empty when the file as a whole is meant.
    pub key: String,
    /// What is wrong; may quote the file, sanitised by `Display`.
    pub problem: String,
    /// What would be right, when that can be listed.
    pub allowed: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.source)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", Shown::sanitise(&self.key))?;
        }
        write!(f, "{}", Shown::sanitise(&self.problem))?;
        match &self.allowed {
            Some(allowed) => write!(f, "; allowed: {}", Shown::sanitise(allowed)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let text = "a = 1\nä = \"x\"\n";
        for (offset, line, column) in [(0, 1, 1), (4, 1, 5), (6, 2, 1), (8, 2, 2), (999, 3, 1)] {
            let place = Place::at(Path::new("f"), text, offset);
            assert_eq!((place.line, place.column), (line, column), "{offset}");
        }
    }

    #[test]
    fn a_finding_reads_like_a_compilers_message_and_is_sanitised() {
        let finding = Finding {
            source: Source::File(Place { file: "config.toml".into(), line: 3, column: 9 }),
            key: "ui.color".into(),
            problem: "\"\u{1b}[2J\" is not a colour depth".into(),
            allowed: Some("auto, none".into()),
        };
        assert_eq!(
            finding.to_string(),
            "config.toml:3:9: ui.color: \"^[[2J\" is not a colour depth; allowed: auto, none"
        );
    }
}
