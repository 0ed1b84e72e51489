//! What the console has to say: one line now, all of it in a list (console-ux 2.10).

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::time::Now;

/// How serious a notice is; the most serious of the live ones has the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something happened as asked.
    Info,
    /// Something is in the way.
    Warning,
    /// One's own change is through; nothing that is merely in the way may hide it.
    Outcome,
    /// Something failed.
    Error,
}

impl Severity {
    /// How long the line is held. Errors and warnings also go with the next key.
    fn holds(self) -> Duration {
        Duration::from_secs(match self {
            Self::Info => 4,
            Self::Warning => 8,
            Self::Outcome => 6,
            Self::Error => 30,
        })
    }
}

/// One notice; the text is made of words of ours and of text that passed the sanitiser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How serious.
    pub severity: Severity,
    /// What happened, to what, why, and what to do.
    pub text: String,
    /// When it was said last.
    pub at: Now,
    /// How often it was said in a row.
    pub count: usize,
    dismissed: bool,
}

/// The notices of this run.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    kept: VecDeque<Notice>,
}

const KEPT: usize = 200;
/// How long a notice keeps the line against newer ones of less weight.
const READ_IN: Duration = Duration::from_secs(3);

impl Notices {
    /// Says something. The same text again raises the count instead of adding a line.
    pub fn say(&mut self, severity: Severity, text: impl Into<String>, now: Now) {
        let text = text.into();
        match self.kept.back_mut() {
            Some(last) if last.text == text => {
                last.count += 1;
                last.at = now;
                last.dismissed = false;
            }
            _ => self.kept.push_back(Notice { severity, text, at: now, count: 1, dismissed: false }),
        }
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// What the message line shows: the newest live notice, unless a more serious one is so young that it was hardly
    /// read. An old complaint must not hide that its cause is gone.
    #[must_use]
    pub fn current(&self, now: Now) -> Option<&Notice> {
        let live = |notice: &&Notice| !notice.dismissed && now.since(notice.at) < notice.severity.holds();
        self.kept.iter().filter(live).max_by_key(|notice| {
            let young = now.since(notice.at) < READ_IN;
            (if young { notice.severity } else { Severity::Info }, notice.at.mono)
        })
    }

    /// Live notices besides the current one.
    #[must_use]
    pub fn others(&self, now: Now) -> usize {
        let live = self.kept.iter().filter(|n| !n.dismissed && now.since(n.at) < n.severity.holds()).count();
        live.saturating_sub(1)
    }

    /// A key was pressed: what was read may go. Nothing leaves the list.
    pub fn key_pressed(&mut self, now: Now) {
        for notice in &mut self.kept {
            // One that came with this very key must be readable.
            if matches!(notice.severity, Severity::Error | Severity::Warning)
                && now.since(notice.at) >= Duration::from_secs(1)
            {
                notice.dismissed = true;
            }
        }
    }

    /// All, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Notice> + ExactSizeIterator {
        self.kept.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Clock, ManualClock};

    #[test]
    fn the_most_serious_has_the_line_and_nothing_is_lost() {
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let mut notices = Notices::default();
        notices.say(Severity::Error, "broken", clock.now());
        clock.advance(Duration::from_secs(2));
        notices.say(Severity::Info, "copied", clock.now());
        notices.say(Severity::Info, "copied", clock.now());
        assert_eq!(notices.current(clock.now()).map(|n| n.text.as_str()), Some("broken"));
        assert_eq!(notices.others(clock.now()), 1);
        notices.key_pressed(clock.now());
        assert_eq!(notices.current(clock.now()).map(|n| (n.text.as_str(), n.count)), Some(("copied", 2)));
        clock.advance(Duration::from_secs(4));
        assert_eq!(notices.current(clock.now()), None);
        assert_eq!(notices.all().count(), 2);
    }
}
