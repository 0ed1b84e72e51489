//! Tokens to tree. Three things refuse a text, as in edgeHub: the grammar and the endpoints at once, and the
//! compiler of conditions later, when the twin was already answered with 200. What the compiler refuses is kept and
//! said only when the grammar has no complaint.

use super::RouteError;
use super::ast::{Binary, Expr, Route, Sink, Source, UNARY};
use super::body::BodyPath;
use super::functions::Function;
use super::lexer::{Spanned, Token, tokens};
use super::literal::{number, unescape};
use super::sink::{module_sink, system_sink};
use super::types::{Kind, binary, kind, may_invert, may_negate};
use crate::domain::text::Untrusted;

/// Nesting and operators are bounded, so that no text can exhaust the stack; real routes stay far below.
const MAX_NESTING: usize = 64;
const MAX_OPERATORS: usize = 1_000;

/// Parses a route.
///
/// # Errors
/// [`RouteError`] with the place and with what edgeHub does about it. Text after the endpoint is ignored, as there.
pub fn parse(text: &str) -> Result<Route, RouteError> {
    let tokens = tokens(text);
    if tokens.is_empty() {
        let words = "Source cannot be null or empty".to_owned();
        return Err(RouteError::reported("a route begins with FROM, but nothing stands here", 0, words));
    }
    let mut parser = Parser { tokens, next: 0, end: text.len(), nesting: 0, operators: 0, open: 0, refused: None };
    let route = parser.route()?;
    parser.refused.map_or(Ok(route), Err)
}

struct Parser<'a> {
    tokens: Vec<Spanned<'a>>,
    next: usize,
    end: usize,
    nesting: usize,
    operators: usize,
    /// Parentheses that wait for their end.
    open: usize,
    /// The first thing the compiler will refuse.
    refused: Option<RouteError>,
}

type Parsed<T> = Result<T, RouteError>;

