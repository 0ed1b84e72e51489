//! Reading TOML files an operator writes (themes, keymaps): what is wrong with them and where, while the rest applies.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::domain::text::{Shown, Untrusted};

/// Where in a file something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name as the operator knows it.
    pub file: Untrusted,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Allowed, and worth knowing.
    Note,
    /// Something in the file was ignored; the rest applies.
    Warning,
}

/// One thing wrong, or worth knowing, about a theme or keymap file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// Where it is.
    pub place: Place,
    /// What it is and what to do, in one sentence.
    pub message: Untrusted,
}

impl Finding {
    /// `mine.toml:3:5: warning: …`, as it may be drawn or printed.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let Place { file, line, column } = &self.place;
        let level = match self.level {
            Level::Note => "note",
            Level::Warning => "warning",
        };
        Shown::sanitise(&format!("{}:{line}:{column}: {level}: {}", file.raw(), self.message.raw()))
    }
}

/// A file being read: its text, and what was found in it so far.
#[derive(Debug)]
pub(super) struct Reading<'t> {
    file: Untrusted,
    text: &'t str,
    findings: Vec<Finding>,
}

impl<'t> Reading<'t> {
    pub(super) fn new(file: &str, text: &'t str) -> Self {
        Self { file: file.into(), text, findings: Vec::new() }
    }

    /// The file's top table: all that could be read, with a finding for each part that could not.
    pub(super) fn document(&mut self) -> DeTable<'t> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            self.warn(&error.span().unwrap_or(0..0), format!("not TOML: {}", error.message()));
        }
        table.into_inner()
    }

    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            file: self.file.clone(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }

    pub(super) fn warn(&mut self, span: &Range<usize>, message: impl Into<Untrusted>) {
        let place = self.place(span);
        self.findings.push(Finding { level: Level::Warning, place, message: message.into() });
    }

    /// A string, or a finding that `what` should be one.
    pub(super) fn string<'v>(&mut self, value: &'v toml::Spanned<DeValue<'_>>, what: &str) -> Option<&'v str> {
        let found = value.get_ref().as_str();
        if found.is_none() {
            let kind = value.get_ref().type_str();
            self.warn(&value.span(), format!("{what} is {kind}, it should be a string; ignored"));
        }
        found
    }

    pub(super) fn finish(self) -> Vec<Finding> {
        self.findings
    }
}
