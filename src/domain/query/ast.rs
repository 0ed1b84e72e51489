//! The tree of a query.

use serde_json::Value;

/// A whole query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `TOP n`: at most that many rows over all pages.
    pub top: Option<u64>,
    /// What each row holds.
    pub select: Select,
    /// What is asked.
    pub source: Source,
    /// Which documents count; all of them without one.
    pub condition: Option<Condition>,
    /// The attribute whose values make the groups of an aggregate.
    pub group_by: Option<Path>,
}

impl Query {
    /// Every attribute the rows are made from, `GROUP BY` included; nothing for `*`, which takes all.
    #[must_use]
    pub fn columns(&self) -> Option<Vec<&Path>> {
        let Select::Items(items) = &self.select else { return None };
        Some(items.iter().filter_map(Item::path).chain(&self.group_by).collect())
    }
}

/// What follows `FROM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Device twins.
    Devices,
    /// Module twins.
    Modules,
    /// One row for each device of each scheduled job.
    Jobs,
}

/// What follows `SELECT`.
#[derive(Debug, Clone, PartialEq)]
pub enum Select {
    /// `*`: whole documents.
    All,
    /// A list of attributes or aggregates, at least one.
    Items(Vec<Item>),
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Where the value comes from.
    pub value: Projection,
    /// `AS name`.
    pub alias: Option<String>,
}

impl Item {
    /// The attribute the column is made from; a count has none.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.value {
            Projection::Path(path)
            | Projection::Aggregate(
                Aggregate::Average(path) | Aggregate::Sum(path) | Aggregate::Min(path) | Aggregate::Max(path),
            ) => Some(path),
            Projection::Aggregate(Aggregate::Count) => None,
        }
    }

    /// The member of the row that holds the value: the alias, else the attribute's last segment, else the
    /// aggregate's name.
    #[must_use]
    pub fn name(&self) -> &str {
        match (&self.alias, &self.value) {
            (Some(alias), _) => alias,
            (None, Projection::Path(path)) => path.segments().last().map_or("", String::as_str),
            (None, Projection::Aggregate(Aggregate::Count)) => "count",
            (None, Projection::Aggregate(Aggregate::Average(_))) => "avg",
            (None, Projection::Aggregate(Aggregate::Sum(_))) => "sum",
            (None, Projection::Aggregate(Aggregate::Min(_))) => "min",
            (None, Projection::Aggregate(Aggregate::Max(_))) => "max",
        }
    }
}

/// Where a column's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Projection {
    /// An attribute of the document.
    Path(Path),
    /// A figure over all documents of the group.
    Aggregate(Aggregate),
}

/// A figure over many documents. All but the count look at numbers only and skip everything else.
#[derive(Debug, Clone, PartialEq)]
pub enum Aggregate {
    /// How many documents.
    Count,
    /// Their mean.
    Average(Path),
    /// Their sum.
    Sum(Path),
    /// The least.
    Min(Path),
    /// The greatest.
    Max(Path),
}

/// A boolean expression: what follows `WHERE`, or a deployment's target condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition(pub(super) Expr);

impl Condition {
    /// The expression, to look into (which attributes does it name?).
    #[must_use]
    pub fn expr(&self) -> &Expr {
        &self.0
    }

    /// Every attribute the condition names, in order, repeated when it is named again.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        let mut out = Vec::new();
        self.0.collect_paths(&mut out);
        out
    }

    /// Whether there is an `IN` or `NIN` anywhere in it: queries may have them, target conditions may not.
    #[must_use]
    pub fn has_list(&self) -> bool {
        self.0.has_list()
    }
}

/// An expression. The parser keeps conditions and values apart: operands of `AND`, `OR` and `NOT` are
/// conditions, operands of comparisons and arithmetic are values.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A constant; an array holds constants only.
    Literal(Value),
    /// The constant `undefined`.
    Undefined,
    /// An attribute of the document.
    Path(Path),
    /// A function call, a condition or a value.
    Call(Function, Vec<Expr>),
    /// `a + b`.
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    /// `a = b`.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `a IN [constants]`.
    In {
        /// What is looked for.
        value: Box<Expr>,
        /// `NIN`: true when it is not there.
        negated: bool,
        /// The constants.
        list: Vec<Value>,
    },
    /// `NOT a`.
    Not(Box<Expr>),
    /// `a AND b`.
    And(Box<Expr>, Box<Expr>),
    /// `a OR b`.
    Or(Box<Expr>, Box<Expr>),
}

