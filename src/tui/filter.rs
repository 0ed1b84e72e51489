//! The `/` filter: what is typed, what it means, and which rows it lets through (console-ux G-23).
//!
//! Device ids may hold almost any punctuation, so plain text is a substring and regular expressions ask for `~`.
//! A filter that cannot be read lets nothing new through: the table keeps its last valid result.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use regex::{Regex, RegexBuilder};

/// A filter that could be read.
#[derive(Debug, Clone)]
pub enum Filter {
    /// Every row.
    All,
    /// Rows that contain the text; case counts only when an upper-case letter was typed.
    Contains(String),
    /// Rows that match the expression.
    Matches(Regex),
    /// Rows that have the letters in order.
    Fuzzy(String),
    /// Rows with these tags; `None` as the value means "has the tag", the flag says "not".
    Tags(Vec<TagTerm>),
    /// Rows whose named column contains the text.
    Column(String, String),
    /// The opposite.
    Not(Box<Filter>),
}

/// One `key=value` of a tag filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTerm {
    key: String,
    value: Option<String>,
    differs: bool,
}

/// Why a filter cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// What is wrong.
    pub message: String,
    /// Column of the fault in the typed text, in characters.
    pub at: usize,
}

/// What a filter looks at; one per row kind.
pub trait Filterable {
    /// Adds the text of every column to `text`, joined by blanks.
    fn haystack(&self, text: &mut String);
    /// The text of one column, by its lower-case name; `None` when there is no such column.
    fn column(&self, name: &str) -> Option<String>;
    /// A tag's value by path (`location.building`) or by its last part (`building`).
    fn tag(&self, name: &str) -> Option<String>;
}

impl Filter {
    /// Reads what was typed; `columns` are the names that `name:text` may use.
    ///
    /// # Errors
    /// [`FilterError`] when an expression does not compile or a tag term has no key.
    pub fn parse(text: &str, columns: &[&str]) -> Result<Self, FilterError> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(Self::All);
        }
        if let Some(rest) = trimmed.strip_prefix('!') {
            return Ok(match Self::parse(rest, columns)? {
                Self::All => Self::All,
                inner => Self::Not(Box::new(inner)),
            });
        }
        if let Some(pattern) = trimmed.strip_prefix('~') {
            return RegexBuilder::new(pattern)
                .case_insensitive(!has_upper(pattern))
                .size_limit(1 << 20)
                .build()
                .map(Self::Matches)
                .map_err(|error| FilterError { message: regex_message(&error), at: 1 });
        }
        if let Some(rest) = trimmed.strip_prefix("-f ") {
            return Ok(Self::Fuzzy(rest.trim().to_owned()));
        }
        if let Some(rest) = trimmed.strip_prefix("-l ") {
            return tags(rest);
        }
        if let Some((name, value)) = trimmed.split_once(':')
            && columns.contains(&name.to_lowercase().as_str())
        {
            return Ok(Self::Column(name.to_lowercase(), value.to_owned()));
        }
        Ok(Self::Contains(trimmed.to_owned()))
    }

    /// The badge that says how the text is taken.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::All => "",
            Self::Contains(_) => "sub",
            Self::Matches(_) => "re",
            Self::Fuzzy(_) => "fuz",
            Self::Tags(_) => "tag",
            Self::Column(..) => "col",
            Self::Not(inner) => match **inner {
                Self::Matches(_) => "!re",
                _ => "!sub",
            },
        }
    }

    /// Whether the row passes. `scratch` is room to write in, so that a large table needs one allocation, not one a
    /// row; what it holds before and after means nothing.
    #[must_use]
    pub fn admits(&self, row: &impl Filterable, scratch: &mut String) -> bool {
        let haystack = |scratch: &mut String| {
            scratch.clear();
            row.haystack(scratch);
        };
        match self {
            Self::All => true,
            Self::Contains(text) => {
                haystack(scratch);
                contains(scratch, text)
            }
            Self::Matches(regex) => {
                haystack(scratch);
                regex.is_match(scratch)
            }
            Self::Fuzzy(text) => {
                let mut buffer = Vec::new();
                let pattern = Pattern::parse(text, CaseMatching::Smart, Normalization::Smart);
                haystack(scratch);
                pattern.score(Utf32Str::new(scratch, &mut buffer), &mut Matcher::new(Config::DEFAULT)).is_some()
            }
            Self::Tags(terms) => terms.iter().all(|term| {
                let value = row.tag(&term.key);
                match &term.value {
                    None => value.is_some(),
                    Some(wanted) => (value.as_deref() == Some(wanted)) != term.differs,
                }
            }),
            Self::Column(name, text) => row.column(name).is_some_and(|mut value| contains(&mut value, text)),
            Self::Not(inner) => !inner.admits(row, scratch),
        }
    }
}

