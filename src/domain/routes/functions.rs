//! The functions of conditions: what they take, and what they give.

use std::borrow::Cow;

use super::eval::Val;
use super::types::Kind;

/// A function. `twin_change_includes` is missing on purpose: edgeHub has it, and refuses it on every source a route
/// can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `abs(number)`
    Abs,
    /// `exp(number)`
    Exp,
    /// `power(number, number)`
    Power,
    /// `square(number)`
    Square,
    /// `ceiling(number)`
    Ceiling,
    /// `floor(number)`
    Floor,
    /// `sign(number)`
    Sign,
    /// `sqrt(number)`
    Sqrt,
    /// `as_number(text)`: undefined for what is no number.
    AsNumber,
    /// `is_bool(any)`
    IsBool,
    /// `is_defined(any)`
    IsDefined,
    /// `is_null(any)`
    IsNull,
    /// `is_number(any)`
    IsNumber,
    /// `is_string(any)`
    IsString,
    /// `concat(text, text, …)`
    Concat,
    /// `length(text)`, in UTF-16 code units.
    Length,
    /// `lower(text)`
    Lower,
    /// `upper(text)`
    Upper,
    /// `substring(text, start)` or `substring(text, start, length)`, in UTF-16 code units.
    Substring,
    /// `index_of(text, part)`, in UTF-16 code units; -1 when it is not there.
    IndexOf,
    /// `starts_with(text, part)`
    StartsWith,
    /// `ends_with(text, part)`
    EndsWith,
    /// `contains(text, part)`
    Contains,
}

impl Function {
    const ALL: [Self; 23] = [
        Self::Abs,
        Self::Exp,
        Self::Power,
        Self::Square,
        Self::Ceiling,
        Self::Floor,
        Self::Sign,
        Self::Sqrt,
        Self::AsNumber,
        Self::IsBool,
        Self::IsDefined,
        Self::IsNull,
        Self::IsNumber,
        Self::IsString,
        Self::Concat,
        Self::Length,
        Self::Lower,
        Self::Upper,
        Self::Substring,
        Self::IndexOf,
        Self::StartsWith,
        Self::EndsWith,
        Self::Contains,
    ];

    /// The function of that name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name().eq_ignore_ascii_case(name))
    }

    /// The name, as it is documented.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Exp => "exp",
            Self::Power => "power",
            Self::Square => "square",
            Self::Ceiling => "ceiling",
            Self::Floor => "floor",
            Self::Sign => "sign",
            Self::Sqrt => "sqrt",
            Self::AsNumber => "as_number",
            Self::IsBool => "is_bool",
            Self::IsDefined => "is_defined",
            Self::IsNull => "is_null",
            Self::IsNumber => "is_number",
            Self::IsString => "is_string",
            Self::Concat => "concat",
            Self::Length => "length",
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Substring => "substring",
            Self::IndexOf => "index_of",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::Contains => "contains",
        }
    }

    /// The kind of its value.
    pub(super) fn result(self) -> Kind {
        match self {
            Self::Abs
            | Self::Exp
            | Self::Power
            | Self::Square
            | Self::Ceiling
            | Self::Floor
            | Self::Sign
            | Self::Sqrt
            | Self::AsNumber
            | Self::Length
            | Self::IndexOf => Kind::Number,
            Self::Concat | Self::Lower | Self::Upper | Self::Substring => Kind::Text,
            Self::IsBool
            | Self::IsDefined
            | Self::IsNull
            | Self::IsNumber
            | Self::IsString
            | Self::StartsWith
            | Self::EndsWith
            | Self::Contains => Kind::Bool,
        }
    }

    /// Whether it takes arguments of these kinds.
    pub(super) fn takes(self, given: &[Kind]) -> bool {
        let fits = |wanted: &[Kind]| {
            wanted.len() == given.len() && wanted.iter().zip(given).all(|(wanted, given)| wanted.takes(*given))
        };
        match self {
            Self::Abs | Self::Exp | Self::Square | Self::Ceiling | Self::Floor | Self::Sign | Self::Sqrt => {
                fits(&[Kind::Number])
            }
            Self::Power => fits(&[Kind::Number, Kind::Number]),
            Self::AsNumber => fits(&[Kind::Text]) || fits(&[Kind::Number]),
            Self::IsBool | Self::IsDefined | Self::IsNull | Self::IsNumber | Self::IsString => given.len() == 1,
            Self::Length | Self::Lower | Self::Upper => fits(&[Kind::Text]),
            Self::Concat => given.len() >= 2 && given.iter().all(|given| Kind::Text.takes(*given)),
            Self::Substring => fits(&[Kind::Text, Kind::Number]) || fits(&[Kind::Text, Kind::Number, Kind::Number]),
            Self::IndexOf | Self::StartsWith | Self::EndsWith | Self::Contains => fits(&[Kind::Text, Kind::Text]),
        }
    }

    /// The function's value. `kinds` are those of the arguments before the message was known.
    pub(super) fn call<'a>(self, arguments: &[Val<'a>], kinds: &[Kind]) -> Val<'a> {
        let kind = kinds.first().copied().unwrap_or(Kind::Undefined);
        match (self, arguments) {
            (Self::IsDefined, [value]) => Val::Bool(!matches!(value, Val::Undefined)),
            (Self::IsNull, [value]) => is_null(value, kind),
            (Self::IsBool, [value]) => match value {
                // Undefined is not false here, when it might have been a truth.
                Val::Undefined if matches!(kind, Kind::Bool | Kind::Dynamic) => Val::Undefined,
                value => Val::Bool(matches!(value, Val::Bool(_))),
            },
            (Self::IsNumber, [value]) => Val::Bool(matches!(value, Val::Number(number) if number.is_finite())),
            (Self::IsString, [value]) => Val::Bool(matches!(value, Val::Text(_))),
            (Self::Concat, texts) => {
                let texts: Option<Vec<&str>> = texts.iter().map(Val::text).collect();
                texts.map_or(Val::Undefined, |texts| Val::Text(Cow::Owned(texts.concat())))
            }
            (Self::AsNumber, [Val::Text(text)]) => as_number(text).map_or(Val::Undefined, Val::number),
            (Self::AsNumber, [Val::Number(number)]) => Val::number(*number),
            (Self::Power, [Val::Number(base), Val::Number(exponent)]) => Val::number(base.powf(*exponent)),
            (_, [Val::Number(number)]) => self.of_number(*number).map_or(Val::Undefined, Val::number),
            (_, [Val::Text(text), rest @ ..]) => self.of_text(text, rest),
            _ => Val::Undefined,
        }
    }

    fn of_number(self, number: f64) -> Option<f64> {
        Some(match self {
            Self::Abs => number.abs(),
            Self::Exp => number.exp(),
            Self::Square => number * number,
            Self::Ceiling => number.ceil(),
            Self::Floor => number.floor(),
            Self::Sign if number == 0.0 => 0.0,
            Self::Sign => number.signum(),
            Self::Sqrt => number.sqrt(),
            _ => return None,
        })
    }

    fn of_text<'a>(self, text: &str, rest: &[Val<'a>]) -> Val<'a> {
        match (self, rest) {
            (Self::Length, []) => Val::Number(units(text)),
            (Self::Lower, []) => Val::Text(Cow::Owned(text.chars().map(|c| simple(c, c.to_lowercase())).collect())),
            (Self::Upper, []) => Val::Text(Cow::Owned(text.chars().map(|c| simple(c, c.to_uppercase())).collect())),
            (Self::StartsWith, [Val::Text(part)]) => Val::Bool(text.starts_with(&**part)),
            (Self::EndsWith, [Val::Text(part)]) => Val::Bool(text.ends_with(&**part)),
            (Self::Contains, [Val::Text(part)]) => Val::Bool(text.contains(&**part)),
            (Self::IndexOf, [Val::Text(part)]) => {
                let before = text.find(&**part).and_then(|at| text.get(..at));
                Val::Number(before.map_or(-1.0, units))
            }
            (Self::Substring, [Val::Number(start)]) => {
                let whole = units(text);
                if (0.0..=whole).contains(start) { cut(text, *start, whole - start.floor()) } else { Val::Undefined }
            }
            (Self::Substring, [Val::Number(start), Val::Number(length)]) => {
                let whole = units(text);
                let fits = (0.0..whole).contains(start) && (0.0..=whole - start).contains(length);
                if fits { cut(text, *start, *length) } else { Val::Undefined }
            }
            _ => Val::Undefined,
        }
    }
}

