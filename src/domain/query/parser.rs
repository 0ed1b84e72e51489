//! Tokens to tree, by recursive descent; every refusal names the place and what would be right there.

use serde_json::{Number, Value};

use super::ast::{
    Aggregate, Arithmetic, Comparison, Condition, Expr, Function, Item, Path, Projection, Query, Select, Source,
    is_keyword,
};
use super::lexer::{Dialect, Spanned, Token, tokens};
use super::{MAX_QUERY_CHARS, QueryError};

/// Nesting and operators are bounded, so that no text can exhaust the stack; real queries stay far below.
const MAX_NESTING: usize = 64;
const MAX_OPERATORS: usize = 1_000;

/// Parses a query.
///
/// # Errors
/// [`QueryError`] with the place, for anything the hub's grammar does not have, and for texts over
/// [`MAX_QUERY_CHARS`].
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let mut parser = Parser::new(text, Dialect::Query)?;
    let query = parser.query()?;
    parser.end()?;
    Ok(query)
}

/// Parses what may follow `WHERE`.
///
/// # Errors
/// As [`parse`].
pub fn parse_condition(text: &str) -> Result<Condition, QueryError> {
    condition(text, Dialect::Query)
}

/// Parses a deployment's target condition (not `*`, which is no condition): single quotes only, doubled inside.
/// Which attributes it may name is the deployment's rule, see [`Condition::paths`].
///
/// # Errors
/// As [`parse`].
pub fn parse_target_condition(text: &str) -> Result<Condition, QueryError> {
    condition(text, Dialect::TargetCondition)
}

fn condition(text: &str, dialect: Dialect) -> Result<Condition, QueryError> {
    let mut parser = Parser::new(text, dialect)?;
    let condition = parser.condition()?;
    parser.end()?;
    Ok(condition)
}

struct Parser {
    tokens: Vec<Spanned>,
    next: usize,
    end: usize,
    nesting: usize,
    operators: usize,
}

impl Parser {
    fn new(text: &str, dialect: Dialect) -> Result<Self, QueryError> {
        if let Some((offset, _)) = text.char_indices().nth(MAX_QUERY_CHARS) {
            return Err(QueryError::new(format!("a query has at most {MAX_QUERY_CHARS} characters"), offset));
        }
        Ok(Self { tokens: tokens(text, dialect)?, next: 0, end: text.len(), nesting: 0, operators: 0 })
    }

