//! Text over as many lines as it needs, by itself or beside a label.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::tui::canvas::Piece;
use crate::tui::theme::Role;

/// A text beside a label that takes `column` cells; `width` is that of both. Below the label nothing stands.
#[must_use]
pub fn labelled(label: (Role, &str), column: usize, role: Role, text: &str, width: usize) -> Vec<Vec<Piece>> {
    let lines = wrap(text, width.saturating_sub(column)).into_iter().enumerate();
    let beside = |index: usize| if index == 0 { label.1 } else { "" };
    lines.map(|(index, line)| vec![(label.0, format!("{:<column$}", beside(index))), (role, line)]).collect()
}

/// Breaks text at blanks into lines of at most `width` cells; a longer word is broken where it must.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if line.width() + gap + word.width() <= width {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for grapheme in word.graphemes(true) {
            if line.width() + grapheme.width() > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(grapheme);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_at_blanks() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn what_is_beside_a_label_stays_beside_it() {
        let lines = labelled((Role::TextDim, "says"), 6, Role::Fg, "one two three", 13);
        let texts: Vec<String> =
            lines.iter().map(|line| line.iter().map(|(_, text)| text.as_str()).collect()).collect();
        assert_eq!(texts, ["says  one two", "      three"]);
    }
}
