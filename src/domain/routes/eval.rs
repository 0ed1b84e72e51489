//! Runs a condition over a message. Values are three-valued: a missing property is undefined, what is computed from
//! it is undefined, and only `true` sends a message on.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Ordering;

use serde_json::Value;

use super::ast::{Binary, Expr, Route};
use super::body::{self, BodyPath};
use super::message::RoutedMessage;
use super::types::{Kind, kind};

/// A value while a condition runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Val<'a> {
    Undefined,
    Null,
    /// A place of the body where nothing stands: null in every way but one.
    Missing,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
}

impl Val<'_> {
    /// A number; not-a-number is undefined.
    pub(super) fn number(number: f64) -> Self {
        if number.is_nan() { Self::Undefined } else { Self::Number(number) }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn truth(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }
}

/// A message and its body, which is read once, and only when a condition asks for it.
pub(super) struct Look<'m> {
    message: &'m RoutedMessage,
    path: String,
    body: OnceCell<Option<Value>>,
}

impl<'m> Look<'m> {
    pub(super) fn at(message: &'m RoutedMessage) -> Self {
        Self { message, path: message.source.path(), body: OnceCell::new() }
    }

    pub(super) fn selected_by(&self, route: &Route) -> bool {
        route.source.matches(&self.path)
            && route.condition.as_ref().is_none_or(|condition| evaluate(condition, self).truth() == Some(true))
    }

    fn property(&self, name: &str) -> Option<Val<'_>> {
        self.message.properties.get(name).map(|text| Val::Text(Cow::Borrowed(text)))
    }

    fn system(&self, name: &str) -> Val<'_> {
        self.message.system.get(name).map_or(Val::Undefined, |text| Val::Text(Cow::Borrowed(text)))
    }

    fn body(&self, path: &BodyPath) -> Val<'_> {
        let Some(body) = self.body.get_or_init(|| body::read(self.message)) else { return Val::Undefined };
        match path.of(body) {
            None => Val::Missing,
            Some(Value::Null) => Val::Null,
            Some(Value::Bool(truth)) => Val::Bool(*truth),
            Some(Value::Number(number)) => number.as_f64().map_or(Val::Undefined, Val::number),
            Some(Value::String(text)) if body::is_date(text) => Val::Undefined,
            Some(Value::String(text)) => Val::Text(Cow::Borrowed(text)),
            Some(Value::Array(_) | Value::Object(_)) => Val::Undefined,
        }
    }
}

impl Route {
    /// Whether the message comes from the route's source and its condition is true of it; undefined is not.
    #[must_use]
    pub fn selects(&self, message: &RoutedMessage) -> bool {
        Look::at(message).selected_by(self)
    }
}

fn evaluate<'a>(expr: &'a Expr, look: &'a Look<'_>) -> Val<'a> {
    match expr {
        Expr::Undefined => Val::Undefined,
        Expr::Null => Val::Null,
        Expr::Bool(truth) => Val::Bool(*truth),
        Expr::Number(number) => Val::number(*number),
        Expr::Text(text) => Val::Text(Cow::Borrowed(text)),
        Expr::Property(name) => look.property(name).unwrap_or(Val::Undefined),
        Expr::System { .. } if kind(expr) == Kind::Undefined => Val::Undefined,
        Expr::System { name, escaped: true } => look.system(name),
        Expr::System { name, escaped: false } => {
            look.property(&format!("${name}")).unwrap_or_else(|| look.system(name))
        }
        Expr::Body { path, escaped } => {
            // No property has brackets in its name.
            let shadow = (!escaped && !path.as_str().contains(['[', ']']))
                .then(|| look.property(&format!("${}", path.as_str())))
                .flatten();
            shadow.unwrap_or_else(|| look.body(path))
        }
        Expr::Call(function, arguments) => {
            let values: Vec<Val<'_>> = arguments.iter().map(|argument| evaluate(argument, look)).collect();
            let kinds: Vec<Kind> = arguments.iter().map(kind).collect();
            function.call(&values, &kinds)
        }
        Expr::Negate(inner) => match evaluate(inner, look) {
            Val::Number(number) => Val::Number(-number),
            _ => Val::Undefined,
        },
        Expr::Not(inner) => match evaluate(inner, look) {
            Val::Bool(truth) => Val::Bool(!truth),
            Val::Null if kind(inner) == Kind::Null => Val::Bool(true),
            _ => Val::Undefined,
        },
        Expr::Binary(operator, left, right) => {
            let logical = matches!(operator, Binary::And | Binary::Or);
            let dynamic = logical && kind(left) == Kind::Dynamic;
            binary(*operator, evaluate(left, look), evaluate(right, look), dynamic)
        }
    }
}

