//! A value as somebody wrote it, before it means anything: from TOML with its type, or from a variable or flag as
//! mere text; and the readers that give it meaning.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::findings::{Finding, Place, Source};
use crate::domain::secret::{MASK, names_a_secret, redact};
use crate::domain::time::durations;

/// A written value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Input {
    /// A TOML string.
    Text(String),
    /// Text without a type, from a variable or a flag: read as whatever the setting is.
    Word(String),
    /// A TOML integer.
    Integer(i64),
    /// A TOML float.
    Float(f64),
    /// A TOML boolean.
    Bool(bool),
    /// A TOML table of strings.
    Pairs(Vec<(String, String)>),
    /// Anything else; its TOML type.
    Other(&'static str),
}

impl Input {
    pub(super) fn of(value: &DeValue<'_>) -> Self {
        let other = Self::Other(value.type_str());
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Integer(digits) => {
                i64::from_str_radix(digits.as_str(), digits.radix()).map_or(other, Self::Integer)
            }
            DeValue::Float(digits) => digits.as_str().parse().map_or(other, Self::Float),
            DeValue::Boolean(value) => Self::Bool(*value),
            DeValue::Table(table) => table
                .iter()
                .map(|(key, value)| Some((key.get_ref().to_string(), value.get_ref().as_str()?.to_owned())))
                .collect::<Option<_>>()
                .map_or(other, Self::Pairs),
            DeValue::Datetime(_) | DeValue::Array(_) => other,
        }
    }

    /// The value for a message; a secret that strayed into the file is not repeated.
    pub(super) fn quoted(&self, key: &str) -> String {
        match self {
            Self::Text(_) | Self::Word(_) if names_a_secret(key) => MASK.to_owned(),
            Self::Text(text) | Self::Word(text) => format!("\"{}\"", redact(text)),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::Pairs(_) => "this table".to_owned(),
            Self::Other(kind) => format!("this {kind}"),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Word(text) => Some(text),
            Self::Integer(_) | Self::Float(_) | Self::Bool(_) | Self::Pairs(_) | Self::Other(_) => None,
        }
    }

    /// A name that can be part of a file name.
    pub(super) fn name(&self) -> Option<String> {
        self.text().filter(|text| is_name(text)).map(str::to_owned)
    }

    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
    }

    pub(super) fn whole(&self, range: &RangeInclusive<u32>) -> Option<u32> {
        let value = match self {
            Self::Integer(value) => u32::try_from(*value).ok()?,
            Self::Word(text) => text.parse().ok()?,
            Self::Text(_) | Self::Float(_) | Self::Bool(_) | Self::Pairs(_) | Self::Other(_) => return None,
        };
        range.contains(&value).then_some(value)
    }

    /// A part of one, written as a number or in per cent.
    pub(super) fn share(&self) -> Option<f64> {
        let value: f64 = match self {
            Self::Integer(1) => 1.0,
            Self::Float(value) => *value,
            Self::Text(text) | Self::Word(text) => match text.strip_suffix('%') {
                Some(number) => number.trim().parse::<f64>().ok()? / 100.0,
                None => text.parse().ok()?,
            },
            Self::Integer(_) | Self::Bool(_) | Self::Pairs(_) | Self::Other(_) => return None,
        };
        (value > 0.0 && value <= 1.0).then_some(value)
    }

    pub(super) fn duration(&self, range: &RangeInclusive<Duration>) -> Option<Duration> {
        durations::parse(self.text()?).filter(|value| range.contains(value))
    }

    pub(super) fn switch(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Word(word) => match word.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Some(true),
                "0" | "false" | "no" | "off" => Some(false),
                _ => None,
            },
            Self::Text(_) | Self::Integer(_) | Self::Float(_) | Self::Pairs(_) | Self::Other(_) => None,
        }
    }
}

/// Whether a text can name a theme, keymap or context.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 100
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !text.starts_with(['.', '-'])
}

/// A TOML file as far as it could be parsed.
pub(super) struct Parsed<'t> {
    pub(super) table: DeTable<'t>,
    /// Lines with a syntax error. The parser recovers by making up what is missing, so nothing on them counts.
    broken: Vec<usize>,
}

impl Parsed<'_> {
    pub(super) fn is_broken(&self, place: &Place) -> bool {
        self.broken.contains(&place.line)
    }
}

/// Parses TOML; each syntax error is a finding.
pub(super) fn parse<'t>(file: &Path, text: &'t str, findings: &mut Vec<Finding>) -> Parsed<'t> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut broken = Vec::new();
    for error in errors {
        let place = error.span().map_or_else(|| Place::whole(file), |span| Place::at(file, text, span.start));
        broken.push(place.line);
        findings.push(Finding {
            source: Source::File(place),
            key: String::new(),
            problem: format!("{}; the line is left out", redact(&error.message().replace('\n', ", "))),
            allowed: None,
        });
    }
    Parsed { table: table.into_inner(), broken }
}
