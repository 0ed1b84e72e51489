//! Runs a query over twin documents. Values are three-valued: a missing attribute is undefined (`None`), what is
//! computed from it is undefined, and only `true` selects a row.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use super::ast::{Aggregate, Arithmetic, Comparison, Condition, Expr, Function, Item, Path, Projection, Query, Select};

type Evaluated<'a> = Option<Cow<'a, Value>>;

impl Condition {
    /// Whether the condition is true of the document; undefined is not.
    #[must_use]
    pub fn matches(&self, document: &Value) -> bool {
        truth(&self.0, document) == Some(true)
    }
}

impl Path {
    /// The attribute's value in the document, or nothing when it is undefined there.
    #[must_use]
    pub fn resolve<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.segments().iter().try_fold(document, |node, segment| node.get(segment))
    }
}

impl Query {
    /// Whether the document is among those the query asks for.
    #[must_use]
    pub fn matches(&self, document: &Value) -> bool {
        self.condition.as_ref().is_none_or(|condition| condition.matches(document))
    }

    /// Whether rows are made from many documents, not one each.
    #[must_use]
    pub fn is_aggregate(&self) -> bool {
        match &self.select {
            Select::All => false,
            Select::Items(items) => {
                self.group_by.is_some() || items.iter().any(|item| matches!(item.value, Projection::Aggregate(_)))
            }
        }
    }

    /// The row of one document: the document itself for `*`, else its columns; undefined ones are left out.
    #[must_use]
    pub fn project(&self, document: &Value) -> Value {
        let Select::Items(items) = &self.select else { return document.clone() };
        let mut row = Map::new();
        for item in items {
            if let Projection::Path(path) = &item.value
                && let Some(value) = path.resolve(document)
            {
                row.insert(item.name().to_owned(), value.clone());
            }
        }
        Value::Object(row)
    }

    /// The whole answer: filter, project or aggregate, and `TOP`.
    pub fn run<'a>(&self, documents: impl IntoIterator<Item = &'a Value>) -> Vec<Value> {
        let top = self.top.and_then(|top| usize::try_from(top).ok()).unwrap_or(usize::MAX);
        let matching = documents.into_iter().filter(|document| self.matches(document));
        if self.is_aggregate() {
            let mut groups = Groups::new(self);
            matching.for_each(|document| groups.add(document));
            let mut rows = groups.rows();
            rows.truncate(top);
            return rows;
        }
        matching.take(top).map(|document| self.project(document)).collect()
    }
}

/// The figures of an aggregate query, one document after the other, without keeping the documents.
#[derive(Debug)]
pub struct Groups<'q> {
    items: &'q [Item],
    by: Option<&'q Path>,
    /// In order of first appearance.
    groups: Vec<(Option<Value>, Vec<Figure>)>,
    /// Where the group of a key stands, by the key's JSON text.
    places: HashMap<Option<String>, usize>,
}

impl<'q> Groups<'q> {
    /// Starts an aggregate query; one group from the start when there is no `GROUP BY`, so that a count of
    /// nothing is 0.
    #[must_use]
    pub fn new(query: &'q Query) -> Self {
        let items = match &query.select {
            Select::Items(items) => items.as_slice(),
            Select::All => &[],
        };
        let mut groups = Self { items, by: query.group_by.as_ref(), groups: Vec::new(), places: HashMap::new() };
        if groups.by.is_none() {
            groups.place(None);
        }
        groups
    }

    /// Where the key's group stands; a new one is opened at the end.
    fn place(&mut self, key: Option<&Value>) -> usize {
        *self.places.entry(key.map(Value::to_string)).or_insert_with(|| {
            self.groups.push((key.cloned(), vec![Figure::default(); self.items.len()]));
            self.groups.len() - 1
        })
    }

    /// Counts one matching document in.
    pub fn add(&mut self, document: &Value) {
        let place = self.place(self.by.and_then(|path| path.resolve(document)));
        if let Some((_, figures)) = self.groups.get_mut(place) {
            for (item, figure) in self.items.iter().zip(figures) {
                figure.add(item, document);
            }
        }
    }

    /// One row for each group.
    #[must_use]
    pub fn rows(&self) -> Vec<Value> {
        self.groups.iter().map(|(key, figures)| self.row(key.as_ref(), figures)).collect()
    }

    /// The same with each group's key as JSON text, which tells groups apart; none is that of documents without the attribute.
    #[must_use]
    pub fn keyed_rows(&self) -> Vec<(Option<String>, Value)> {
        let keyed = |(key, figures): &(Option<Value>, Vec<Figure>)| {
            (key.as_ref().map(Value::to_string), self.row(key.as_ref(), figures))
        };
        self.groups.iter().map(keyed).collect()
    }

    fn row(&self, key: Option<&Value>, figures: &[Figure]) -> Value {
        let mut row = Map::new();
        for (item, figure) in self.items.iter().zip(figures) {
            let value = match &item.value {
                Projection::Path(_) => key.cloned(),
                Projection::Aggregate(aggregate) => figure.value(aggregate),
            };
            if let Some(value) = value {
                row.insert(item.name().to_owned(), value);
            }
        }
        Value::Object(row)
    }
}