/// edgeHub compares with one object instead of with null: whatever stands in the body is "null" to it, and what is
/// missing there is not. Texts never are.
fn is_null<'a>(value: &Val<'a>, kind: Kind) -> Val<'a> {
    match (kind, value) {
        (Kind::Dynamic, Val::Undefined) => Val::Undefined,
        (Kind::Dynamic, Val::Missing) => Val::Bool(false),
        (Kind::Dynamic | Kind::Null, _) => Val::Bool(true),
        _ => Val::Bool(false),
    }
}

/// The length in UTF-16 code units, as .NET counts.
fn units(text: &str) -> f64 {
    text.chars().map(|c| if u32::from(c) > 0xffff { 2.0 } else { 1.0 }).sum()
}

/// One character for one: .NET's invariant rules make no `SS` of `ß`.
fn simple(c: char, mapped: impl ExactSizeIterator<Item = char>) -> char {
    let mut mapped = mapped;
    if mapped.len() == 1 { mapped.next().unwrap_or(c) } else { c }
}

/// `length` units from `start`, both cut to whole numbers; half a surrogate pair becomes U+FFFD.
fn cut<'a>(text: &str, start: f64, length: f64) -> Val<'a> {
    let (mut skipped, mut taken) = (0.0, 0.0);
    let part: Vec<u16> = text
        .encode_utf16()
        .filter(|_| {
            if skipped < start.floor() {
                skipped += 1.0;
                return false;
            }
            taken += 1.0;
            taken <= length.floor()
        })
        .collect();
    Val::Text(Cow::Owned(String::from_utf16_lossy(&part)))
}

/// A number as .NET reads it in any style: blanks around it, thousands separators, a sign at the end, parentheses for
/// minus.
fn as_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let (text, negative) = match text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => (inner.trim(), true),
        None => (text, false),
    };
    let (text, negative) = match text.strip_suffix('-') {
        Some(before) if !negative && !before.starts_with(['-', '+']) => (before.trim(), true),
        _ => (text.strip_suffix('+').unwrap_or(text), negative),
    };
    let (whole, rest) = text.split_at(text.find(['.', 'e', 'E']).unwrap_or(text.len()));
    let plain = format!("{}{rest}", whole.replace(',', ""));
    let digits_only = plain.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    let number: f64 = plain.parse().ok().filter(|_| digits_only)?;
    Some(if negative { -number } else { number })
}
