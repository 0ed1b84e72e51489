//! Where everything goes: the lines in a frame (or under a head where there is no room for one), and two lines below about
//! the log. What is said there never moves the lines.

use ratatui::layout::Rect;

use super::{LogView, WIDE};
use crate::tui::canvas::{Canvas, Piece, fit};
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::states;
use crate::tui::widgets::table::cursor_row;
use crate::tui::widgets::text::wrap;

/// Lines below the list.
const BELOW: u16 = 2;

fn areas(area: Rect) -> (Rect, Rect) {
    let below = BELOW.min(area.height / 2);
    let list = Rect { height: area.height - below, ..area };
    (list, Rect { y: list.bottom(), height: below, ..area })
}

impl LogView {
    /// Lines of the list at the present size.
    pub(super) fn height(&self, shell: &Shell) -> usize {
        let chrome = if shell.size.0 >= WIDE { 2 } else { 1 };
        shell.body_rows().saturating_sub(usize::from(BELOW) + chrome).max(1)
    }

    /// Columns of the list at the present size.
    pub(super) fn width(&self, shell: &Shell) -> usize {
        usize::from(shell.size.0.saturating_sub(if shell.size.0 >= WIDE { 4 } else { 2 })).max(1)
    }

    /// Draws the view.
    pub(super) fn paint(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let (list, below) = areas(area);
        let tail = self.tail(shell);
        let title = self.legend(shell, tail);
        let note = tail.map(|tail| self.kept(tail)).unwrap_or_default();
        let inside = if area.width >= WIDE {
            canvas.frame(list, &title, &note, true)
        } else {
            let room = list.width.saturating_sub(2);
            canvas.pieces(list.x + 1, list.y, room, &[(Role::Title, title), (Role::TextDim, format!("   {note}"))]);
            Rect { y: list.y + 1, height: list.height.saturating_sub(1), ..list }
        };
        let shown = tail.is_some_and(|tail| {
            let rows = self.rows(&tail.log);
            let any = rows.first().is_some();
            if any {
                self.draw_lines(shell, tail, canvas, inside);
            }
            any
        });
        if !shown {
            states::draw(canvas, inside, &self.blank(shell), shell.now);
        }
        if let Some(tail) = tail {
            self.draw_below(shell, tail, shown, canvas, below);
        }
    }

    fn draw_lines(&self, shell: &Shell, tail: &crate::logs::tail::TailPicture, canvas: &mut Canvas<'_>, area: Rect) {
        let rows = self.rows(&tail.log);
        let ink = self.ink(shell);
        let height = usize::from(area.height);
        let mut lines: Vec<(bool, Vec<Piece>)> = Vec::new();
        let (window, at) = self.window(rows, &ink, height);
        for row in window {
            lines.extend(ink.lines(row).into_iter().map(|line| (at == Some(row.id), line)));
        }
        // Following, the end is what counts; else the beginning.
        let skip = if at.is_none() { lines.len().saturating_sub(height) } else { 0 };
        let width = area.width.saturating_sub(2);
        for (y, (is_cursor, line)) in (area.y..area.bottom()).zip(lines.iter().skip(skip)) {
            canvas.pieces(area.x + 1, y, width, line);
            if *is_cursor {
                cursor_row(canvas, area, y, false);
            }
        }
    }

    fn draw_below(
        &self,
        shell: &Shell,
        tail: &crate::logs::tail::TailPicture,
        shown: bool,
        canvas: &mut Canvas<'_>,
        area: Rect,
    ) {
        let width = area.width.saturating_sub(2);
        let first = self.first_line(shell, tail);
        if shown && tail.fault.is_some() {
            // Why nothing comes is worth both lines; what it costs is nothing.
            let text: String = first.iter().map(|(_, text)| text.as_str()).collect();
            let mut lines = wrap(&text, usize::from(width));
            if lines.len() > usize::from(area.height) {
                let rest = lines.split_off(usize::from(area.height.saturating_sub(1))).join(" ");
                lines.push(rest);
            }
            for (y, line) in (area.y..area.bottom()).zip(&lines) {
                canvas.text(area.x + 1, y, width, Role::StatusBad, &fit(line, usize::from(width)));
            }
            return;
        }
        // In place of lines it says already why there are none.
        if shown {
            canvas.pieces(area.x + 1, area.y, width, &first);
        }
        if area.height > 1 {
            canvas.pieces(area.x + 1, area.y + 1, width, &self.second_line(shell, tail));
        }
    }
}