fn has_upper(text: &str) -> bool {
    text.chars().any(char::is_uppercase)
}

/// Smart case: without an upper-case letter in the needle, the haystack is made lower case, in place where it can be.
fn contains(haystack: &mut String, needle: &str) -> bool {
    if !has_upper(needle) {
        if haystack.is_ascii() {
            haystack.make_ascii_lowercase();
        } else {
            *haystack = haystack.to_lowercase();
        }
    }
    haystack.contains(needle)
}

fn tags(text: &str) -> Result<Filter, FilterError> {
    let mut terms = Vec::new();
    for term in text.split(',').map(str::trim).filter(|term| !term.is_empty()) {
        let (key, value, differs) = match (term.split_once("!="), term.split_once('=')) {
            (Some((key, value)), _) => (key, Some(value), true),
            (None, Some((key, value))) => (key, Some(value), false),
            (None, None) => (term, None, false),
        };
        if key.trim().is_empty() {
            return Err(FilterError { message: "a tag filter is key=value, key!=value or key".to_owned(), at: 3 });
        }
        terms.push(TagTerm { key: key.trim().to_owned(), value: value.map(|v| v.trim().to_owned()), differs });
    }
    if terms.is_empty() {
        return Err(FilterError { message: "a tag filter is key=value, key!=value or key".to_owned(), at: 3 });
    }
    Ok(Filter::Tags(terms))
}

/// The regex crate explains over several lines with a caret; the last line is the sentence.
fn regex_message(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or("not a regular expression").trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row;

    impl Filterable for Row {
        fn haystack(&self, text: &mut String) {
            text.push_str("edge-gateway-007 backoff temperatureFilter");
        }
        fn column(&self, name: &str) -> Option<String> {
            (name == "status").then(|| "backoff".into())
        }
        fn tag(&self, name: &str) -> Option<String> {
            matches!(name, "location.building" | "building").then(|| "B1".into())
        }
    }

    #[test]
    fn what_filters_let_through() {
        for (text, kind, admitted) in [
            ("", "", true),
            ("GATEWAY", "sub", false),
            ("gateway", "sub", true),
            ("temperatureF", "sub", true),
            ("!gateway", "!sub", false),
            ("!nothing", "!sub", true),
            ("~gateway-0+7", "re", true),
            ("!~^edge", "!re", false),
            ("-f egw7", "fuz", true),
            ("-f zz", "fuz", false),
            ("-l building=B1", "tag", true),
            ("-l location.building!=B1", "tag", false),
            ("-l role", "tag", false),
            ("-l building=B1,role=x", "tag", false),
            ("status:back", "col", true),
            ("status:run", "col", false),
            ("a:b", "sub", false),
        ] {
            let filter = Filter::parse(text, &["status"]).unwrap();
            assert_eq!((filter.kind(), filter.admits(&Row, &mut String::new())), (kind, admitted), "{text}");
        }
    }

    #[test]
    fn a_filter_that_cannot_be_read_says_so() {
        assert_eq!(Filter::parse("~(", &[]).unwrap_err().message, "unclosed group");
        assert!(Filter::parse("-l =x", &[]).is_err());
        assert!(Filter::parse("-l ", &[]).is_ok_and(|f| matches!(f, Filter::Contains(_))));
    }
}