#[derive(Debug, Clone, Default)]
struct Figure {
    /// Documents for a count, numbers for the rest.
    count: u32,
    sum: f64,
    least: Option<Number>,
    greatest: Option<Number>,
}

impl Figure {
    fn add(&mut self, item: &Item, document: &Value) {
        let Some(path) = item.path() else {
            self.count += 1;
            return;
        };
        let Some(Value::Number(number)) = path.resolve(document) else { return };
        self.count += 1;
        self.sum += number.as_f64().unwrap_or_default();
        if self.least.as_ref().is_none_or(|least| order_numbers(number, least) == Some(Ordering::Less)) {
            self.least = Some(number.clone());
        }
        if self.greatest.as_ref().is_none_or(|greatest| order_numbers(number, greatest) == Some(Ordering::Greater)) {
            self.greatest = Some(number.clone());
        }
    }

    fn value(&self, aggregate: &Aggregate) -> Option<Value> {
        match aggregate {
            Aggregate::Count => Some(self.count.into()),
            Aggregate::Sum(_) => number(self.sum),
            Aggregate::Average(_) if self.count == 0 => None,
            Aggregate::Average(_) => number(self.sum / f64::from(self.count)),
            Aggregate::Min(_) => self.least.clone().map(Value::Number),
            Aggregate::Max(_) => self.greatest.clone().map(Value::Number),
        }
    }
}

fn number(value: f64) -> Option<Value> {
    Number::from_f64(value).map(Value::Number)
}

fn evaluate<'a>(expr: &'a Expr, document: &'a Value) -> Evaluated<'a> {
    match expr {
        Expr::Literal(value) => Some(Cow::Borrowed(value)),
        Expr::Undefined => None,
        Expr::Path(path) => path.resolve(document).map(Cow::Borrowed),
        Expr::Arithmetic(operator, left, right) => {
            let left = evaluate(left, document)?.as_f64()?;
            let right = evaluate(right, document)?.as_f64()?;
            let result = match operator {
                Arithmetic::Add => left + right,
                Arithmetic::Subtract => left - right,
                Arithmetic::Multiply => left * right,
                Arithmetic::Divide => left / right,
                Arithmetic::Remainder => left % right,
            };
            // Division by zero has no JSON number, so it is undefined.
            number(result).map(Cow::Owned)
        }
        Expr::Call(..) | Expr::Compare(..) | Expr::In { .. } | Expr::Not(_) | Expr::And(..) | Expr::Or(..) => {
            truth(expr, document).map(|truth| Cow::Owned(Value::Bool(truth)))
        }
    }
}

/// A condition's truth; `None` is undefined.
fn truth(expr: &Expr, document: &Value) -> Option<bool> {
    match expr {
        Expr::Compare(operator, left, right) => {
            let (left, right) = (evaluate(left, document)?, evaluate(right, document)?);
            compare(*operator, &left, &right)
        }
        Expr::In { value, negated, list } => {
            let value = evaluate(value, document)?;
            let found = list.iter().any(|item| compare(Comparison::Equal, &value, item) == Some(true));
            Some(found != *negated)
        }
        Expr::Call(function, arguments) => call(*function, arguments, document),
        Expr::Not(inner) => truth(inner, document).map(|truth| !truth),
        // Undefined does not decide; the other side may.
        Expr::And(left, right) => match (truth(left, document), truth(right, document)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Expr::Or(left, right) => match (truth(left, document), truth(right, document)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Expr::Literal(Value::Bool(truth)) => Some(*truth),
        Expr::Literal(_) | Expr::Undefined | Expr::Path(_) | Expr::Arithmetic(..) => None,
    }
}

fn call(function: Function, arguments: &[Expr], document: &Value) -> Option<bool> {
    let mut values = arguments.iter().map(|argument| evaluate(argument, document));
    let first = values.next().flatten();
    let second = values.next().flatten();
    match function {
        Function::IsDefined => Some(first.is_some()),
        Function::StartsWith => Some(first?.as_str()?.starts_with(second?.as_str()?)),
        Function::EndsWith => Some(first?.as_str()?.ends_with(second?.as_str()?)),
        Function::ArrayContains => {
            let (array, wanted) = (first?, second?);
            let items = array.as_array()?;
            Some(items.iter().any(|item| compare(Comparison::Equal, item, &wanted) == Some(true)))
        }
    }
}

/// Primitives of one type compare; anything else is undefined.
fn compare(operator: Comparison, left: &Value, right: &Value) -> Option<bool> {
    let ordering = match (left, right) {
        (Value::String(left), Value::String(right)) => left.as_str().cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => order_numbers(left, right)?,
        (Value::Null, Value::Null) => Ordering::Equal,
        _ => return None,
    };
    Some(match operator {
        Comparison::Equal => ordering.is_eq(),
        Comparison::NotEqual => ordering.is_ne(),
        Comparison::Less => ordering.is_lt(),
        Comparison::LessOrEqual => ordering.is_le(),
        Comparison::Greater => ordering.is_gt(),
        Comparison::GreaterOrEqual => ordering.is_ge(),
    })
}

fn order_numbers(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}
