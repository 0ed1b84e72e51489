//! What is said about following: when lines are asked for, why not sooner, and what it costs.

use std::time::Duration;

use super::LogView;
use super::words::{APART, grouped};
use crate::domain::time::age_text;
use crate::logs::tail::{Slowed, TailPicture};
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;

/// An answer that takes longer is waited for.
const SLOW: Duration = Duration::from_secs(3);
/// Rounds that are further apart are counted down.
const SELDOM: Duration = Duration::from_secs(10);

impl LogView {
    /// When lines are asked for, and why not sooner.
    fn next_round(&self, shell: &Shell, tail: &TailPicture) -> String {
        if shell.paused.is_some() {
            return "the console is paused: P goes on".to_owned();
        }
        if self.paused.is_some() {
            return "paused, nothing is asked: space goes on".to_owned();
        }
        // A moment is not worth a word, and would make the line flicker.
        if let Some(at) = tail.asked.filter(|at| shell.now.since(*at) >= SLOW) {
            return format!("no answer for {}", age_text(shell.now.since(at)));
        }
        if tail.every.is_zero() {
            return "asked for the first time".to_owned();
        }
        let mut every = format!("asked every {}", age_text(tail.every));
        match tail.slowed {
            Some(Slowed::Messages) => every.push_str(" to save messages"),
            Some(Slowed::Answers) => every.push_str(", as answers take long"),
            None => {}
        }
        match tail.next.filter(|_| tail.every >= SELDOM) {
            Some(next) if tail.slowed.is_none() || shell.size.0 >= super::WIDE => {
                format!("{every}, next in {}", age_text(next.since(shell.now)))
            }
            _ => every,
        }
    }

    /// What is said second: when lines are asked for, what that costs, how the device's clock stands.
    pub(super) fn second_line(&self, shell: &Shell, tail: &TailPicture) -> Vec<Piece> {
        let next = self.next_round(shell, tail);
        let mut pieces = vec![(Role::TextDim, next)];
        let cost = tail.cost;
        if cost.spent > 0 {
            // Paused, it costs nothing.
            let text = match self.paused_since(shell) {
                Some(_) => format!("{APART}{} messages so far", grouped(cost.spent)),
                None => {
                    format!("{APART}about {} messages an hour, {} so far", grouped(cost.per_hour), grouped(cost.spent))
                }
            };
            pieces.push((Role::TextDim, text));
        }
        if tail.bytes > 0 {
            pieces.push((Role::TextDim, format!("{APART}answers {} of 127 kB", tail.bytes.div_ceil(1_000))));
        }
        if let Some(ahead) = tail.ahead {
            // Its newest line may be old: how far it is behind is not known, and half a minute says nothing.
            let seconds = ahead.as_secs();
            if seconds >= 2 {
                pieces.push((Role::StatusWarn, format!("{APART}the device's clock is {seconds} s ahead")));
            }
        }
        pieces
    }
}
