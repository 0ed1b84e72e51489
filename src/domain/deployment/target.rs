//! Target conditions: which devices a deployment is for. Not the query language, though it looks like it.

use std::fmt;

use serde_json::Value;

use crate::domain::query::{Condition, Expr, Path, QueryError, parse_target_condition};
use crate::domain::text::Untrusted;

/// A target condition with its own text.
#[derive(Clone, PartialEq)]
pub struct TargetCondition {
    text: String,
    rule: Rule,
}

#[derive(Clone, PartialEq)]
enum Rule {
    Nobody,
    Everyone,
    Condition(Condition),
    /// The hub took it, and we cannot read it.
    Unread(TargetConditionError),
}

/// Why the hub refuses a target condition (400 `InvalidConfigurationTargetCondition`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetConditionError {
    /// The text is no condition.
    #[error(transparent)]
    Syntax(#[from] QueryError),
    /// An attribute that conditions cannot see.
    #[error("{0} is out of reach; a target condition sees deviceId, tags and properties.reported")]
    Attribute(String),
    /// `IN` works in queries only.
    #[error("a target condition has no IN, though queries do; join comparisons with OR")]
    List,
}

impl TargetCondition {
    /// A condition somebody typed: empty for nobody, `*` for every edge device.
    ///
    /// # Errors
    /// [`TargetConditionError`] for what the hub refuses.
    pub fn parse(text: &str) -> Result<Self, TargetConditionError> {
        let rule = match text.trim() {
            "" => Rule::Nobody,
            "*" => Rule::Everyone,
            condition => {
                let condition = parse_target_condition(condition)?;
                check(&condition)?;
                Rule::Condition(condition)
            }
        };
        Ok(Self { text: text.to_owned(), rule })
    }

    /// A condition as it came from the hub: taken as it is, even when only the hub can read it.
    #[must_use]
    pub fn from_wire(text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|error| Self { text: text.to_owned(), rule: Rule::Unread(error) })
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether every edge device is meant, in as many words.
    #[must_use]
    pub fn is_everyone(&self) -> bool {
        self.rule == Rule::Everyone
    }

    /// Why the condition cannot be evaluated here; the hub can.
    #[must_use]
    pub fn unread(&self) -> Option<&TargetConditionError> {
        match &self.rule {
            Rule::Unread(error) => Some(error),
            _ => None,
        }
    }

    /// Every attribute the condition names.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        match &self.rule {
            Rule::Condition(condition) => condition.paths(),
            Rule::Nobody | Rule::Everyone | Rule::Unread(_) => Vec::new(),
        }
    }

    /// Whether it asks what devices report, which ids and tags do not tell.
    #[must_use]
    pub fn sees_reports(&self) -> bool {
        self.paths().iter().any(|path| path.segments().first().is_some_and(|first| first == "properties"))
    }

    /// Whether it has an OR outside of parentheses. The hub puts a condition behind an AND of its own without any, so that
    /// whatever stands after such an OR counts by itself.
    #[must_use]
    pub fn is_torn_by_or(&self) -> bool {
        // Parentheses leave no trace in the tree; behind an AND they make a difference.
        let behind = || parse_target_condition(&format!("deviceId = '' AND {}", self.text));
        matches!(self.rule, Rule::Condition(_)) && behind().is_ok_and(|whole| matches!(whole.expr(), Expr::Or(..)))
    }

    /// Whether an edge device with this twin document is meant; nothing when only the hub can tell.
    #[must_use]
    pub fn meets(&self, twin: &Value) -> Option<bool> {
        match &self.rule {
            Rule::Nobody => Some(false),
            Rule::Everyone => Some(true),
            Rule::Condition(condition) => Some(condition.matches(twin)),
            Rule::Unread(_) => None,
        }
    }
}

impl fmt::Debug for TargetCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", Untrusted::new(self.text.as_str()))
    }
}

fn check(condition: &Condition) -> Result<(), TargetConditionError> {
    if condition.has_list() {
        return Err(TargetConditionError::List);
    }
    for path in condition.paths() {
        let parts: Vec<&str> = path.segments().iter().map(String::as_str).collect();
        if !matches!(parts.as_slice(), ["deviceId"] | ["tags", _, ..] | ["properties", "reported", _, ..]) {
            let shown = Untrusted::new(path.to_string()).shown();
            return Err(TargetConditionError::Attribute(shown.as_str().to_owned()));
        }
    }
    Ok(())
}