impl<'a> Parser<'a> {
    fn token(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.next).map(|spanned| &spanned.token)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |spanned| spanned.offset)
    }

    /// A refusal by the grammar at the next token.
    fn expected<T>(&self, what: &str) -> Parsed<T> {
        let shown = |text: &str| Untrusted::new(text).shown().as_str().to_owned();
        let found = match self.token() {
            None => "the text ends".to_owned(),
            Some(Token::Keyword(word)) => format!("{word} stands here"),
            Some(Token::Name(text) | Token::Number(text) | Token::Constant(text) | Token::Bracketed(text)) => {
                format!("{} stands here", shown(text))
            }
            Some(Token::System(name)) => format!("${} stands here", shown(name)),
            Some(Token::Text(_)) => "a text stands here".to_owned(),
            Some(Token::OpenText(_)) => "a text stands here that is never closed".to_owned(),
            Some(Token::Symbol(symbol)) => format!("{symbol} stands here"),
            Some(Token::Unknown(c)) => format!("{} stands here", shown(&c.to_string())),
        };
        Err(RouteError::syntax(format!("expected {what}, but {found}"), self.offset()))
    }

    fn refuse(&mut self, message: impl Into<String>, offset: usize) {
        if self.refused.is_none() {
            self.refused = Some(RouteError::silent(message, offset));
        }
    }

    fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.token(), Some(Token::Symbol(found)) if *found == symbol);
        self.next += usize::from(found);
        found
    }

    fn eat_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.token(), Some(Token::Keyword(found)) if *found == keyword);
        self.next += usize::from(found);
        found
    }

    fn need_symbol(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat_symbol(symbol) { Ok(()) } else { self.expected(symbol) }
    }

    fn route(&mut self) -> Parsed<Route> {
        if self.eat_keyword("SELECT") {
            self.need_symbol("*")?;
        }
        if !self.eat_keyword("FROM") {
            return self.expected("FROM");
        }
        let source = self.source()?;
        let condition = if self.eat_keyword("WHERE") { Some(self.expression(0)?) } else { None };
        if !self.eat_keyword("INTO") {
            return self.expected(if condition.is_some() { "an operator or INTO" } else { "WHERE or INTO" });
        }
        let sink = self.sink()?;
        Ok(Route { source, condition, sink })
    }

    fn source(&mut self) -> Parsed<Source> {
        let mut text = String::new();
        while self.eat_symbol("/") {
            text.push('/');
            match self.token() {
                Some(Token::Symbol("*")) => text.push('*'),
                Some(Token::Name(name)) => text.push_str(name),
                Some(Token::Keyword(_) | Token::Number(_) | Token::Constant(_)) => {
                    return self.expected("a name that is neither a number nor a word of the language");
                }
                _ => return self.expected("a name or *"),
            }
            self.next += 1;
        }
        if text.is_empty() { self.expected("a source such as /messages/*") } else { Ok(Source::new(text)) }
    }

    fn sink(&mut self) -> Parsed<Sink> {
        let at = self.offset();
        match self.token() {
            Some(Token::System(name)) => {
                let sink = system_sink(name, at)?;
                self.next += 1;
                Ok(sink)
            }
            Some(Token::Name(function)) => {
                let function = *function;
                self.next += 1;
                self.need_symbol("(")?;
                let address_at = self.offset();
                let Some(Token::Text(quoted)) = self.token() else {
                    return self.expected("an address such as \"/modules/name/inputs/input\"");
                };
                let address = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
                self.next += 1;
                self.need_symbol(")")?;
                module_sink(function, at, address, address_at)
            }
            _ => self.expected("$upstream or BrokeredEndpoint(\"/modules/name/inputs/input\")"),
        }
    }

    fn operator(&mut self) -> Parsed<()> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(RouteError::syntax(format!("more than {MAX_OPERATORS} operators"), self.offset()));
        }
        Ok(())
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting == MAX_NESTING {
            return Err(RouteError::syntax(format!("nested more than {MAX_NESTING} deep"), self.offset()));
        }
        self.nesting += 1;
        let out = inner(self);
        self.nesting -= 1;
        out
    }

    /// An expression of operators that bind tighter than `level`.
    fn expression(&mut self, level: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        loop {
            let at = self.offset();
            if let Some(Token::Unknown(c)) = self.token() {
                // The grammar takes it for an operator, so that the compiler can complain.
                let message = format!("{} means nothing here", Untrusted::new(c.to_string()).shown().as_str());
                self.next += 1;
                self.operator()?;
                self.refuse(message, at);
                self.nested(|parser| parser.expression(0))?;
                left = Expr::Undefined;
                continue;
            }
            let Some(operator) = self.binary_operator().filter(|operator| operator.level() > level) else {
                return Ok(left);
            };
            self.next += 1;
            self.operator()?;
            let right = self.expression(operator.level())?;
            let (a, b) = (kind(&left), kind(&right));
            if binary(operator, a, b).is_some() {
                left = Expr::Binary(operator, Box::new(left), Box::new(right));
            } else {
                self.refuse(mismatch(operator, a, b), at);
                left = Expr::Undefined;
            }
        }
    }

    fn binary_operator(&self) -> Option<Binary> {
        Some(match self.token()? {
            Token::Symbol(symbol) => match *symbol {
                "*" => Binary::Multiply,
                "/" => Binary::Divide,
                "%" => Binary::Remainder,
                "+" => Binary::Add,
                "-" => Binary::Subtract,
                "||" => Binary::Concat,
                "<" => Binary::Less,
                "<=" => Binary::LessOrEqual,
                ">" => Binary::Greater,
                ">=" => Binary::GreaterOrEqual,
                "=" => Binary::Equal,
                "!=" | "<>" => Binary::NotEqual,
                "??" => Binary::Coalesce,
                _ => return None,
            },
            Token::Keyword("AND") => Binary::And,
            Token::Keyword("OR") => Binary::Or,
            _ => return None,
        })
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let at = self.offset();
        if self.eat_symbol("-") {
            self.operator()?;
            let inner = self.nested(|parser| parser.expression(UNARY))?;
            let found = kind(&inner);
            if may_negate(found) {
                return Ok(Expr::Negate(Box::new(inner)));
            }
            self.refuse(format!("- takes a number, and this is {}", found.words()), at);
            return Ok(Expr::Undefined);
        }
        if self.eat_keyword("NOT") {
            self.operator()?;
            let inner = self.nested(|parser| parser.expression(UNARY))?;
            let found = kind(&inner);
            if may_invert(found) {
                return Ok(Expr::Not(Box::new(inner)));
            }
            let hint = "it binds tighter than = and <, so write NOT (a = b)";
            self.refuse(format!("NOT takes true or false, and this is {}; {hint}", found.words()), at);
            return Ok(Expr::Undefined);
        }
        self.primary()
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let at = self.offset();
        let Some(token) = self.token().cloned() else { return self.expected("a value") };
        match token {
            Token::Symbol("(") => {
                self.next += 1;
                self.open += 1;
                let inner = self.nested(|parser| parser.expression(0))?;
                self.open -= 1;
                if !self.eat_symbol(")") {
                    self.refuse("( is never closed by )", at);
                }
                self.extra_parenthesis();
                return Ok(inner);
            }
            Token::Symbol("{") => {
                self.next += 1;
                let Some(Token::System(name)) = self.token().cloned() else {
                    return self.expected("a system property such as $contentType");
                };
                let name_at = self.offset();
                self.next += 1;
                self.need_symbol("}")?;
                return Ok(self.system(name, true, name_at));
            }
            Token::Name(name) => {
                self.next += 1;
                if self.eat_symbol("(") {
                    self.open += 1;
                    let call = self.call(name, at)?;
                    self.open -= 1;
                    self.extra_parenthesis();
                    return Ok(call);
                }
                return Ok(Expr::Property(name.to_owned()));
            }
            Token::Unknown(c) => {
                self.next += 1;
                let message = format!("{} means nothing here", Untrusted::new(c.to_string()).shown().as_str());
                self.refuse(message, at);
                if self.starts_value() {
                    self.nested(|parser| parser.expression(0))?;
                }
                return Ok(Expr::Undefined);
            }
            _ => {}
        }
        let value = match token {
            Token::System(name) => self.system(name, false, at),
            Token::Text(quoted) => {
                Expr::Text(unescape(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default()))
            }
            Token::OpenText(_) => {
                self.refuse("the text is never closed", at);
                Expr::Undefined
            }
            Token::Number(text) => number(text),
            Token::Constant("true") => Expr::Bool(true),
            Token::Constant("false") => Expr::Bool(false),
            Token::Constant("null") => Expr::Null,
            Token::Constant(_) => Expr::Undefined,
            _ => return self.expected("a value"),
        };
        self.next += 1;
        Ok(value)
    }

    fn starts_value(&self) -> bool {
        match self.token() {
            None | Some(Token::Bracketed(_)) => false,
            Some(Token::Keyword(word)) => *word == "NOT",
            Some(Token::Symbol(symbol)) => matches!(*symbol, "(" | "{" | "-"),
            Some(_) => true,
        }
    }

    /// One `)` too many is the compiler's business, a second one the grammar's.
    fn extra_parenthesis(&mut self) {
        let at = self.offset();
        if self.open == 0 && self.eat_symbol(")") {
            self.refuse(") closes nothing", at);
        }
    }

    fn call(&mut self, name: &str, at: usize) -> Parsed<Expr> {
        let mut arguments = Vec::new();
        if !self.eat_symbol(")") {
            loop {
                arguments.push(self.nested(|parser| parser.expression(0))?);
                if self.eat_symbol(")") {
                    break;
                }
                self.need_symbol(",")?;
            }
        }
        let Some(function) = Function::named(name) else {
            let name = Untrusted::new(name).shown();
            let message = if name.as_str().eq_ignore_ascii_case("twin_change_includes") {
                "edgeHub refuses twin_change_includes on every source".to_owned()
            } else {
                format!("{} is no function of edgeHub", name.as_str())
            };
            self.refuse(message, at);
            return Ok(Expr::Undefined);
        };
        let kinds: Vec<Kind> = arguments.iter().map(kind).collect();
        if function.takes(&kinds) {
            return Ok(Expr::Call(function, arguments));
        }
        let given: Vec<&str> = kinds.into_iter().map(Kind::words).collect();
        self.refuse(format!("{} does not take ({})", function.name(), given.join(", ")), at);
        Ok(Expr::Undefined)
    }

    fn system(&mut self, name: &str, escaped: bool, at: usize) -> Expr {
        if !BodyPath::begins(name) {
            return Expr::System { name: name.to_owned(), escaped };
        }
        match BodyPath::parse(name) {
            Some(path) => Expr::Body { path, escaped },
            None => {
                self.refuse("a path into the body is names with dots between, and [0] after a list", at);
                Expr::Undefined
            }
        }
    }
}

fn mismatch(operator: Binary, left: Kind, right: Kind) -> String {
    let (a, b) = (left.words(), right.words());
    let hint = match (left, right) {
        (Kind::Text, Kind::Number) | (Kind::Number, Kind::Text) => "; a property becomes a number by as_number(name)",
        (Kind::Bool, Kind::Dynamic) => "; put the value of the body on the left",
        (Kind::Undefined, _) | (_, Kind::Undefined) => "; ask IS_DEFINED(name) instead",
        _ => "",
    };
    format!("edgeHub has no {a} {} {b}{hint}", operator.symbol())
}
