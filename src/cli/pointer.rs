//! A text that could not be read, with a caret below the place where reading stopped.

use crate::domain::text::Shown;

/// Two lines: `text` as it may be drawn, and a caret below byte `offset` of it.
#[must_use]
pub fn point_at(text: &str, offset: usize) -> String {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
    let column = Shown::sanitise(before).width();
    format!("  {}\n  {}^", Shown::sanitise(text).as_str(), " ".repeat(column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_what_is_drawn() {
        for (text, offset, expected) in [
            ("SELECT x", 7, "  SELECT x\n         ^"),
            ("a\nb c", 4, "  a^Jb c\n       ^"),
            ("温度 x", 7, "  温度 x\n       ^"),
            ("ab", 2, "  ab\n    ^"),
            ("ab", 99, "  ab\n    ^"),
        ] {
            assert_eq!(point_at(text, offset), expected);
        }
    }
}
