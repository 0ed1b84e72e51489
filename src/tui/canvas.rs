//! Where views draw: a buffer, the theme and the signs. Views name roles; only this file knows styles.
//!
//! Text arrives as `&str` made of our own words and of what passed the sanitiser ([`Shown`]): outside text has no
//! `Display`, so it cannot get here any other way.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

use super::theme::signs::{Glyphs, Sign, borders};
use super::theme::{Role, Theme};
use crate::domain::text::Shown;

/// A piece of a line: a role and its text.
pub type Piece = (Role, String);

/// A buffer to draw on, in a theme.
#[derive(Debug)]
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
    glyphs: Glyphs,
}

impl<'a> Canvas<'a> {
    /// A canvas over `buffer`, cleared to the theme's ground.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme, glyphs: Glyphs) -> Self {
        let mut canvas = Self { buffer, theme, glyphs };
        canvas.clear(canvas.area());
        canvas
    }

    /// All of it.
    #[must_use]
    pub fn area(&self) -> Rect {
        *self.buffer.area()
    }

    /// The signs in use.
    #[must_use]
    pub fn glyphs(&self) -> Glyphs {
        self.glyphs
    }

    /// The buffer itself, for widgets of others; they get their styles from [`Canvas::style`].
    pub fn buffer(&mut self) -> &mut Buffer {
        self.buffer
    }

    /// A role's look, for widgets of others.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// Blanks an area to the ground.
    pub fn clear(&mut self, area: Rect) {
        self.fill(area, self.theme.base());
    }

    /// Blanks an area to a role's ground.
    pub fn ground(&mut self, area: Rect, role: Role) {
        let style = self.theme.base().patch(self.theme.style(role));
        self.fill(area, style);
    }

    fn fill(&mut self, area: Rect, style: Style) {
        let area = area.intersection(self.area());
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
        }
    }

    /// Gives an area a role's look without touching its text: the cursor row.
    pub fn tint(&mut self, area: Rect, role: Role) {
        let area = area.intersection(self.area());
        let style = self.theme.style(role);
        // Reversed, every colour of the text would become a patch of ground; the row is told by its being reversed.
        let style = if style.add_modifier.contains(Modifier::REVERSED) && style.fg.is_none_or(|fg| fg == Color::Reset) {
            style.fg(Color::Reset)
        } else {
            style
        };
        self.buffer.set_style(area, style);
    }

    /// Writes text from `(x, y)` on, cut at `width` cells. Returns the cells used.
    pub fn text(&mut self, x: u16, y: u16, width: u16, role: Role, text: &str) -> u16 {
        let area = self.area();
        if y < area.top() || y >= area.bottom() || x >= area.right() {
            return 0;
        }
        let style = self.theme.style(role);
        let room = usize::from(width.min(area.right() - x));
        let (end, _) = self.buffer.set_stringn(x, y, text, room, style);
        end - x
    }

    /// Writes text that ends at column `right` (exclusive), as numbers do.
    pub fn text_right(&mut self, right: u16, y: u16, width: u16, role: Role, text: &str) {
        let fitted = fit(text, usize::from(width));
        let cells = u16::try_from(fitted.width()).unwrap_or(width);
        self.text(right.saturating_sub(cells), y, cells, role, &fitted);
    }

    /// Writes pieces one after the other; what does not fit into `width` is cut with `..`. Returns the cells used.
    pub fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[Piece]) -> u16 {
        let mut used = 0;
        let mut open = pieces.iter().map(|(_, text)| text.width()).sum::<usize>();
        for (role, text) in pieces {
            let room = width - used;
            let fits = open <= usize::from(room) || text.width() + 2 <= usize::from(room);
            open -= text.width();
            if fits {
                used += self.text(x + used, y, room, *role, text);
            } else {
                // Longer than the room on purpose, so that the mark of what is missing stands here.
                return used + self.text(x + used, y, room, *role, &fit(&format!("{text}   "), usize::from(room)));
            }
        }
        used
    }

    /// Writes a sign.
    pub fn sign(&mut self, x: u16, y: u16, sign: Sign) {
        self.text(x, y, 1, sign.role(), sign.glyph(self.glyphs));
    }

    /// A frame with a title at its upper left and a note at its upper right; returns the inside.
    pub fn frame(&mut self, area: Rect, title: &str, note: &str, focus: bool) -> Rect {
        let area = area.intersection(self.area());
        if area.width < 2 || area.height < 2 {
            return Rect { width: 0, height: 0, ..area };
        }
        let set = borders(self.glyphs);
        let role = if focus { Role::BorderFocus } else { Role::Border };
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for x in area.left() + 1..right {
            self.text(x, area.top(), 1, role, set.horizontal_top);
            self.text(x, bottom, 1, role, set.horizontal_bottom);
        }
        for y in area.top() + 1..bottom {
            self.text(area.left(), y, 1, role, set.vertical_left);
            self.text(right, y, 1, role, set.vertical_right);
        }
        self.text(area.left(), area.top(), 1, role, set.top_left);
        self.text(right, area.top(), 1, role, set.top_right);
        self.text(area.left(), bottom, 1, role, set.bottom_left);
        self.text(right, bottom, 1, role, set.bottom_right);
        let room = area.width.saturating_sub(4);
        let mut used = 0;
        if !title.is_empty() {
            used = self.text(
                area.left() + 2,
                area.top(),
                room,
                Role::Title,
                &fit(&format!(" {title} "), usize::from(room)),
            );
        }
        if !note.is_empty() {
            let note = format!(" {note} ");
            let cells = u16::try_from(note.width()).unwrap_or(u16::MAX);
            if cells.saturating_add(used) < room {
                self.text(right.saturating_sub(cells + 1), area.top(), cells, Role::TextDim, &note);
            }
        }
        Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
    }
}

/// Cuts text at `width` cells, with `..` where something is missing.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    Shown::composed(text).fit(width).into()
}

/// Cuts text in its middle: the end of a name often carries what tells it apart.
#[must_use]
pub fn fit_middle(text: &str, width: usize) -> String {
    Shown::composed(text).fit_middle(width).into()
}
