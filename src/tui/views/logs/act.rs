//! What keys do in a log.

use std::time::Duration;

use super::{LogView, MOST_RULES, Stamps};
use crate::domain::ids::ModuleId;
use crate::logs::Level;
use crate::logs::continuity::{Following, Opening};
use crate::logs::print::{self, Layout};
use crate::logs::ring::LineId;
use crate::tui::actions::ActionId;
use crate::tui::following::LogFile;
use crate::tui::msg::Effect;
use crate::tui::shell::Shell;
use crate::tui::views::Step;
use crate::tui::widgets::list::Move;

/// Columns a step to the side moves the window.
const SIDEWAYS: usize = 20;

impl LogView {
    /// Does an action.
    pub(super) fn perform(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        if let Some(step) = Move::of(action) {
            self.go(step, shell);
            return Step::done();
        }
        match action {
            ActionId::LogFollow if self.is_following() => self.stay(shell),
            ActionId::LogFollow => self.spot = None,
            ActionId::LogNext => self.go_to_hit(false, shell),
            ActionId::LogPrevious => self.go_to_hit(true, shell),
            ActionId::LogModules => self.one_or_all(shell),
            ActionId::LogNextModule => self.next_module(shell),
            ActionId::LogLevel => {
                self.level = match self.level {
                    Level::DEBUG => Level::INFO,
                    Level::INFO => Level::WARNING,
                    Level::WARNING => Level::ERROR,
                    _ => Level::DEBUG,
                };
                self.filtered(shell);
            }
            ActionId::LogPolling => {
                self.polling = !self.polling;
                self.filtered(shell);
            }
            ActionId::LogWrap => {
                self.wrap = Some(!self.wraps(shell));
                self.shift = 0;
            }
            ActionId::LogTime => {
                self.stamps = match self.stamps {
                    Stamps::Absolute => Stamps::Age,
                    Stamps::Age => Stamps::Off,
                    Stamps::Off => Stamps::Absolute,
                }
            }
            ActionId::LogLeft => self.shift = self.shift.saturating_sub(SIDEWAYS),
            ActionId::LogRight if self.wraps(shell) => shell.info("lines are wrapped: there is nothing to the right"),
            // No line on a screen is longer than this.
            ActionId::LogRight => self.shift = (self.shift + SIDEWAYS).min(crate::domain::text::LINE_CAP),
            ActionId::LogPause => self.pause(shell),
            ActionId::LogClear => self.clear(shell),
            ActionId::LogMark => self.mark(shell),
            ActionId::LogCopy => return self.copy(shell),
            ActionId::LogSave => return self.save(shell),
            ActionId::LogTail => self.reopen(Following::default().opening, shell),
            ActionId::LogMinute => self.reopen(minutes(1), shell),
            ActionId::LogMinutes => self.reopen(minutes(5), shell),
            ActionId::LogQuarter => self.reopen(minutes(15), shell),
            ActionId::LogHalfHour => self.reopen(minutes(30), shell),
            ActionId::LogHour => self.reopen(minutes(60), shell),
            ActionId::Back if self.finding.is_some() => self.finding = None,
            ActionId::Back if self.cleared.is_some() => {
                self.cleared = None;
                self.filtered(shell);
            }
            _ => return Step::unused(),
        }
        Step::done()
    }

    /// Stops and resumes asking for this log's lines; nothing else of the console stands still for it.
    fn pause(&mut self, shell: &mut Shell) {
        self.paused = match self.paused {
            Some(_) => None,
            None => Some(shell.now),
        };
        shell.info(match (self.paused, shell.paused) {
            (None, Some(_)) => "the console is paused still: P goes on",
            (None, None) => "this log is read again",
            (Some(_), _) => "this log is not asked for until space is pressed; what is written meanwhile comes then",
        });
    }

    /// Other rows are shown than before: the reader stays where he is, as near as there is a row.
    fn filtered(&mut self, shell: &Shell) {
        self.take_over(shell);
    }

