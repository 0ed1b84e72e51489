//! A scenario's TOML under a cursor that knows where everything stands: each section names the keys it takes, each value
//! is read as what it should be, and what is wrong is noted with line and column, so that all of it is told at once.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use crate::sim::words;

/// More mistakes than this are not told: they are the same one.
const MOST: usize = 20;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// From 1; 0 for the file as a whole.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong with what, and what would be right.
    pub text: String,
}

/// A file with mistakes; each is a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ScenarioError {
    /// The file as it was named.
    pub file: String,
    /// In the order of the file.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.mistakes.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            // Debug's escapes, without its quotes: a file's name is not ours.
            write!(f, "{}", self.file.escape_debug())?;
            if mistake.line > 0 {
                write!(f, ":{}:{}", mistake.line, mistake.column)?;
            }
            write!(f, ": {}", mistake.text)?;
        }
        Ok(())
    }
}

/// The text of a file and what was found wrong in it.
pub(super) struct Text<'t> {
    text: &'t str,
    mistakes: RefCell<Vec<(usize, String)>>,
}

impl<'t> Text<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, mistakes: RefCell::default() }
    }

    /// Notes a mistake at a byte of the file.
    pub(super) fn wrong(&self, at: usize, text: impl Into<String>) {
        self.mistakes.borrow_mut().push((at, text.into()));
    }

    /// The file as a table; nothing when it is no TOML.
    pub(super) fn parse(&self) -> Option<DeTable<'t>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            self.wrong(error.span().map_or(0, |span| span.start), error.message().replace('\n', ", "));
        }
        errors.is_empty().then(|| table.into_inner())
    }

    /// What was noted, in the order of the file.
    pub(super) fn mistakes(self) -> Vec<Mistake> {
        let mut found = self.mistakes.into_inner();
        found.sort();
        found.dedup();
        let more = found.len().saturating_sub(MOST);
        let place = |(at, text): (usize, String)| {
            let before = self.text.get(..at).unwrap_or(self.text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            Mistake { line, column, text }
        };
        let mut mistakes: Vec<Mistake> = found.into_iter().take(MOST).map(place).collect();
        if more > 0 {
            mistakes.push(Mistake { line: 0, column: 0, text: format!("and {more} mistakes more") });
        }
        mistakes
    }
}

/// A table whose keys are known.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    text: &'a Text<'a>,
    table: &'a DeTable<'a>,
    path: &'a str,
    /// Where it begins, for what is missing.
    pub(super) at: usize,
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Field<'a> {
    text: &'a Text<'a>,
    value: &'a DeValue<'a>,
    /// Dotted, for messages: `devices.tags`.
    pub(super) path: String,
    pub(super) at: usize,
}

impl<'a> Section<'a> {
    /// The file's own table.
    pub(super) fn root(text: &'a Text<'a>, table: &'a DeTable<'a>, keys: &[&str]) -> Self {
        let section = Self { text, table, path: "", at: 0 };
        section.check(keys);
        section
    }

    fn check(&self, keys: &[&str]) {
        for (key, _) in self.table {
            let name = key.get_ref();
            if !keys.contains(&name.as_ref()) {
                let place = if self.path.is_empty() { String::new() } else { format!(" in {}", self.path) };
                let nearest = nearest(name, keys).map_or_else(String::new, |key| format!("did you mean {key}? "));
                let text = format!("{:?} is not known{place}; {nearest}known are: {}", &**name, keys.join(", "));
                self.text.wrong(key.span().start, text);
            }
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<Field<'a>> {
        let (_, value) = self.table.iter().find(|(known, _)| known.get_ref() == key)?;
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(Field { text: self.text, value: value.get_ref(), path, at: value.span().start })
    }

    /// The value of a key that must be there.
    pub(super) fn need(&self, key: &str, example: &str) -> Option<Field<'a>> {
        let found = self.get(key);
        if found.is_none() {
            self.text.wrong(self.at, format!("{} has no {key}; such as {key} = {example}", self.path));
        }
        found
    }

    /// Notes a mistake about the section as a whole.
    pub(super) fn wrong(&self, text: impl fmt::Display) {
        self.text.wrong(self.at, format!("{}: {text}", self.path));
    }
}

impl<'a> Field<'a> {
    /// Notes that the value is not what it should be.
    pub(super) fn wrong<T>(&self, text: impl fmt::Display) -> Option<T> {
        self.text.wrong(self.at, format!("{}: {text}", self.path));
        None
    }

    fn not<T>(&self, wanted: impl fmt::Display) -> Option<T> {
        self.wrong(format!("{} is not {wanted}", self.quoted()))
    }

    /// The value for a message.
    pub(super) fn quoted(&self) -> String {
        match self.value {
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(value) => value.to_string(),
            DeValue::Array(_) | DeValue::Table(_) => format!("this {}", self.value.type_str()),
        }
    }

