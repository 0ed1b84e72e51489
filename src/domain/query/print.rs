//! The canonical text of a query: what `Display` prints, `parse` reads back as the same tree.

use std::fmt;

use serde_json::Value;

use super::ast::{
    Aggregate, Arithmetic, Comparison, Condition, Expr, Item, Path, Projection, Query, Select, Source, is_keyword,
};
use super::lexer::{continues_name, starts_name};

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments().iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            let plain = segment.starts_with(starts_name) && segment.chars().all(continues_name);
            if plain && !(index == 0 && is_keyword(segment)) {
                f.write_str(segment)?;
            } else {
                write!(f, "[[{segment}]]")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Devices => "devices",
            Self::Modules => "devices.modules",
            Self::Jobs => "devices.jobs",
        })
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("COUNT()"),
            Self::Average(path) => write!(f, "AVG({path})"),
            Self::Sum(path) => write!(f, "SUM({path})"),
            Self::Min(path) => write!(f, "MIN({path})"),
            Self::Max(path) => write!(f, "MAX({path})"),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Projection::Path(path) => path.fmt(f)?,
            Projection::Aggregate(aggregate) => aggregate.fmt(f)?,
        }
        self.alias.as_ref().map_or(Ok(()), |alias| write!(f, " AS {alias}"))
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SELECT ")?;
        if let Some(top) = self.top {
            write!(f, "TOP {top} ")?;
        }
        match &self.select {
            Select::All => f.write_str("*")?,
            Select::Items(items) => separated(f, items)?,
        }
        write!(f, " FROM {}", self.source)?;
        if let Some(condition) = &self.condition {
            write!(f, " WHERE {condition}")?;
        }
        self.group_by.as_ref().map_or(Ok(()), |path| write!(f, " GROUP BY {path}"))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level();
        match self {
            Self::Literal(value) => literal(f, value),
            Self::Undefined => f.write_str("undefined"),
            Self::Path(path) => path.fmt(f),
            Self::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                separated(f, arguments)?;
                f.write_str(")")
            }
            Self::Not(inner) => {
                f.write_str("NOT ")?;
                operand(f, inner, level)
            }
            Self::In { value, negated, list } => {
                operand(f, value, level + 1)?;
                f.write_str(if *negated { " NIN " } else { " IN " })?;
                literal_list(f, list)
            }
            Self::Compare(operator, left, right) => {
                operand(f, left, level + 1)?;
                write!(f, " {operator} ")?;
                operand(f, right, level + 1)
            }
            Self::Arithmetic(operator, left, right) => {
                operand(f, left, level)?;
                write!(f, " {operator} ")?;
                operand(f, right, level + 1)
            }
            Self::And(left, right) => {
                operand(f, left, level)?;
                f.write_str(" AND ")?;
                operand(f, right, level + 1)
            }
            Self::Or(left, right) => {
                operand(f, left, level)?;
                f.write_str(" OR ")?;
                operand(f, right, level + 1)
            }
        }
    }
}

/// An operand, in parentheses when it binds less tightly than the place needs.
fn operand(f: &mut fmt::Formatter<'_>, inner: &Expr, needed: u8) -> fmt::Result {
    if inner.level() < needed { write!(f, "({inner})") } else { write!(f, "{inner}") }
}

fn separated<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

fn literal_list(f: &mut fmt::Formatter<'_>, items: &[Value]) -> fmt::Result {
    // `[[` would open a quoted name.
    f.write_str(if items.first().is_some_and(Value::is_array) { "[ " } else { "[" })?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        literal(f, item)?;
    }
    f.write_str("]")
}

fn literal(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::String(text) => {
            f.write_str("'")?;
            for c in text.chars() {
                match c {
                    '\'' | '\\' => write!(f, "\\{c}")?,
                    '\0'..='\u{1f}' => write!(f, "\\u{:04x}", u32::from(c))?,
                    _ => write!(f, "{c}")?,
                }
            }
            f.write_str("'")
        }
        Value::Array(items) => literal_list(f, items),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => write!(f, "{value}"),
    }
}
