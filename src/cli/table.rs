//! Tables and lists of facts for people: aligned by what a terminal draws, nothing after a line's last character.

use crate::domain::text::Shown;

/// Blanks between two columns.
const GAP: usize = 2;

/// A table that grows row by row and is as wide as its content.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    heads: Vec<Shown>,
    right: Vec<bool>,
    rows: Vec<Vec<Shown>>,
}

impl Table {
    /// A table with these column heads.
    #[must_use]
    pub fn new(heads: impl IntoIterator<Item = Shown>) -> Self {
        let heads: Vec<Shown> = heads.into_iter().collect();
        Self { right: vec![false; heads.len()], heads, rows: Vec::new() }
    }

    /// A table with column heads of ours.
    #[must_use]
    pub fn with_heads(heads: &[&'static str]) -> Self {
        Self::new(heads.iter().map(|head| Shown::from_static(head)))
    }

    /// Aligns a column at its right edge, as numbers are.
    #[must_use]
    pub fn right(mut self, column: usize) -> Self {
        if let Some(right) = self.right.get_mut(column) {
            *right = true;
        }
        self
    }

    /// Adds a row; missing cells at its end are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Shown>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines.
    #[must_use]
    pub fn text(&self) -> String {
        let lines = || std::iter::once(&self.heads).chain(&self.rows);
        let widths: Vec<usize> = (0..self.heads.len())
            .map(|column| lines().filter_map(|row| row.get(column)).map(Shown::width).max().unwrap_or_default())
            .collect();
        let mut text = String::new();
        for row in lines() {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(&widths).zip(&self.right) {
                let pad = " ".repeat(width.saturating_sub(cell.width()));
                let (before, after) = if *right { (pad.as_str(), "") } else { ("", pad.as_str()) };
                line.extend([before, cell.as_str(), after]);
                line.extend(std::iter::repeat_n(' ', GAP));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A list of facts: names at the left, values beside them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts(Vec<(&'static str, Shown)>);

impl Facts {
    /// Adds a fact.
    pub fn add(&mut self, name: &'static str, value: Shown) {
        self.0.push((name, value));
    }

    /// Adds a fact that consists of our own words and text that was sanitised.
    pub fn say(&mut self, name: &'static str, value: impl Into<String>) {
        self.add(name, Shown::composed(value));
    }

    /// The lines.
    #[must_use]
    pub fn text(&self) -> String {
        let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + GAP;
        self.0
            .iter()
            .map(|(name, value)| format!("{name:width$}{}", value.as_str()).trim_end().to_owned() + "\n")
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_line_up_by_what_a_terminal_draws() {
        let mut table = Table::with_heads(&["ID", "N", "NOTE"]).right(1);
        table.row([Shown::sanitise("温度"), Shown::sanitise("7"), Shown::sanitise("wide")]);
        table.row([Shown::sanitise("a\u{1b}[2J"), Shown::sanitise("1200"), Shown::default()]);
        assert_eq!(table.text(), "ID         N  NOTE\n温度       7  wide\na^[[2J  1200\n");
    }

    #[test]
    fn facts_line_up() {
        let mut facts = Facts::default();
        facts.say("TWIN", "d/m");
        facts.say("VERSION", "3");
        facts.add("NOTE", Shown::default());
        assert_eq!(facts.text(), "TWIN     d/m\nVERSION  3\nNOTE\n");
    }

    proptest! {
        #[test]
        fn any_cell_stays_on_its_line_and_no_line_ends_in_a_blank(cells in prop::collection::vec(any::<String>(), 1..9)) {
            let mut table = Table::with_heads(&["A", "B", "C"]);
            for row in cells.chunks(3) {
                table.row(row.iter().map(|cell| Shown::sanitise(cell)));
            }
            let text = table.text();
            prop_assert_eq!(text.lines().count(), 1 + cells.len().div_ceil(3));
            prop_assert!(text.lines().all(|line| !line.ends_with(' ')), "{}", text);
            prop_assert!(!text.contains(char::from(0x1b)), "{}", text);
        }
    }
}
