//! The hub's query language: parse, print, evaluate; shared by the console (which must know what is wrong with
//! a query, since the service only says `BadRequest`) and the simulated hub (which must answer it).
//!
//! `lexer` makes tokens, `parser` makes the tree in `ast`, `print` writes it out again, and `eval` runs it
//! over twin documents as JSON. Pure: no hub, no clock.

mod ast;
mod eval;
mod lexer;
mod parser;
mod print;
#[cfg(test)]
mod tests;

pub use ast::{
    Aggregate, Arithmetic, Comparison, Condition, Expr, Function, Item, Path, Projection, Query, Select, Source,
};
pub use eval::Groups;
pub use parser::{parse, parse_condition, parse_target_condition};

/// The longest query the hub takes, in characters.
pub const MAX_QUERY_CHARS: usize = 8_192;

/// Why a text is no query, and where. `Display` is one sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {})", offset + 1)]
pub struct QueryError {
    /// What is wrong, and what would be right.
    pub message: String,
    /// Where, as a byte offset into the text that was parsed; its length when the text ends too early.
    pub offset: usize,
}

impl QueryError {
    fn new(message: impl Into<String>, offset: usize) -> Self {
        Self { message: message.into(), offset }
    }
}