    fn token(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|spanned| &spanned.token)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |spanned| spanned.offset)
    }

    /// A refusal at the next token.
    fn expected<T>(&self, what: &str) -> Result<T, QueryError> {
        let found = match self.token() {
            None => "the text ends".to_owned(),
            Some(Token::Word(word)) => format!("{word} stands here"),
            Some(Token::Quoted(name)) => format!("[[{name}]] stands here"),
            Some(Token::Text(_)) => "a text stands here".to_owned(),
            Some(Token::Number(number)) => format!("{number} stands here"),
            Some(Token::Symbol(symbol)) => format!("{symbol} stands here"),
        };
        Err(QueryError::new(format!("expected {what}, but {found}"), self.offset()))
    }

    fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.token(), Some(Token::Symbol(found)) if *found == symbol);
        self.next += usize::from(found);
        found
    }

    fn eat_word(&mut self, keyword: &str) -> bool {
        let found = matches!(self.token(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    fn need_symbol(&mut self, symbol: &str) -> Result<(), QueryError> {
        if self.eat_symbol(symbol) { Ok(()) } else { self.expected(symbol) }
    }

    fn need_word(&mut self, keyword: &str) -> Result<(), QueryError> {
        if self.eat_word(keyword) { Ok(()) } else { self.expected(keyword) }
    }

    fn end(&self) -> Result<(), QueryError> {
        if self.token().is_none() { Ok(()) } else { self.expected("the end") }
    }

    fn query(&mut self) -> Result<Query, QueryError> {
        self.need_word("SELECT")?;
        let top = if self.eat_word("TOP") { Some(self.whole_number()?) } else { None };
        let list_at = self.offset();
        let select = if self.eat_symbol("*") { Select::All } else { self.items()? };
        self.need_word("FROM")?;
        let source_at = self.offset();
        let source = self.source()?;
        let condition = if self.eat_word("WHERE") { Some(self.condition()?) } else { None };
        let group_by = if self.eat_word("GROUP") {
            self.need_word("BY")?;
            Some(self.path()?)
        } else {
            None
        };
        let query = Query { top, select, source, condition, group_by };
        check_shape(&query, list_at, source_at)?;
        Ok(query)
    }

    fn whole_number(&mut self) -> Result<u64, QueryError> {
        if let Some(Token::Number(number)) = self.token()
            && let Some(n) = number.as_u64().filter(|n| *n > 0)
        {
            self.next += 1;
            return Ok(n);
        }
        self.expected("a whole number above 0")
    }

    fn source(&mut self) -> Result<Source, QueryError> {
        self.need_word("devices")?;
        if !self.eat_symbol(".") {
            return Ok(Source::Devices);
        }
        if self.eat_word("modules") {
            Ok(Source::Modules)
        } else if self.eat_word("jobs") {
            Ok(Source::Jobs)
        } else {
            self.expected("modules or jobs")
        }
    }

    fn items(&mut self) -> Result<Select, QueryError> {
        let mut items = Vec::new();
        loop {
            let value = match self.aggregate()? {
                Some(aggregate) => Projection::Aggregate(aggregate),
                None => Projection::Path(self.path()?),
            };
            let alias = if self.eat_word("AS") { Some(self.alias()?) } else { None };
            items.push(Item { value, alias });
            if !self.eat_symbol(",") {
                return Ok(Select::Items(items));
            }
        }
    }

    fn alias(&mut self) -> Result<String, QueryError> {
        match self.token() {
            Some(Token::Word(word)) if !is_keyword(word) => {
                let word = word.clone();
                self.next += 1;
                Ok(word)
            }
            _ => self.expected("a name for the column"),
        }
    }

    /// An aggregate, when one starts here: its name followed by `(`.
    fn aggregate(&mut self) -> Result<Option<Aggregate>, QueryError> {
        let Some(Token::Word(word)) = self.token() else { return Ok(None) };
        let opens = self.tokens.get(self.next + 1).is_some_and(|next| next.token == Token::Symbol("("));
        if !opens {
            return Ok(None);
        }
        let word = word.to_ascii_lowercase();
        if !["count", "avg", "sum", "min", "max"].contains(&word.as_str()) {
            return self.expected("COUNT(), AVG, SUM, MIN, MAX or an attribute");
        }
        self.next += 2;
        let aggregate = match word.as_str() {
            "count" => Aggregate::Count,
            "avg" => Aggregate::Average(self.path()?),
            "sum" => Aggregate::Sum(self.path()?),
            "min" => Aggregate::Min(self.path()?),
            _ => Aggregate::Max(self.path()?),
        };
        self.need_symbol(")")?;
        Ok(Some(aggregate))
    }

    fn path(&mut self) -> Result<Path, QueryError> {
        let mut segments = Vec::new();
        loop {
            match self.token() {
                Some(Token::Word(word)) if !segments.is_empty() || !is_keyword(word) => segments.push(word.clone()),
                Some(Token::Quoted(name)) => segments.push(name.clone()),
                _ => return self.expected("an attribute"),
            }
            self.next += 1;
            if !self.eat_symbol(".") {
                return Ok(Path::new(segments));
            }
        }
    }

    fn condition(&mut self) -> Result<Condition, QueryError> {
        let at = self.offset();
        let expr = self.or()?;
        // `configurations.base-1.status` reads as a subtraction, and then stumbles over the second dot.
        if matches!(self.token(), Some(Token::Symbol("."))) {
            let hint = "expected the end, but . stands here; a name with - in it is written [[base-1]]";
            return Err(QueryError::new(hint, self.offset()));
        }
        require_condition(&expr, at)?;
        Ok(Condition(expr))
    }

    fn operator(&mut self) -> Result<(), QueryError> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(QueryError::new(format!("more than {MAX_OPERATORS} operators; use IN [...]"), self.offset()));
        }
        Ok(())
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, QueryError>) -> Result<T, QueryError> {
        if self.nesting == MAX_NESTING {
            return Err(QueryError::new(format!("nested more than {MAX_NESTING} deep"), self.offset()));
        }
        self.nesting += 1;
        let out = inner(self);
        self.nesting -= 1;
        out
    }

    fn or(&mut self) -> Result<Expr, QueryError> {
        let at = self.offset();
        let mut left = self.and()?;
        loop {
            let operator_at = self.offset();
            if !self.eat_word("OR") {
                return Ok(left);
            }
            self.operator()?;
            require_condition(&left, at)?;
            let right_at = self.offset();
            let right = self.and()?;
            require_condition(&right, right_at.max(operator_at))?;
            left = Expr::Or(Box::new(left), Box::new(right));
        }
    }

    fn and(&mut self) -> Result<Expr, QueryError> {
        let at = self.offset();
        let mut left = self.not()?;
        while self.eat_word("AND") {
            self.operator()?;
            require_condition(&left, at)?;
            let right_at = self.offset();
            let right = self.not()?;
            require_condition(&right, right_at)?;
            left = Expr::And(Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, QueryError> {
        if !self.eat_word("NOT") {
            return self.comparison();
        }
        let at = self.offset();
        let inner = self.nested(Self::not)?;
        require_condition(&inner, at)?;
        Ok(Expr::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Result<Expr, QueryError> {
        let at = self.offset();
        let left = self.sum()?;
        let operator = match self.token() {
            Some(Token::Symbol("=")) => Comparison::Equal,
            Some(Token::Symbol("!=" | "<>")) => Comparison::NotEqual,
            Some(Token::Symbol("<")) => Comparison::Less,
            Some(Token::Symbol("<=")) => Comparison::LessOrEqual,
            Some(Token::Symbol(">")) => Comparison::Greater,
            Some(Token::Symbol(">=")) => Comparison::GreaterOrEqual,
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("in") || word.eq_ignore_ascii_case("nin") => {
                let negated = word.eq_ignore_ascii_case("nin");
                self.next += 1;
                self.operator()?;
                require_value(&left, at)?;
                let list_at = self.offset();
                let list = self.list()?;
                if list.is_empty() {
                    return Err(QueryError::new("there is nothing in the list; it needs a constant", list_at));
                }
                return Ok(Expr::In { value: Box::new(left), negated, list });
            }
            _ => return Ok(left),
        };
        self.next += 1;
        self.operator()?;
        require_value(&left, at)?;
        let right_at = self.offset();
        let right = self.sum()?;
        require_value(&right, right_at)?;
        Ok(Expr::Compare(operator, Box::new(left), Box::new(right)))
    }

    fn sum(&mut self) -> Result<Expr, QueryError> {
        let at = self.offset();
        let mut left = self.product()?;
        loop {
            let operator = match self.token() {
                Some(Token::Symbol("+")) => Arithmetic::Add,
                Some(Token::Symbol("-")) => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            left = self.arithmetic(operator, left, at, Self::product)?;
        }
    }

    fn product(&mut self) -> Result<Expr, QueryError> {
        let at = self.offset();
        let mut left = self.primary()?;
        loop {
            let operator = match self.token() {
                Some(Token::Symbol("*")) => Arithmetic::Multiply,
                Some(Token::Symbol("/")) => Arithmetic::Divide,
                Some(Token::Symbol("%")) => Arithmetic::Remainder,
                _ => return Ok(left),
            };
            left = self.arithmetic(operator, left, at, Self::primary)?;
        }
    }

    fn arithmetic(
        &mut self,
        operator: Arithmetic,
        left: Expr,
        left_at: usize,
        operand: impl FnOnce(&mut Self) -> Result<Expr, QueryError>,
    ) -> Result<Expr, QueryError> {
        self.next += 1;
        self.operator()?;
        require_value(&left, left_at)?;
        let right_at = self.offset();
        let right = operand(self)?;
        require_value(&right, right_at)?;
        Ok(Expr::Arithmetic(operator, Box::new(left), Box::new(right)))
    }

    fn primary(&mut self) -> Result<Expr, QueryError> {
        if self.eat_symbol("(") {
            let inner = self.nested(Self::or)?;
            self.need_symbol(")")?;
            return Ok(inner);
        }
        if self.eat_word("undefined") {
            return Ok(Expr::Undefined);
        }
        if let Some(value) = self.constant()? {
            return Ok(Expr::Literal(value));
        }
        if let Some(Token::Word(word)) = self.token()
            && self.tokens.get(self.next + 1).is_some_and(|next| next.token == Token::Symbol("("))
            && !is_keyword(word)
        {
            return self.call();
        }
        self.path().map(Expr::Path)
    }

    fn call(&mut self) -> Result<Expr, QueryError> {
        let at = self.offset();
        let Some(Token::Word(word)) = self.token() else { return self.expected("a function") };
        let Some(function) = Function::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(word)) else {
            let known = Function::ALL.map(Function::name).join(", ");
            return Err(QueryError::new(format!("{word} is no function of twin queries; those are {known}"), at));
        };
        self.next += 2;
        let mut arguments = Vec::new();
        if !self.eat_symbol(")") {
            loop {
                let argument_at = self.offset();
                let argument = self.nested(Self::sum)?;
                require_value(&argument, argument_at)?;
                arguments.push(argument);
                if self.eat_symbol(")") {
                    break;
                }
                self.need_symbol(",")?;
            }
        }
        if arguments.len() != function.arity() {
            let (name, arity, given) = (function.name(), function.arity(), arguments.len());
            return Err(QueryError::new(format!("{name} takes {arity} arguments, {given} are given"), at));
        }
        if function == Function::IsDefined && !matches!(arguments.first(), Some(Expr::Path(_))) {
            return Err(QueryError::new("IS_DEFINED takes an attribute", at));
        }
        Ok(Expr::Call(function, arguments))
    }

    /// A constant, when one starts here.
    fn constant(&mut self) -> Result<Option<Value>, QueryError> {
        let value = match self.token() {
            Some(Token::Text(text)) => Value::String(text.clone()),
            Some(Token::Number(number)) => Value::Number(number.clone()),
            Some(Token::Symbol("-")) => {
                self.next += 1;
                let Some(Token::Number(number)) = self.token() else { return self.expected("a number") };
                Value::Number(negative(number))
            }
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Value::Bool(true),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Value::Bool(false),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => Value::Null,
            Some(Token::Symbol("[")) => return self.nested(Self::list).map(|items| Some(Value::Array(items))),
            _ => return Ok(None),
        };
        self.next += 1;
        Ok(Some(value))
    }

    fn list(&mut self) -> Result<Vec<Value>, QueryError> {
        self.need_symbol("[")?;
        let mut items = Vec::new();
        if self.eat_symbol("]") {
            return Ok(items);
        }
        loop {
            match self.constant()? {
                Some(value) => items.push(value),
                None => return self.expected("a constant"),
            }
            if self.eat_symbol("]") {
                return Ok(items);
            }
            self.need_symbol(",")?;
        }
    }
}

fn negative(number: &Number) -> Number {
    let whole = number.as_u64().and_then(|n| 0_i64.checked_sub_unsigned(n));
    whole
        .map(Number::from)
        .or_else(|| number.as_f64().and_then(|n| Number::from_f64(-n)))
        .unwrap_or_else(|| number.clone())
}

fn require_condition(expr: &Expr, offset: usize) -> Result<(), QueryError> {
    match expr {
        Expr::Compare(..) | Expr::In { .. } | Expr::Not(_) | Expr::And(..) | Expr::Or(..) | Expr::Call(..) => Ok(()),
        Expr::Literal(_) | Expr::Undefined | Expr::Path(_) | Expr::Arithmetic(..) => Err(QueryError::new(
            "this is a value, not a condition; compare it with something, as in tags.ready = true",
            offset,
        )),
    }
}

fn require_value(expr: &Expr, offset: usize) -> Result<(), QueryError> {
    match expr {
        Expr::Literal(_) | Expr::Undefined | Expr::Path(_) | Expr::Arithmetic(..) | Expr::Call(..) => Ok(()),
        Expr::Compare(..) | Expr::In { .. } | Expr::Not(_) | Expr::And(..) | Expr::Or(..) => {
            Err(QueryError::new("this is a condition, not a value; join conditions with AND or OR", offset))
        }
    }
}

/// What the grammar alone does not say: which lists go with which sources and groups.
fn check_shape(query: &Query, list_at: usize, source_at: usize) -> Result<(), QueryError> {
    let Select::Items(items) = &query.select else {
        if query.group_by.is_some() {
            return Err(QueryError::new("GROUP BY needs a list of columns, not *", list_at));
        }
        return Ok(());
    };
    if query.source == Source::Jobs {
        return Err(QueryError::new("devices.jobs can only be asked for *", source_at));
    }
    let aggregates = items.iter().any(|item| matches!(item.value, Projection::Aggregate(_)));
    if aggregates || query.group_by.is_some() {
        for item in items {
            if let Projection::Path(path) = &item.value
                && query.group_by.as_ref() != Some(path)
            {
                return Err(QueryError::new(
                    format!("{path} stands beside an aggregate or GROUP BY, so it must be the GROUP BY attribute"),
                    list_at,
                ));
            }
        }
    }
    Ok(())
}
