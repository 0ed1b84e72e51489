//! edgeHub's routes: parse, print, and decide where a message goes. Shared by the console, which must say what is
//! wrong with a route before a device stumbles over it, and the simulated edgeHub, which must stumble the same way.
//!
//! `lexer` makes tokens, `parser` the tree in `ast`, `types` refuses what edgeHub's compiler refuses, `print` writes
//! the tree out again, `eval` runs a condition over a `message` with `functions` and `body` paths, and `choose`
//! picks the endpoints (`sink`). Follows edgeHub's code where articles differ.

mod ast;
mod body;
mod choose;
mod eval;
mod functions;
mod lexer;
mod literal;
mod message;
mod parser;
mod print;
mod sink;
#[cfg(test)]
mod tests;
mod types;

pub use ast::{Binary, Expr, Route, Sink, Source};
pub use body::BodyPath;
pub use choose::{Candidate, choose};
pub use functions::Function;
pub use message::{MessageSource, RoutedMessage};
pub use parser::parse;

/// Why a text is no route edgeHub runs, and where. `Display` is one sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {})", offset + 1)]
pub struct RouteError {
    /// What is wrong, and what would be right; safe to draw.
    pub message: String,
    /// Where, as a byte offset into the text that was parsed; its length when the text ends too early.
    pub offset: usize,
    /// What edgeHub does about it.
    pub effect: RouteEffect,
}

/// What edgeHub does about a route it cannot run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteEffect {
    /// It refuses all of its desired properties with code 400 and this text after `Error parsing route <name> - `.
    Reported(String),
    /// It reports 200, and then fails to put the new routes in place: the old ones stay, and nothing in the twin
    /// says so.
    Silent,
}

/// What edgeHub says about every syntax error.
const COMPILATION: &str =
    "Exception of type 'Microsoft.Azure.Devices.Routing.Core.Query.RouteCompilationException' was thrown.";

impl RouteError {
    /// The grammar refuses the text.
    fn syntax(message: impl Into<String>, offset: usize) -> Self {
        Self { message: message.into(), offset, effect: RouteEffect::Reported(COMPILATION.to_owned()) }
    }

    /// What follows the grammar refuses the text, in words of its own.
    fn reported(message: impl Into<String>, offset: usize, words: String) -> Self {
        Self { message: message.into(), offset, effect: RouteEffect::Reported(words) }
    }

    /// The compiler of conditions refuses the text, after the twin was answered.
    fn silent(message: impl Into<String>, offset: usize) -> Self {
        Self { message: message.into(), offset, effect: RouteEffect::Silent }
    }

    /// What edgeHub puts into `lastDesiredStatus.description` for a route of that name; nothing when it reports 200.
    #[must_use]
    pub fn reported_for(&self, name: &str) -> Option<String> {
        match &self.effect {
            RouteEffect::Reported(words) => {
                Some(format!("Error while parsing desired properties - Error parsing route {name} - {words}"))
            }
            RouteEffect::Silent => None,
        }
    }
}