impl Expr {
    fn collect_paths<'a>(&'a self, out: &mut Vec<&'a Path>) {
        match self {
            Self::Literal(_) | Self::Undefined => {}
            Self::Path(path) => out.push(path),
            Self::Call(_, arguments) => arguments.iter().for_each(|argument| argument.collect_paths(out)),
            Self::In { value: inner, .. } | Self::Not(inner) => inner.collect_paths(out),
            Self::Arithmetic(_, left, right)
            | Self::Compare(_, left, right)
            | Self::And(left, right)
            | Self::Or(left, right) => {
                left.collect_paths(out);
                right.collect_paths(out);
            }
        }
    }

    fn has_list(&self) -> bool {
        match self {
            Self::In { .. } => true,
            Self::Literal(_) | Self::Undefined | Self::Path(_) => false,
            Self::Call(_, arguments) => arguments.iter().any(Self::has_list),
            Self::Not(inner) => inner.has_list(),
            Self::Arithmetic(_, left, right)
            | Self::Compare(_, left, right)
            | Self::And(left, right)
            | Self::Or(left, right) => left.has_list() || right.has_list(),
        }
    }

    /// How tightly the expression binds; an operand that binds less tightly needs parentheses.
    pub(super) fn level(&self) -> u8 {
        match self {
            Self::Or(..) => 1,
            Self::And(..) => 2,
            Self::Not(_) => 3,
            Self::Compare(..) | Self::In { .. } => 4,
            Self::Arithmetic(Arithmetic::Add | Arithmetic::Subtract, ..) => 5,
            Self::Arithmetic(..) => 6,
            Self::Literal(_) | Self::Undefined | Self::Path(_) | Self::Call(..) => 7,
        }
    }
}

/// A function of twin queries. Message routing has more; the hub refuses those here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `IS_DEFINED(attribute)`.
    IsDefined,
    /// `STARTSWITH(text, prefix)`.
    StartsWith,
    /// `ENDSWITH(text, suffix)`.
    EndsWith,
    /// `ARRAY_CONTAINS(array, value)`.
    ArrayContains,
}

impl Function {
    /// All of them, for look-up and for error texts.
    pub(super) const ALL: [Self; 4] = [Self::IsDefined, Self::StartsWith, Self::EndsWith, Self::ArrayContains];

    /// The name, as the hub documents it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::IsDefined => "IS_DEFINED",
            Self::StartsWith => "STARTSWITH",
            Self::EndsWith => "ENDSWITH",
            Self::ArrayContains => "ARRAY_CONTAINS",
        }
    }

    /// How many arguments it takes.
    #[must_use]
    pub fn arity(self) -> usize {
        match self {
            Self::IsDefined => 1,
            Self::StartsWith | Self::EndsWith | Self::ArrayContains => 2,
        }
    }
}

/// An operator between numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// An operator between primitives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=` or `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// An attribute, from the root of the document; without the optional `devices.` in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<String>);

/// The service's own members at the root of a document: matched in any case, written in this one.
const SYSTEM_MEMBERS: [&str; 29] = [
    "deviceId",
    "moduleId",
    "etag",
    "deviceEtag",
    "status",
    "statusReason",
    "statusUpdateTime",
    "connectionState",
    "connectionStateUpdatedTime",
    "lastActivityTime",
    "cloudToDeviceMessageCount",
    "authenticationType",
    "x509Thumbprint",
    "modelId",
    "version",
    "tags",
    "properties",
    "capabilities",
    "configurations",
    "deviceScope",
    "parentScopes",
    "jobId",
    "jobType",
    "startTimeUtc",
    "endTimeUtc",
    "createdDateTimeUtc",
    "lastUpdatedDateTimeUtc",
    "outcome",
    "error",
];

impl Path {
    /// A path from its segments: drops a leading `devices`, `devices.modules` or `devices.jobs`, and spells a
    /// system member at the root as the service does.
    #[must_use]
    pub fn new(segments: Vec<String>) -> Self {
        let mut segments = segments;
        while segments.len() > 1 && segments.first().is_some_and(|first| first.eq_ignore_ascii_case("devices")) {
            let qualified = segments.len() > 2
                && segments.get(1).is_some_and(|second| {
                    second.eq_ignore_ascii_case("modules") || second.eq_ignore_ascii_case("jobs")
                });
            segments.drain(..if qualified { 2 } else { 1 });
        }
        if let Some(first) = segments.first_mut()
            && let Some(canonical) = SYSTEM_MEMBERS.iter().find(|member| member.eq_ignore_ascii_case(first))
        {
            *first = (*canonical).to_owned();
        }
        Self(segments)
    }

    /// The segments, unquoted.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.0
    }
}

/// Words that cannot start an attribute without `[[ ]]`.
pub(super) const KEYWORDS: [&str; 17] = [
    "select",
    "top",
    "from",
    "where",
    "group",
    "by",
    "as",
    "and",
    "or",
    "not",
    "in",
    "nin",
    "true",
    "false",
    "null",
    "undefined",
    "having",
];

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}
