//! The tree of a route.

use super::body::BodyPath;
use super::functions::Function;

/// A whole route.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Which messages it looks at.
    pub source: Source,
    /// Which of them count; all of them without one.
    pub condition: Option<Expr>,
    /// Where they go.
    pub sink: Sink,
}

/// A prefix of message sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    text: String,
    prefix: String,
}

impl Source {
    pub(super) fn new(text: String) -> Self {
        let bare = text.trim_end_matches('*').trim_end_matches('/');
        let prefix = format!("{}/", bare.to_ascii_lowercase());
        Self { text, prefix }
    }

    /// As it was written, without blanks: `/messages/modules/a/*`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether messages from `path`, such as `/messages/modules/a/outputs/o`, come from here. A prefix test without
    /// case over whole segments; a `*` means something only at the end.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        // The last segment must be whole, which is what the slash at the end of both is for.
        let Some(bare) = self.prefix.strip_suffix('/') else { return false };
        match path.get(..bare.len()) {
            Some(head) => {
                head.eq_ignore_ascii_case(bare)
                    && path.get(bare.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            None => false,
        }
    }

    /// Whether a `*` stands where it is taken literally, so that nothing ever comes from here.
    #[must_use]
    pub fn matches_nothing(&self) -> bool {
        self.prefix.contains('*')
    }
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sink {
    /// `$upstream`: IoT Hub, or the parent of a nested device.
    Upstream,
    /// `BrokeredEndpoint("/modules/<module>/inputs/<input>")`: another module. Whether it exists is not checked.
    Module {
        /// The module.
        module: String,
        /// Its input.
        input: String,
    },
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `||`, which joins texts.
    Concat,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `AND`
    And,
    /// `OR`
    Or,
    /// `??`: the left side when it is defined, else the right.
    Coalesce,
}

impl Binary {
    /// How tightly it binds; equal levels bind from the left.
    pub(super) fn level(self) -> u8 {
        match self {
            Self::Coalesce => 1,
            Self::Or => 2,
            Self::And => 3,
            Self::Equal | Self::NotEqual => 4,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => 5,
            Self::Add | Self::Subtract | Self::Concat => 6,
            Self::Multiply | Self::Divide | Self::Remainder => 7,
        }
    }

    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Concat => "||",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::And => "AND",
            Self::Or => "OR",
            Self::Coalesce => "??",
        }
    }
}

/// The level of `NOT` and of a leading `-`: tighter than everything between two values, so that `NOT a = b` is
/// `(NOT a) = b`.
pub(super) const UNARY: u8 = 8;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `undefined`, and numbers edgeHub cannot read.
    Undefined,
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number; all of them are floating.
    Number(f64),
    /// A text.
    Text(String),
    /// `name`: an application property.
    Property(String),
    /// `$name`: the application property `$name` if there is one, else the system property `name`.
    System {
        /// Without the `$`.
        name: String,
        /// `{$name}`: the system property, whatever the application set.
        escaped: bool,
    },
    /// `$body.path`: the application property of that name if there is one, else what stands in the body.
    Body {
        /// The path in the body.
        path: BodyPath,
        /// `{$body.path}`: the body, whatever the application set.
        escaped: bool,
    },
    /// A function's value.
    Call(Function, Vec<Expr>),
    /// `-a`
    Negate(Box<Expr>),
    /// `NOT a`
    Not(Box<Expr>),
    /// `a = b` and its kin.
    Binary(Binary, Box<Expr>, Box<Expr>),
}

impl Expr {
    /// How tightly the expression binds; an operand that binds less tightly needs parentheses.
    pub(super) fn level(&self) -> u8 {
        match self {
            Self::Binary(operator, ..) => operator.level(),
            Self::Negate(_) | Self::Not(_) => UNARY,
            _ => UNARY + 1,
        }
    }
}
