//! How one row looks: what stands before it, its text with hits and stand-ins, and how it fits the window.

use jiff::Timestamp;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::{LogView, Stamps, digit, letter};
use crate::domain::text::LINE_CAP;
use crate::domain::time::{age_text, wall_age};
use crate::logs::continuity::Mark;
use crate::logs::print::{in_words, plain};
use crate::logs::ring::{Content, Row, Source};
use crate::logs::{Entry, Level, Severity};
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::text::wrap;

/// Columns of a time, and of an age.
const STAMP: usize = 12;
const AGE: usize = 5;

/// Everything a row's look depends on.
#[derive(Debug)]
pub(super) struct Ink<'a> {
    view: &'a LogView,
    now: Timestamp,
    width: usize,
    wraps: bool,
}

impl LogView {
    pub(super) fn ink<'a>(&'a self, shell: &Shell) -> Ink<'a> {
        Ink { view: self, now: shell.now.wall, width: self.width(shell), wraps: self.wraps(shell) }
    }
}

impl Ink<'_> {
    /// Lines of the window a row takes.
    pub fn height(&self, row: &Row) -> usize {
        let rules = self.view.rules.iter().filter(|(id, _)| *id == row.id).count();
        let text = match &row.content {
            Content::Line { entry, .. } if self.wraps => {
                let room = self.width.saturating_sub(self.margin()).max(1);
                wrapped(&self.text(row, entry), room).len()
            }
            Content::Line { .. } => 1,
            Content::Mark(mark) => self.mark(row, mark).len(),
        };
        text + rules
    }

    /// The lines of a row, with the rules below it.
    pub fn lines(&self, row: &Row) -> Vec<Vec<Piece>> {
        let mut lines = match &row.content {
            Content::Mark(mark) => self.mark(row, mark),
            Content::Line { entry, continues } => self.line(row, entry, *continues),
        };
        for (_, at) in self.view.rules.iter().filter(|(id, _)| *id == row.id) {
            lines.push(vec![self.rule(Role::Mark, &format!("marked {}", clock(*at)))]);
        }
        lines
    }

    fn line(&self, row: &Row, entry: &Entry, continues: bool) -> Vec<Vec<Piece>> {
        let room = self.width.saturating_sub(self.margin()).max(1);
        let text = self.text(row, entry);
        let margin = self.before(row, entry, continues);
        if !self.wraps {
            let mut line = margin;
            line.extend(slice(&text, self.view.shift, room));
            return vec![line];
        }
        let blank = " ".repeat(self.margin());
        let mut margin = Some(margin);
        wrapped(&text, room)
            .into_iter()
            .map(|part| {
                let mut line = margin.take().unwrap_or_else(|| vec![(Role::TextDim, blank.clone())]);
                line.extend(part);
                line
            })
            .collect()
    }

    /// Columns before a line's text.
    fn margin(&self) -> usize {
        let stamp = match self.view.stamps {
            Stamps::Absolute => STAMP + 1,
            Stamps::Age => AGE + 1,
            Stamps::Off => 0,
        };
        stamp + if self.view.module.is_none() { 4 } else { 2 }
    }

    fn before(&self, row: &Row, entry: &Entry, continues: bool) -> Vec<Piece> {
        if continues {
            // It belongs to the line above, whose time and level are its own.
            return vec![(Role::TextDim, format!("{:>1$} ", "|", self.margin() - 1))];
        }
        let mut pieces = Vec::new();
        let role = if row.late { Role::Stale } else { Role::TextDim };
        match self.view.stamps {
            Stamps::Absolute => {
                let text = entry.time.map_or_else(|| "-".to_owned(), |at| self.stamp(at));
                pieces.push((role, format!("{text:>STAMP$} ")));
            }
            Stamps::Age => {
                let text = entry.time.map_or_else(|| "-".to_owned(), |at| age_text(wall_age(self.now, at)));
                pieces.push((role, format!("{text:>AGE$} ")));
            }
            Stamps::Off => {}
        }
        if self.view.module.is_none() {
            pieces.push((source_role(row.source), format!("{} ", letter(row.source.index()))));
        }
        pieces.push((level_role(entry.severity), format!("{} ", digit(entry.severity))));
        pieces
    }

    /// The time of the day, or the day where it is another one.
    fn stamp(&self, at: Timestamp) -> String {
        let day = |at: Timestamp| at.strftime("%F").to_string();
        if day(at) == day(self.now) { clock(at) } else { at.strftime("%m-%d %H:%M").to_string() }
    }

    /// The text, its hits and the sanitiser's stand-ins told apart. It holds no secret: those were hidden when it came.
    fn text(&self, row: &Row, entry: &Entry) -> Vec<Piece> {
        let raw = entry.text.raw();
        let (raw, cut) = raw.split_at(raw.floor_char_boundary(LINE_CAP));
        let role = level_role(match row.level {
            level if level != Level::INFO => Severity::Said(level),
            _ => entry.severity,
        });
        let mut pieces = Vec::new();
        let mut put = |role: Role, part: &str| {
            for (text, is_stand_in) in plain(part).pieces() {
                pieces.push((if is_stand_in { Role::Escape } else { role }, text.to_owned()));
            }
        };
        let mut at = 0;
        let search = self.view.finding.as_ref().and_then(|finding| finding.search.as_ref().ok());
        for hit in search.into_iter().flat_map(|search| search.ranges(row)) {
            if let (Some(before), Some(found)) = (raw.get(at..hit.start), raw.get(hit.clone())) {
                put(role, before);
                put(Role::Match, found);
                at = hit.end;
            }
        }
        put(role, raw.get(at..).unwrap_or_default());
        if !cut.is_empty() {
            pieces.push((Role::Escape, format!("<+{} bytes, saved in full>", cut.len())));
        }
        pieces
    }

    /// What is said between lines is said in full.
    fn mark(&self, row: &Row, mark: &Mark) -> Vec<Vec<Piece>> {
        let role = if matches!(mark, Mark::Begins { .. }) { Role::TextDim } else { Role::LogGap };
        let whose = match self.view.module {
            None => format!("{} ", letter(row.source.index())),
            Some(_) => String::new(),
        };
        let words = format!("{whose}{}", in_words(mark, |at| self.stamp(at).trim().to_owned()));
        let lines = wrap(&words, self.width.saturating_sub(4));
        lines.into_iter().map(|line| vec![self.rule(role, &line)]).collect()
    }

    /// Words in a rule over the whole width.
    fn rule(&self, role: Role, words: &str) -> Piece {
        let text = crate::tui::canvas::fit(&format!("-- {words} "), self.width);
        let rest = self.width.saturating_sub(text.width());
        (role, format!("{text}{}", "-".repeat(rest)))
    }
}

