//! Columns that fit: which ones are shown at a width, where each begins, and what all tables draw alike: their heads
//! and the row under the cursor.

use ratatui::layout::Rect;

use crate::tui::canvas::Canvas;
use crate::tui::theme::Role;
use crate::tui::theme::signs::Sign;

/// One column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Head, in upper case.
    pub title: &'static str,
    /// Cells it needs to be of use.
    pub min: u16,
    /// Cells it would like.
    pub ideal: u16,
    /// 1 is never dropped; higher numbers go first when it gets narrow.
    pub priority: u8,
    /// Numbers and ages end at the right edge.
    pub right: bool,
}

/// Where a shown column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Index into the columns.
    pub index: usize,
    /// First cell, from the table's left edge.
    pub x: u16,
    /// Cells.
    pub width: u16,
}

/// Places as many columns as fit into `width` with a blank between them, the least important left out first, and
/// shares what is left over among those that would like more, in order.
#[must_use]
pub fn place(columns: &[Column], width: u16) -> Vec<Placed> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let min = |index: &usize| columns.get(*index).map_or(0, |column| column.min);
    loop {
        let gaps = u16::try_from(shown.len().saturating_sub(1)).unwrap_or(u16::MAX);
        let needed = shown.iter().map(min).fold(gaps, u16::saturating_add);
        if needed <= width || shown.len() <= 1 {
            break;
        }
        let droppable = shown.iter().copied().filter(|i| columns.get(*i).is_some_and(|c| c.priority > 1));
        let Some(dropped) = droppable.max_by_key(|i| columns.get(*i).map_or((0, 0), |c| (c.priority, *i))) else {
            break;
        };
        shown.retain(|index| *index != dropped);
    }
    let gaps = u16::try_from(shown.len().saturating_sub(1)).unwrap_or(u16::MAX);
    let mut spare = width.saturating_sub(shown.iter().map(min).fold(gaps, u16::saturating_add));
    let mut x = 0;
    let mut placed = Vec::with_capacity(shown.len());
    for index in shown {
        let Some(column) = columns.get(index) else { continue };
        let more = column.ideal.saturating_sub(column.min).min(spare);
        spare -= more;
        let cells = (column.min + more).min(width.saturating_sub(x));
        placed.push(Placed { index, x, width: cells });
        x = x.saturating_add(cells).saturating_add(1);
    }
    placed
}

/// Draws the heads of the columns that are shown, in row `y` from cell `left` on; that of the `sorted` one stands out.
pub fn heads(canvas: &mut Canvas<'_>, left: u16, y: u16, columns: &[Column], placed: &[Placed], sorted: Option<usize>) {
    for column in placed {
        let Some(spec) = columns.get(column.index) else { continue };
        let role = if sorted == Some(column.index) { Role::Sort } else { Role::Header };
        let x = left + column.x;
        if spec.right {
            canvas.text_right(x + column.width, y, column.width, role, spec.title);
        } else {
            canvas.text(x, y, column.width, role, spec.title);
        }
    }
}

/// Draws the cursor over row `y` of an area; another way while it settles after its object vanished.
pub fn cursor_row(canvas: &mut Canvas<'_>, area: Rect, y: u16, is_settling: bool) {
    canvas.sign(area.x, y, Sign::Cursor);
    let role = if is_settling { Role::Changed } else { Role::CursorRow };
    canvas.tint(Rect { x: area.x, y, width: area.width, height: 1 }, role);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLUMNS: [Column; 4] = [
        Column { title: "A", min: 4, ideal: 10, priority: 1, right: false },
        Column { title: "B", min: 5, ideal: 5, priority: 3, right: false },
        Column { title: "C", min: 5, ideal: 8, priority: 2, right: true },
        Column { title: "D", min: 2, ideal: 2, priority: 1, right: true },
    ];

    #[test]
    fn columns_are_dropped_by_priority_and_grow_in_order() {
        let shown = |width| place(&COLUMNS, width).iter().map(|p| (p.index, p.x, p.width)).collect::<Vec<_>>();
        assert_eq!(shown(19), [(0, 0, 4), (1, 5, 5), (2, 11, 5), (3, 17, 2)]);
        assert_eq!(shown(18), [(0, 0, 9), (2, 10, 5), (3, 16, 2)]);
        assert_eq!(shown(8), [(0, 0, 5), (3, 6, 2)]);
        assert_eq!(shown(3), [(0, 0, 3), (3, 4, 0)]);
    }

    proptest! {
        #[test]
        fn nothing_overlaps_or_leaves_the_table(width in 0_u16..300) {
            let mut end = 0;
            for column in place(&COLUMNS, width) {
                prop_assert!(column.x >= end);
                prop_assert!(column.width == 0 || column.x + column.width <= width);
                end = column.x + column.width;
            }
        }
    }
}
