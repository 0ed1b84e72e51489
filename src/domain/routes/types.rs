//! The kinds of values edgeHub's compiler knows before any message comes. Properties are texts, so that a property
//! and a number do not compare; only what comes from the body is of any kind.

use super::ast::{Binary, Expr};

/// What an expression is, whatever the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Undefined,
    Null,
    Bool,
    Number,
    Text,
    /// From the body: known only when a message comes.
    Dynamic,
}

impl Kind {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Dynamic => "a value of the body",
        }
    }

    /// Whether a value of kind `given` may stand where this kind is wanted. Undefined never stands in for anything,
    /// not even beside a value of the body.
    pub(super) fn takes(self, given: Self) -> bool {
        let stands_in = |a, b| a == Self::Dynamic && !matches!(b, Self::Undefined);
        self == given || stands_in(given, self) || stands_in(self, given)
    }
}

/// The kind of an expression that was checked.
pub(super) fn kind(expr: &Expr) -> Kind {
    match expr {
        Expr::Undefined => Kind::Undefined,
        Expr::Null => Kind::Null,
        Expr::Bool(_) | Expr::Not(_) => Kind::Bool,
        Expr::Number(_) | Expr::Negate(_) => Kind::Number,
        Expr::Text(_) | Expr::Property(_) => Kind::Text,
        // Property names have no brackets, and edgeHub gives up on such a name.
        Expr::System { name, .. } if name.contains(['[', ']']) => Kind::Undefined,
        Expr::System { .. } => Kind::Text,
        Expr::Body { .. } => Kind::Dynamic,
        Expr::Call(function, _) => function.result(),
        Expr::Binary(operator, left, right) => binary(*operator, kind(left), kind(right)).unwrap_or(Kind::Undefined),
    }
}

/// The kind of `left operator right`; nothing when edgeHub's compiler refuses the pair.
pub(super) fn binary(operator: Binary, left: Kind, right: Kind) -> Option<Kind> {
    let dynamic = left == Kind::Dynamic || right == Kind::Dynamic;
    let both = |wanted: Kind| wanted.takes(left) && wanted.takes(right);
    match operator {
        Binary::Multiply | Binary::Divide | Binary::Add | Binary::Subtract => {
            both(Kind::Number).then_some(if dynamic { Kind::Dynamic } else { Kind::Number })
        }
        // The body's values have no remainder.
        Binary::Remainder => (both(Kind::Number) && !dynamic).then_some(Kind::Number),
        Binary::Concat => both(Kind::Text).then_some(Kind::Text),
        Binary::Less
        | Binary::LessOrEqual
        | Binary::Greater
        | Binary::GreaterOrEqual
        | Binary::Equal
        | Binary::NotEqual => left.takes(right).then_some(Kind::Bool),
        Binary::Coalesce => left.takes(right).then_some(if dynamic { Kind::Dynamic } else { left }),
        Binary::And => logic(left, right, |nulls| nulls > 0),
        Binary::Or => logic(left, right, |nulls| nulls == 2),
    }
}

/// `AND` and `OR`, whose result is null for some numbers of null operands. A value of the body may stand on the
/// left, but on the right only beside another: edgeHub looks at the wrong side there.
fn logic(left: Kind, right: Kind, is_null: impl Fn(usize) -> bool) -> Option<Kind> {
    let nulls = [left, right].into_iter().filter(|kind| *kind == Kind::Null).count();
    let result = if is_null(nulls) { Kind::Null } else { Kind::Bool };
    if left == Kind::Dynamic {
        return (result == Kind::Bool).then_some(Kind::Bool);
    }
    match (left, right) {
        (Kind::Bool | Kind::Null, Kind::Bool | Kind::Null)
        | (Kind::Bool | Kind::Undefined, Kind::Bool | Kind::Undefined) => Some(result),
        _ => None,
    }
}

/// Whether `-` may stand before a value of that kind.
pub(super) fn may_negate(kind: Kind) -> bool {
    kind == Kind::Number
}

/// Whether `NOT` may stand before a value of that kind.
pub(super) fn may_invert(kind: Kind) -> bool {
    matches!(kind, Kind::Bool | Kind::Null | Kind::Dynamic)
}
