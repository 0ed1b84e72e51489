//! What the literals of conditions mean.

use super::ast::Expr;

/// A number as edgeHub reads it; what its lexer takes for one and its reader does not, is undefined.
pub(super) fn number(text: &str) -> Expr {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // Sixteen digits reach the sign.
        let Ok(bits) = u64::from_str_radix(digits, 16) else { return Expr::Undefined };
        let whole = i64::from_ne_bytes(bits.to_ne_bytes());
        return whole.to_string().parse().map_or(Expr::Undefined, Expr::Number);
    }
    text.parse().map_or(Expr::Undefined, Expr::Number)
}

/// Resolves escapes in edgeHub's two steps: first every `\uXXXX`, then in what came out `\"`, `\'` and `\\`.
pub(super) fn unescape(text: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let code = rest.strip_prefix("\\u").or_else(|| rest.strip_prefix("\\U")).and_then(|tail| tail.get(..4));
        match code
            .filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|code| u16::from_str_radix(code, 16).ok())
        {
            Some(unit) => {
                units.push(unit);
                rest = rest.get(6..).unwrap_or_default();
            }
            None => {
                units.extend(c.encode_utf16(&mut [0; 2]).iter());
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
    }
    let mut out = String::new();
    let once = String::from_utf16_lossy(&units);
    let mut chars = once.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next @ ('"' | '\'' | '\\')) if c == '\\' => {
                out.push(*next);
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}
