//! Text to tokens: strings, numbers, names, `[[quoted names]]` and operators, each with its byte offset.

use serde_json::Number;

use super::QueryError;

/// Which of the two spellings of strings is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A query: `'…'` or `"…"`, with backslash escapes.
    Query,
    /// A target condition: only `'…'`, and `''` is a quote.
    TargetCondition,
}

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A keyword or an identifier; which one, the parser decides from where it stands.
    Word(String),
    /// `[[any characters]]`.
    Quoted(String),
    /// A string constant, unescaped.
    Text(String),
    /// A number constant, never negative.
    Number(Number),
    /// An operator or punctuation.
    Symbol(&'static str),
}

/// A token and where it starts, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) offset: usize,
}

/// Longest first, so that `<=` is not read as `<` and `=`.
const SYMBOLS: [&str; 18] =
    ["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", ".", "*", "+", "-", "/", "%"];

/// Whether `c` may start an identifier; `$` does for `$version` and `$metadata`.
pub(super) fn starts_name(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphabetic()
}

/// Whether `c` may go on in an identifier.
pub(super) fn continues_name(c: char) -> bool {
    starts_name(c) || c.is_numeric()
}

/// Splits `text` into tokens.
pub(super) fn tokens(text: &str, dialect: Dialect) -> Result<Vec<Spanned>, QueryError> {
    let mut lexer = Lexer { text, at: 0, dialect };
    let mut out = Vec::new();
    while let Some(c) = lexer.peek() {
        let offset = lexer.at;
        let token = if c.is_whitespace() {
            lexer.bump(c);
            continue;
        } else if lexer.rest().starts_with("[[") {
            lexer.quoted_name()?
        } else if c == '\'' || c == '"' {
            lexer.string(c)?
        } else if c.is_ascii_digit() {
            lexer.number()?
        } else if starts_name(c) {
            Token::Word(lexer.take_while(continues_name).to_owned())
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| lexer.rest().starts_with(**symbol)) {
            lexer.at += symbol.len();
            Token::Symbol(symbol)
        } else {
            return Err(QueryError::new(format!("{c:?} has no meaning in a query"), offset));
        };
        out.push(Spanned { token, offset });
    }
    Ok(out)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    dialect: Dialect,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self, c: char) {
        self.at += c.len_utf8();
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn quoted_name(&mut self) -> Result<Token, QueryError> {
        let start = self.at;
        let inside = self.rest().get(2..).unwrap_or_default();
        let Some(length) = inside.find("]]") else {
            return Err(QueryError::new("[[ is never closed by ]]", start));
        };
        let name = inside.get(..length).unwrap_or_default();
        if name.is_empty() {
            return Err(QueryError::new("[[]] names nothing", start));
        }
        self.at += length + 4;
        Ok(Token::Quoted(name.to_owned()))
    }

    fn string(&mut self, quote: char) -> Result<Token, QueryError> {
        let start = self.at;
        if quote == '"' && self.dialect == Dialect::TargetCondition {
            return Err(QueryError::new("a target condition takes single quotes only: 'text'", start));
        }
        self.bump(quote);
        let mut out = String::new();
        while let Some(c) = self.peek() {
            let here = self.at;
            self.bump(c);
            match c {
                _ if c == quote => {
                    if self.dialect == Dialect::TargetCondition && self.peek() == Some(quote) {
                        self.bump(quote);
                        out.push(quote);
                    } else {
                        return Ok(Token::Text(out));
                    }
                }
                '\\' => out.push(self.escape(here)?),
                _ => out.push(c),
            }
        }
        Err(QueryError::new(format!("the text is never closed by {quote}"), start))
    }

    fn escape(&mut self, start: usize) -> Result<char, QueryError> {
        let wrong = || QueryError::new(r#"after a backslash stands ', ", \ or u and four hexadecimal digits"#, start);
        let c = self.peek().ok_or_else(wrong)?;
        self.bump(c);
        match c {
            '\'' | '"' | '\\' => Ok(c),
            'u' => {
                let unit = self.code_unit().ok_or_else(wrong)?;
                // A pair of surrogates is one character, as in JSON.
                if (0xd800..0xdc00).contains(&unit) && self.rest().starts_with("\\u") {
                    self.at += 2;
                    let low = self.code_unit().ok_or_else(wrong)?;
                    let units = [unit, low].map(|unit| u16::try_from(unit).unwrap_or_default());
                    return char::decode_utf16(units).next().and_then(Result::ok).ok_or_else(wrong);
                }
                char::from_u32(unit).ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }

    fn code_unit(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
        self.at += 4;
        Some(value)
    }

    fn number(&mut self) -> Result<Token, QueryError> {
        let start = self.at;
        let bad = |text: &str| QueryError::new(format!("{text} is no number"), start);
        let head = self.take_while(|c| c.is_ascii_alphanumeric());
        if let Some(digits) = head.strip_prefix("0x").or_else(|| head.strip_prefix("0X")) {
            return u64::from_str_radix(digits, 16).map(|n| Token::Number(n.into())).map_err(|_bad_digit| bad(head));
        }
        // A fraction, and the sign of an exponent, continue the number.
        if self.rest().strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            self.at += 1;
            self.take_while(|c| c.is_ascii_alphanumeric());
        }
        let so_far = self.text.get(start..self.at).unwrap_or_default();
        if so_far.ends_with(['e', 'E']) && self.rest().starts_with(['+', '-']) {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if let Ok(n) = text.parse::<u64>() {
            return Ok(Token::Number(n.into()));
        }
        text.parse::<f64>().ok().and_then(Number::from_f64).map(Token::Number).ok_or_else(|| bad(text))
    }
}
