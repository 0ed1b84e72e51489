//! A deployment's figures as a bar. Decoration: the numbers stand beside it.

use crate::domain::deployment::Figures;
use crate::tui::canvas::Piece;
use crate::tui::theme::Role;

/// The figures as a bar of `cells` cells, brackets included: accepted, rejected, applied without an answer, and the
/// rest of what is targeted. A part that is not nothing has a cell at least.
#[must_use]
pub(super) fn bar(figures: &Figures, cells: u16) -> Vec<Piece> {
    let (Some(targeted), Some(applied)) = (figures.targeted, figures.applied) else { return Vec::new() };
    let room = u64::from(cells.saturating_sub(2));
    let (accepted, rejected) = (figures.successful.unwrap_or(0), figures.failed.unwrap_or(0));
    let silent = applied.saturating_sub(accepted).saturating_sub(rejected);
    let whole = targeted.max(applied);
    if room == 0 || whole == 0 {
        return Vec::new();
    }
    let share = |n: u64| if n == 0 { 0 } else { (n.saturating_mul(room) / whole).max(1) };
    let mut left = room;
    let mut take = |n: u64| {
        let n = n.min(left);
        left -= n;
        usize::try_from(n).unwrap_or(0)
    };
    // What is wrong first: rounding must not hide it.
    let bad = take(share(rejected));
    let waiting = take(share(silent));
    let missing = take(share(whole - applied.min(whole)));
    let good = take(if accepted > 0 { room } else { 0 });
    let rest = take(room);
    let mut pieces = vec![(Role::TextFaint, "[".to_owned())];
    let parts = [
        (Role::BarOk, "#", good),
        (Role::BarBad, "!", bad),
        (Role::BarWarn, "~", waiting),
        (Role::BarRest, ".", missing + rest),
    ];
    pieces.extend(parts.into_iter().filter(|(_, _, n)| *n > 0).map(|(role, sign, n)| (role, sign.repeat(n))));
    pieces.push((Role::TextFaint, "]".to_owned()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drawn(targeted: u64, applied: u64, accepted: u64, rejected: u64, cells: u16) -> String {
        let figures = Figures {
            targeted: Some(targeted),
            applied: Some(applied),
            successful: Some(accepted),
            failed: Some(rejected),
            ..Figures::default()
        };
        bar(&figures, cells).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn a_bar_never_hides_what_is_wrong() {
        for (figures, expected) in [
            ((10, 10, 10, 0), "[##########]"),
            ((10, 10, 9, 1), "[#########!]"),
            ((1_000, 1_000, 999, 1), "[#########!]"),
            ((1_000, 999, 998, 0), "[########~.]"),
            ((10, 0, 0, 0), "[..........]"),
            ((0, 0, 0, 0), ""),
            // More applied than targeted: it was, until the condition changed a moment ago.
            ((0, 10, 10, 0), "[##########]"),
        ] {
            let (targeted, applied, accepted, rejected) = figures;
            assert_eq!(drawn(targeted, applied, accepted, rejected, 12), expected, "{figures:?}");
        }
        assert_eq!(bar(&Figures::default(), 12), [], "not counted is not empty");
    }

    proptest! {
        #[test]
        fn a_bar_is_as_wide_as_its_column(
            targeted in any::<u64>(), applied in any::<u64>(), accepted in any::<u64>(), rejected in any::<u64>(), cells in 0_u16..40,
        ) {
            let text = drawn(targeted, applied, accepted, rejected, cells);
            prop_assert!(text.is_empty() || text.len() == usize::from(cells), "{text}");
        }
    }
}