    fn child(&self, key: &str, value: &'a toml::Spanned<DeValue<'a>>) -> Self {
        let path = format!("{}.{key}", self.path);
        Field { text: self.text, value: value.get_ref(), path, at: value.span().start }
    }

    /// A text as it stands there; nothing, and no mistake, when it is something else.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    pub(super) fn string(&self) -> Option<&'a str> {
        self.as_text().or_else(|| self.not("a text"))
    }

    /// A text that is read by `read`, or is not `wanted`.
    pub(super) fn read<T>(&self, wanted: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.as_text().and_then(read).or_else(|| self.not(wanted))
    }

    pub(super) fn flag(&self) -> Option<bool> {
        self.value.as_bool().or_else(|| self.not("true or false"))
    }

    pub(super) fn whole(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let number = match self.value {
            DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        };
        number
            .filter(|number| range.contains(number))
            .or_else(|| self.not(format!("a whole number from {} to {}", range.start(), range.end())))
    }

    pub(super) fn duration(&self) -> Option<std::time::Duration> {
        self.read("a duration, such as \"300ms\", \"5m\" or \"1h30m\"", words::duration)
    }

    /// One of the words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let found = self.as_text().and_then(|text| choices.iter().find(|(name, _)| *name == text));
        let names = || choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        found.map(|(_, value)| *value).or_else(|| self.not(format!("one of: {}", names())))
    }

    /// A table with these keys and no others.
    pub(super) fn section(&'a self, keys: &[&str]) -> Option<Section<'a>> {
        let Some(table) = self.value.as_table() else { return self.not(format!("a table with {}", keys.join(", "))) };
        let section = Section { text: self.text, table, path: &self.path, at: self.at };
        section.check(keys);
        Some(section)
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// The members of a table whose keys are names.
    pub(super) fn members(&self) -> Vec<(&'a str, Self)> {
        let Some(table) = self.value.as_table() else {
            return self.not::<()>("a table").map(|()| Vec::new()).unwrap_or_default();
        };
        table.iter().map(|(key, value)| (key.get_ref().as_ref(), self.child(key.get_ref(), value))).collect()
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Vec<Self> {
        let Some(list) = self.value.as_array() else {
            return self.not::<()>("a list").map(|()| Vec::new()).unwrap_or_default();
        };
        let item = |value: &'a toml::Spanned<DeValue<'a>>| Field {
            text: self.text,
            value: value.get_ref(),
            path: self.path.clone(),
            at: value.span().start,
        };
        list.iter().map(item).collect()
    }

    /// A list, or one thing in place of a list of one.
    pub(super) fn one_or_more(&self) -> Vec<Self> {
        if self.value.is_array() { self.items() } else { vec![self.clone()] }
    }

    /// Whether it is a list.
    pub(super) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// Any value as JSON. Dates are no JSON.
    pub(super) fn json(&self) -> Option<Value> {
        match self.value {
            DeValue::String(text) => Some(Value::from(text.as_ref())),
            DeValue::Boolean(value) => Some(Value::from(*value)),
            DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(number) => Some(Value::from(number)),
                Err(_too_large) => self.not("a number that fits"),
            },
            DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Some(Value::from(number)),
                _ => self.not("a number that JSON knows"),
            },
            DeValue::Datetime(_) => self.not("a value of JSON; write a date as a text"),
            DeValue::Array(_) => Some(Value::Array(self.items().iter().filter_map(Self::json).collect())),
            DeValue::Table(_) => {
                let members = self.members().into_iter();
                let members = members.filter_map(|(key, field)| Some((key.to_owned(), field.json()?)));
                Some(Value::Object(members.collect::<Map<_, _>>()))
            }
        }
    }
}

/// The key that a mistyped one was meant to be.
pub(super) fn nearest<'k>(word: &str, keys: &[&'k str]) -> Option<&'k str> {
    let most = (word.chars().count() / 3).max(1);
    let near = keys.iter().map(|key| (distance(word, key), *key)).filter(|(distance, _)| *distance <= most);
    near.min().map(|(_, key)| key)
}

/// Letters to put in, take out or exchange.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (count, from) in a.chars().enumerate() {
        let mut corner = count;
        let mut left = count + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            left = (corner + usize::from(from != *to)).min(above + 1).min(left + 1);
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_found_and_a_far_one_is_not() {
        let keys = ["condition", "priority", "manifest", "created"];
        for (word, expected) in [
            ("conditon", Some("condition")),
            ("prioritty", Some("priority")),
            ("Manifest", Some("manifest")),
            ("xyz", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &keys), expected, "{word}");
        }
        assert_eq!([distance("", "abc"), distance("kitten", "sitting"), distance("same", "same")], [3, 3, 0]);
    }
}