/// The time of the day in UTC, milliseconds.
pub(super) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S%.3f").to_string()
}

fn level_role(severity: Severity) -> Role {
    match severity {
        Severity::Said(level) if level <= Level::ERROR => Role::LogBad,
        Severity::Said(level) if level <= Level::WARNING => Role::LogWarn,
        Severity::Said(level) if level >= Level::DEBUG => Role::LogDebug,
        Severity::Said(_) | Severity::Unsaid => Role::LogNormal,
    }
}

/// The colour of a module.
pub(super) fn source_role(source: Source) -> Role {
    const ROLES: [Role; 8] = [
        Role::Source1,
        Role::Source2,
        Role::Source3,
        Role::Source4,
        Role::Source5,
        Role::Source6,
        Role::Source7,
        Role::Source8,
    ];
    ROLES.get(source.index() % ROLES.len()).copied().unwrap_or(Role::Source1)
}

/// The columns of a line from `skip` on, as many as fit into `width`, and a sign at either end where something is
/// missing.
fn slice(pieces: &[Piece], skip: usize, width: usize) -> Vec<Piece> {
    let total: usize = pieces.iter().map(|(_, text)| text.width()).sum();
    let (cut_left, cut_right) = (skip > 0 && total > 0, total > skip.saturating_add(width));
    let from = skip + usize::from(cut_left);
    let to = skip + width - usize::from(cut_right);
    let mut column = 0;
    let mut out: Vec<Piece> = cut_left.then(|| (Role::TextDim, "<".to_owned())).into_iter().collect();
    let mut used = usize::from(cut_left);
    for (role, text) in pieces {
        let mut part = String::new();
        for grapheme in text.graphemes(true) {
            let cells = grapheme.width();
            if column >= from && column + cells <= to {
                part.push_str(grapheme);
                used += cells;
            }
            column += cells;
        }
        if !part.is_empty() {
            out.push((*role, part));
        }
    }
    if cut_right {
        out.push((Role::TextDim, format!("{:>1$}", ">", width.saturating_sub(used).max(1))));
    }
    out
}

/// The line in parts of `width` columns; nothing of it is lost.
fn wrapped(pieces: &[Piece], width: usize) -> Vec<Vec<Piece>> {
    let mut lines = vec![Vec::new()];
    let mut used = 0;
    for (role, text) in pieces {
        let mut part = String::new();
        for grapheme in text.graphemes(true) {
            let cells = grapheme.width();
            if used + cells > width && used > 0 {
                push(&mut lines, *role, std::mem::take(&mut part));
                lines.push(Vec::new());
                used = 0;
            }
            part.push_str(grapheme);
            used += cells;
        }
        push(&mut lines, *role, part);
    }
    lines
}

fn push(lines: &mut [Vec<Piece>], role: Role, text: String) {
    if let Some(line) = lines.last_mut().filter(|_| !text.is_empty()) {
        line.push((role, text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(pieces: &[Piece]) -> String {
        pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn a_cut_line_says_so_at_the_end_where_it_is_cut() {
        let line = [(Role::Fg, "abc".to_owned()), (Role::Match, "def".to_owned())];
        assert_eq!(text(&slice(&line, 0, 6)), "abcdef");
        assert_eq!(text(&slice(&line, 0, 4)), "abc>");
        assert_eq!(text(&slice(&line, 1, 4)), "<cd>");
        assert_eq!(text(&slice(&line, 3, 4)), "<ef");
        assert_eq!(text(&slice(&[(Role::Fg, "\u{65e5}\u{672c}\u{8a9e}".to_owned())], 0, 4)), "\u{65e5} >");
    }

    proptest! {
        /// Whatever is wrapped is all there, and nothing is wider than the window.
        #[test]
        fn wrapping_loses_nothing(parts in proptest::collection::vec("[a-z\u{65e5}\u{301} ]{0,30}", 0..6), width in 2_usize..20) {
            let line: Vec<Piece> = parts.iter().map(|part| (Role::Fg, part.clone())).collect();
            let wrapped = wrapped(&line, width);
            prop_assert_eq!(wrapped.iter().map(|line| text(line)).collect::<String>(), text(&line));
            for part in &wrapped {
                prop_assert!(text(part).width() <= width);
            }
            for skip in [0, 3, 50] {
                prop_assert!(text(&slice(&line, skip, width)).width() <= width);
            }
        }
    }
}