    /// Stops following where it is.
    fn stay(&mut self, shell: &Shell) {
        let Some(tail) = self.tail(shell) else { return };
        let (rows, ink, height) = (self.rows(&tail.log), self.ink(shell), self.height(shell));
        self.spot = self.here(rows, &ink, height);
    }

    /// The row under the cursor; following, the newest.
    fn current(&self, shell: &Shell) -> Option<LineId> {
        let tail = self.tail(shell)?;
        let rows = self.rows(&tail.log);
        self.spot.and_then(|spot| rows.near(spot.at)).or_else(|| rows.last())
    }

    fn one_or_all(&mut self, shell: &mut Shell) {
        self.module = match &self.module {
            Some(_) => None,
            None => {
                let of_line = self.current(shell).and_then(|id| {
                    let log = &self.tail(shell)?.log;
                    log.module(log.get(id)?.source).cloned()
                });
                of_line.or_else(|| self.modules.first().cloned())
            }
        };
        self.filtered(shell);
    }

    fn next_module(&mut self, shell: &mut Shell) {
        let at = self.module.as_ref().and_then(|module| self.modules.iter().position(|other| other == module));
        let next: Option<&ModuleId> = at.and_then(|at| self.modules.get(at + 1)).or_else(|| self.modules.first());
        match next.cloned() {
            Some(next) => {
                self.module = Some(next);
                self.filtered(shell);
            }
            None => shell.info("which modules there are is not known yet"),
        }
    }

    fn clear(&mut self, shell: &mut Shell) {
        let newest = self.tail(shell).and_then(|tail| tail.log.last()).map(|row| row.id);
        if newest.is_some() {
            self.cleared = newest;
            self.spot = None;
            shell.info("what comes from now on is shown; esc brings the lines back");
        }
    }

    fn mark(&mut self, shell: &Shell) {
        let newest = self.tail(shell).and_then(|tail| self.rows(&tail.log).last());
        if let Some(newest) = newest {
            if self.rules.len() >= MOST_RULES {
                self.rules.remove(0);
            }
            self.rules.push((newest, shell.now.wall));
        }
    }

    fn copy(&self, shell: &mut Shell) -> Step {
        let line = self.current(shell).and_then(|id| {
            let log = &self.tail(shell)?.log;
            Some(print::line(log, log.get(id)?, self.layout(log)))
        });
        match line {
            Some(line) => {
                shell.info("the line was sent to the terminal's clipboard (it does not confirm), secrets masked");
                Step::effect(Effect::Copy(line))
            }
            None => {
                shell.info("there is no line to copy");
                Step::done()
            }
        }
    }

    fn save(&self, shell: &mut Shell) -> Step {
        let Some(tail) = self.tail(shell).filter(|tail| self.rows(&tail.log).first().is_some()) else {
            shell.info("there is no line to save");
            return Step::done();
        };
        let module = self.module.as_ref().map_or("all", |module| module.as_str());
        Step::effect(Effect::SaveLog(Box::new(LogFile {
            about: format!("{}-{module}", self.device.as_str()),
            picture: tail.log.clone(),
            filter: self.filter(&tail.log),
            after: self.cleared,
            layout: self.layout(&tail.log),
        })))
    }

    /// As lines are saved and copied: with the device's time, and whose they are where that is not clear.
    fn layout(&self, log: &crate::logs::ring::Picture) -> Layout {
        let longest = log.sources().iter().map(|module| module.shown().width()).max();
        Layout { stamps: true, module: longest.filter(|_| self.module.is_none()) }
    }

    /// Reads anew from another beginning.
    fn reopen(&mut self, opening: Opening, shell: &mut Shell) {
        if self.opening == opening {
            self.spot = None;
            return;
        }
        self.opening = opening;
        self.forget_places();
        shell.info("reading anew");
    }
}

fn minutes(count: u64) -> Opening {
    Opening::Last(Duration::from_secs(60 * count))
}
