//! The canonical text of a route: what `Display` prints, `parse` reads back as the same tree.

use std::fmt;

use super::ast::{Expr, Route, Sink, Source, UNARY};
use super::lexer::fits_quotes;

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = String::new();
        if let Some(condition) = &self.condition {
            rest = format!(" WHERE {condition}");
        }
        let rest = format!("{rest} INTO {}", self.sink);
        // A source that ends in /* would open a comment.
        let source = self.source.as_str();
        if source.contains("*/") || rest.contains("*/") {
            write!(f, "FROM {}{rest}", source.replace('/', " / ").trim_start())
        } else {
            write!(f, "FROM {source}{rest}")
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream => f.write_str("$upstream"),
            Self::Module { module, input } => {
                // A slash at the end is cut off when it is read, and keeps what stands before it.
                let end = if input.is_empty() || input.ends_with(char::is_whitespace) { "/" } else { "" };
                let address = format!("/modules/{module}/inputs/{input}{end}");
                // Escapes mean nothing in an address, so the other quotes are the only way out.
                let quote = if fits_quotes(&address, '"') { '"' } else { '\'' };
                write!(f, "BrokeredEndpoint({quote}{address}{quote})")
            }
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined => f.write_str("undefined"),
            Self::Null => f.write_str("null"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Number(number) if number.is_infinite() => f.write_str(if *number < 0.0 { "-1e999" } else { "1e999" }),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => string(f, text),
            Self::Property(name) => f.write_str(name),
            Self::System { name, escaped: false } => write!(f, "${name}"),
            Self::System { name, escaped: true } => write!(f, "{{${name}}}"),
            Self::Body { path, escaped: false } => write!(f, "${}", path.as_str()),
            Self::Body { path, escaped: true } => write!(f, "{{${}}}", path.as_str()),
            Self::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                for (index, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            // Without the blank, -a would be a name and -5 a number.
            Self::Negate(inner) => {
                f.write_str("- ")?;
                operand(f, inner, UNARY)
            }
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                operand(f, inner, UNARY)
            }
            Self::Binary(operator, left, right) => {
                operand(f, left, operator.level())?;
                write!(f, " {} ", operator.symbol())?;
                operand(f, right, operator.level() + 1)
            }
        }
    }
}

/// An operand, in parentheses when it binds less tightly than the place needs.
fn operand(f: &mut fmt::Formatter<'_>, inner: &Expr, needed: u8) -> fmt::Result {
    if inner.level() < needed { write!(f, "({inner})") } else { write!(f, "{inner}") }
}

/// edgeHub resolves `\uXXXX` first and the other escapes in what comes out, so that a backslash needs two of the
/// former to survive.
fn string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str("\\u005c\\u005c")?,
            '"' => f.write_str("\\\"")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}