fn binary<'a>(operator: Binary, left: Val<'a>, right: Val<'a>, dynamic: bool) -> Val<'a> {
    let numbers = |compute: fn(f64, f64) -> f64| match (&left, &right) {
        (Val::Number(left), Val::Number(right)) => Val::number(compute(*left, *right)),
        _ => Val::Undefined,
    };
    match operator {
        Binary::Multiply => numbers(|a, b| a * b),
        Binary::Divide => numbers(|a, b| a / b),
        Binary::Remainder => numbers(|a, b| a % b),
        Binary::Add => numbers(|a, b| a + b),
        Binary::Subtract => numbers(|a, b| a - b),
        Binary::Concat => match (&left, &right) {
            (Val::Text(left), Val::Text(right)) => Val::Text(Cow::Owned(format!("{left}{right}"))),
            _ => Val::Undefined,
        },
        Binary::Coalesce => match left {
            Val::Undefined => right,
            defined => defined,
        },
        Binary::And => logic(&left, &right, dynamic, false),
        Binary::Or => logic(&left, &right, dynamic, true),
        _ => compare(&left, &right).map_or(Val::Undefined, |order| {
            Val::Bool(match operator {
                Binary::Less => order.is_lt(),
                Binary::LessOrEqual => order.is_le(),
                Binary::Greater => order.is_gt(),
                Binary::GreaterOrEqual => order.is_ge(),
                Binary::NotEqual => order.is_ne(),
                _ => order.is_eq(),
            })
        }),
    }
}

/// `AND` and `OR`; `decides` is the truth that one side alone decides with. With a value of the body on the left,
/// undefined on one side is undefined, whatever the other side says.
fn logic<'a>(left: &Val<'a>, right: &Val<'a>, dynamic: bool, decides: bool) -> Val<'a> {
    let (a, b) = (left.truth(), right.truth());
    if dynamic {
        return match (a, b) {
            (Some(a), Some(b)) => Val::Bool(if decides { a || b } else { a && b }),
            _ => Val::Undefined,
        };
    }
    match (left, right) {
        // Null swallows AND, and leaves OR to the other side.
        (Val::Null, other) | (other, Val::Null) => {
            if decides {
                other.clone()
            } else {
                Val::Null
            }
        }
        _ if a == Some(decides) || b == Some(decides) => Val::Bool(decides),
        _ if a.is_some() && b.is_some() => Val::Bool(!decides),
        _ => Val::Undefined,
    }
}

/// The order of two values; nothing when one is undefined. Values of different kinds, which only the body can bring
/// together, are ordered by their kinds: truths, numbers, texts, null.
fn compare(left: &Val<'_>, right: &Val<'_>) -> Option<Ordering> {
    let rank = |value: &Val<'_>| match value {
        Val::Undefined => None,
        Val::Bool(_) => Some(1),
        Val::Number(_) => Some(2),
        Val::Text(_) => Some(3),
        Val::Null | Val::Missing => Some(4),
    };
    let ranks = rank(left)?.cmp(&rank(right)?);
    Some(match (left, right) {
        (Val::Bool(left), Val::Bool(right)) => left.cmp(right),
        (Val::Number(left), Val::Number(right)) => left.partial_cmp(right)?,
        (Val::Text(left), Val::Text(right)) => left.encode_utf16().cmp(right.encode_utf16()),
        _ => ranks,
    })
}
