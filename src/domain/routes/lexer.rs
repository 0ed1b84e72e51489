//! Text to tokens by edgeHub's rules: the longest token wins, and names may hold almost anything. `a-1` and `x!` are
//! names, `a -1` is a name and a number, and `/*` begins a comment when `*/` follows anywhere.

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    /// A keyword in any case, as it is written below in [`KEYWORDS`].
    Keyword(&'static str),
    /// A name.
    Name(&'a str),
    /// `$` and a name that may hold brackets; without the `$`.
    System(&'a str),
    /// A string with its quotes still on.
    Text(&'a str),
    /// A string that ends with the text; with its opening quote.
    OpenText(&'a str),
    /// A number as written.
    Number(&'a str),
    /// `true`, `false`, `null` or `undefined`, in small letters only.
    Constant(&'a str),
    /// An operator or punctuation.
    Symbol(&'static str),
    /// A character that means nothing anywhere.
    Unknown(char),
    /// A name with brackets and without `$`, which no rule takes.
    Bracketed(&'a str),
}

/// A token and where it starts, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spanned<'a> {
    pub(super) token: Token<'a>,
    pub(super) offset: usize,
}

const KEYWORDS: [&str; 7] = ["SELECT", "FROM", "WHERE", "INTO", "AND", "OR", "NOT"];
const CONSTANTS: [&str; 4] = ["true", "false", "null", "undefined"];
/// Longer ones first.
const SYMBOLS: [&str; 19] =
    ["!=", "<>", "<=", ">=", "||", "??", "(", ")", ",", "+", "-", "*", "/", "%", "=", ">", "<", "{", "}"];

fn in_path(c: char) -> bool {
    !matches!(
        c,
        '(' | ')'
            | '<'
            | '>'
            | '@'
            | ','
            | ';'
            | ':'
            | '\\'
            | '"'
            | '/'
            | '?'
            | '='
            | '{'
            | '}'
            | ' '
            | '\t'
            | '\n'
            | '\r'
    )
}

fn in_name(c: char) -> bool {
    in_path(c) && !matches!(c, '[' | ']')
}

fn run(text: &str, keep: impl Fn(char) -> bool) -> usize {
    text.find(|c| !keep(c)).unwrap_or(text.len())
}

/// Splits `text` into tokens; there is a token for everything.
pub(super) fn tokens(text: &str) -> Vec<Spanned<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = run(rest, |c| matches!(c, ' ' | '\t' | '\r' | '\n'));
        let skipped = if blank > 0 { blank } else { comment(rest).unwrap_or(0) };
        if skipped > 0 {
            at += skipped;
            continue;
        }
        let (token, length) = token(rest);
        out.push(Spanned { token, offset: at });
        at += length;
    }
    out
}

fn comment(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix("/*")?;
    inside.find("*/").map(|end| end + 4)
}

fn token(rest: &str) -> (Token<'_>, usize) {
    let first = rest.chars().next().unwrap_or_default();
    let path = run(rest, in_path);
    let name = run(rest, in_name);
    if first == '"' || first == '\'' {
        let (length, closed) = string(rest, first);
        if length >= path {
            let text = rest.get(..length).unwrap_or_default();
            return (if closed { Token::Text(text) } else { Token::OpenText(text) }, length);
        }
    }
    if first == '$' && path > 1 {
        return (Token::System(rest.get(1..path).unwrap_or_default()), path);
    }
    if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol))
        && symbol.len() >= path
    {
        return (Token::Symbol(symbol), symbol.len());
    }
    if path > name {
        return (Token::Bracketed(rest.get(..path).unwrap_or_default()), path);
    }
    if name == 0 {
        return (Token::Unknown(first), first.len_utf8());
    }
    let word = rest.get(..name).unwrap_or_default();
    let token = if let Some(keyword) = KEYWORDS.iter().find(|keyword| keyword.eq_ignore_ascii_case(word)) {
        Token::Keyword(keyword)
    } else if is_number(word) {
        Token::Number(word)
    } else if CONSTANTS.contains(&word) {
        Token::Constant(word)
    } else {
        Token::Name(word)
    };
    (token, name)
}

/// How long the string is, quotes included, and whether it is closed. It also ends before a backslash that escapes
/// nothing.
fn string(rest: &str, quote: char) -> (usize, bool) {
    let mut at = quote.len_utf8();
    while let Some(tail) = rest.get(at..) {
        match tail.chars().next() {
            None => break,
            Some('\\') => match escape(tail) {
                Some(length) => at += length,
                None => break,
            },
            Some(c) if c == quote => return (at + c.len_utf8(), true),
            Some(c) => at += c.len_utf8(),
        }
    }
    (at, false)
}

fn escape(tail: &str) -> Option<usize> {
    match tail.chars().nth(1)? {
        '"' | '\'' | '\\' => Some(2),
        'u' => {
            let digits = tail.get(2..6)?;
            digits.chars().all(|c| c.is_ascii_hexdigit()).then_some(6)
        }
        _ => None,
    }
}

/// `-5`, `0x1f`, `1.5`, `-.5e3`, and also `e3`, which no number is.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    if digits(unsigned) {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent_fits = exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole.is_empty() || digits(whole)) && digits(fraction),
        None => exponent.is_some() && (mantissa.is_empty() || digits(mantissa)),
    };
    exponent_fits && mantissa_fits
}

/// Whether `text` between two of these quotes is one whole string.
pub(super) fn fits_quotes(text: &str, quote: char) -> bool {
    let quoted = format!("{quote}{text}{quote}");
    string(&quoted, quote) == (quoted.len(), true)
}
