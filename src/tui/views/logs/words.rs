//! What is said about a log: where we are, what keeps lines from coming, why there are none. When lines are asked for and
//! what that costs is in `pace.rs`.

use super::LogView;
use super::ink::{clock, source_role};
use super::letter;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::ModuleId;
use crate::domain::time::{Now, age_text};
use crate::logs::Level;
use crate::logs::continuity::Opening;
use crate::logs::decode::Failure;
use crate::logs::print::{failure_in_words, length};
use crate::logs::ring::Filter;
use crate::logs::tail::{ModuleState, TailPicture};
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::states::Blank;

/// Between two facts of one line.
pub(super) const APART: &str = "   ";

impl LogView {
    /// Where we are, and how the log is looked at.
    #[must_use]
    pub(super) fn whereabouts(&self, shell: &Shell) -> Vec<Piece> {
        let wide = shell.size.0 >= super::WIDE;
        let mut pieces = Vec::new();
        if wide {
            pieces.push((Role::TextDim, "devices > ".to_owned()));
        }
        pieces.push((Role::TextDim, format!("{} > logs > ", self.device.shown())));
        let whose = self.module.as_ref().map_or_else(|| "all modules".to_owned(), |module| module.shown().into());
        pieces.push((Role::Fg, whose));
        let mode = match (self.paused_since(shell), self.spot) {
            (Some(since), _) => (Role::ModePaused, format!("PAUSED {}", age_text(shell.now.since(since)))),
            (None, None) => (Role::StatusOk, "FOLLOW".to_owned()),
            (None, Some(_)) => (Role::StatusWarn, "SCROLLED".to_owned()),
        };
        for piece in [Some(mode), self.search_state(shell)].into_iter().flatten() {
            pieces.extend([(Role::TextDim, APART.to_owned()), piece]);
        }
        let mut way = String::new();
        if let Opening::Last(age) = self.opening {
            way.push_str(&format!("{APART}since {}", length(age)));
            if self.tail(shell).is_some_and(|tail| self.is_shortened(tail)) {
                way.push_str(", cut short");
            }
        }
        match self.level {
            Level::DEBUG => {}
            level => way.push_str(&format!("{APART}level 0-{}", level.digit())),
        }
        way.push_str(if self.wraps(shell) { "   wrap" } else { "" });
        if self.shift > 0 {
            way.push_str(&format!("   from column {}", self.shift + 1));
        }
        pieces.push((Role::TextDim, way));
        pieces
    }

    /// What is said first below the lines: what keeps them from coming, else what they are and what is hidden.
    pub(super) fn first_line(&self, shell: &Shell, tail: &TailPicture) -> Vec<Piece> {
        if let Some((fault, since)) = &tail.fault {
            return vec![(Role::StatusBad, silence(fault, *since, tail, shell))];
        }
        let mut pieces: Vec<Piece> = Vec::new();
        let mut put = |role: Role, text: String| {
            if !pieces.is_empty() {
                pieces.push((Role::TextDim, APART.to_owned()));
            }
            pieces.push((role, text));
        };
        if let Some(spot) = self.spot {
            let news = match spot.news {
                0 => "nothing new below; G follows".to_owned(),
                1 => "1 new line below, G follows".to_owned(),
                news => format!("{} new lines below, G follows", grouped(news)),
            };
            put(Role::Accent, news);
        }
        for (module, state) in &tail.modules {
            if let Some(failure) = &state.failure {
                put(Role::StatusWarn, format!("{}: {}", named(module, state), in_short(failure)));
            }
        }
        let unreadable: usize = tail.modules.values().map(|state| state.unreadable).sum();
        if unreadable > 0 {
            put(Role::StatusWarn, format!("{} could not be read", lines(unreadable)));
        }
        for (role, text) in self.hidden(tail) {
            put(role, text);
        }
        for (role, text) in self.counts(tail) {
            put(role, text);
        }
        pieces
    }

    /// What the filters keep away.
    fn hidden(&self, tail: &TailPicture) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let log = &tail.log;
        let has_agent = self.module.as_ref().is_none_or(|module| *module == ModuleId::edge_agent());
        if log.polling() > 0 && has_agent {
            let text = match self.polling {
                true => "edgeAgent's polling lines shown (p hides them)".to_owned(),
                false => format!("{} of edgeAgent's polling hidden (p)", lines(log.polling())),
            };
            pieces.push((Role::TextDim, text));
        }
        if self.level < Level::DEBUG {
            let less: usize = self.counted(tail).iter().skip(usize::from(self.level.digit()) + 1).sum();
            if less > 0 {
                pieces.push((Role::StatusWarn, format!("{} of lesser level hidden (L)", lines(less))));
            }
        }
        if self.cleared.is_some() {
            pieces.push((Role::StatusWarn, "cleared: esc brings the lines back".to_owned()));
        }
        pieces
    }

    /// Lines by level, of what is shown.
    fn counted(&self, tail: &TailPicture) -> [usize; 8] {
        let log = &tail.log;
        let filter = self.filter(log);
        let sources = log.sources().iter().filter_map(|module| log.source(module));
        let mut counts = [0_usize; 8];
        for source in sources.filter(|source| filter.shows(*source)) {
            for (count, more) in counts.iter_mut().zip(log.lines(source)) {
                *count += more;
            }
        }
        counts
    }

    fn counts(&self, tail: &TailPicture) -> Vec<Piece> {
        let [worst, bad, critical, error, warning, ..] = self.counted(tail);
        let errors = worst + bad + critical + error;
        let mut pieces = Vec::new();
        if errors > 0 {
            pieces.push((Role::LogBad, format!("errors {}", grouped(errors))));
        }
        if warning > 0 {
            pieces.push((Role::LogWarn, format!("warnings {}", grouped(warning))));
        }
        if self.module.is_none() {
            for module in tail.log.sources() {
                let Some(source) = tail.log.source(module) else { continue };
                let count: usize = tail.log.lines(source).iter().sum();
                pieces.push((source_role(source), format!("{} {}", letter(source.index()), grouped(count))));
            }
        }
        pieces
    }

    /// What is shown in place of lines.
    pub(super) fn blank<'a>(&self, shell: &'a Shell) -> Blank<'a> {
        let what = format!("the logs of {}", self.whose());
        let leave = "esc goes back";
        // Whatever was read before is shown as long as there is anything; nothing more comes.
        let unread = self.tail(shell).is_none_or(|tail| tail.answered.is_none());
        if let Some(since) = self.paused_since(shell).filter(|_| unread) {
            let (whose, key) = if shell.paused.is_some() { ("the console is", "P") } else { ("this log is", "space") };
            return Blank::Empty {
                why: format!("{whose} paused since {}: {what} are not read", second(since)),
                next: format!("{key} goes on; {leave}"),
            };
        }
        let Some(tail) = self.tail(shell).filter(|tail| !tail.modules.is_empty()) else {
            let read = shell.details.twins.get(&self.agent_twin());
            return match read.and_then(|read| read.fault.as_ref()) {
                Some((fault, _)) if self.modules.is_empty() && self.module.is_none() => Blank::Failed(fault),
                _ if self.modules.is_empty()
                    && self.module.is_none()
                    && read.is_some_and(|read| read.get().is_some()) =>
                {
                    Blank::Empty {
                        why: format!("{} runs no modules: edgeAgent has reported none", self.device.shown()),
                        next: "a log begins with a container; deploy something, or wait for the device".to_owned(),
                    }
                }
                _ => Blank::Loading { what, since: read.and_then(|read| read.asked), leave },
            };
        };
        if let Some((fault, since)) = &tail.fault {
            return match fault.kind {
                FaultKind::DeviceOffline => Blank::Empty {
                    why: silence(fault, *since, tail, shell),
                    next: "no line was read before; it is asked again until you leave".to_owned(),
                },
                _ => Blank::Failed(fault),
            };
        }
        let rows = Filter::default();
        let own = |module: &ModuleId| self.module.as_ref().is_none_or(|own| own == module);
        let kept: usize = self.counted(tail).iter().sum();
        if let Some(failure) =
            tail.modules.iter().find(|(module, _)| own(module)).and_then(|(_, state)| state.failure.as_ref())
            && kept == 0
        {
            return Blank::Empty {
                why: format!("{}: {}", self.whose(), in_short(failure)),
                next: failure_next(failure).to_owned(),
            };
        }
        if tail.answered.is_none() {
            return Blank::Loading { what, since: tail.asked, leave };
        }
        if self.cleared.is_some() && tail.log.all(rows).next().is_some() {
            return Blank::Empty {
                why: "cleared; lines that come from now on are shown".to_owned(),
                next: "esc brings the others back".to_owned(),
            };
        }
        if kept > 0 {
            return Blank::Empty {
                why: format!("0 of {} are shown", lines(kept)),
                next: "L shows other levels, p what edgeAgent writes about being asked for logs".to_owned(),
            };
        }
        Blank::Empty {
            why: match self.opening {
                Opening::Tail(_) => format!("{} has written nothing that its log still holds", self.whose()),
                Opening::Last(age) => format!("{} has written nothing in the last {}", self.whose(), length(age)),
            },
            next: "it is asked again and again; lines appear here as they come".to_owned(),
        }
    }

    /// Whether a module that is shown begins later than was wanted.
    fn is_shortened(&self, tail: &TailPicture) -> bool {
        let own = |module: &ModuleId| self.module.as_ref().is_none_or(|own| own == module);
        tail.modules.iter().any(|(module, state)| own(module) && state.shortened.is_some())
    }

    fn whose(&self) -> String {
        match &self.module {
            Some(module) => format!("{}/{}", self.device.shown(), module.shown()),
            None => format!("{}, all modules", self.device.shown()),
        }
    }

    /// The head of the list: which letter is which module.
    pub(super) fn legend(&self, shell: &Shell, tail: Option<&TailPicture>) -> String {
        let device = self.device.shown();
        match (&self.module, tail) {
            (Some(module), _) => format!("{device}/{}", module.shown()),
            (None, None) => format!("{device}"),
            (None, Some(tail)) => {
                let mut modules: Vec<_> = tail.modules.iter().collect();
                modules.sort_by_key(|(_, state)| state.source);
                let modules: Vec<String> = modules.into_iter().map(|(module, state)| named(module, state)).collect();
                // Where there is little room, the device stands above.
                let head = if shell.size.0 >= super::WIDE { format!("{device}: ") } else { String::new() };
                format!("{head}{}", modules.join("  "))
            }
        }
    }

    /// How much is kept, and what had to go.
    pub(super) fn kept(&self, tail: &TailPicture) -> String {
        let kept = lines(self.counted(tail).iter().sum());
        match tail.log.dropped() {
            0 => kept,
            dropped => format!("{kept}, {dropped} older ones dropped"),
        }
    }
}

fn named(module: &ModuleId, state: &ModuleState) -> String {
    let name = module.shown();
    match state.source {
        Some(source) => format!("{} {}", letter(source.index()), name.as_str()),
        None => name.as_str().to_owned(),
    }
}

/// Why nothing comes, since when, and when it is tried again.
fn silence(fault: &Fault, since: Now, tail: &TailPicture, shell: &Shell) -> String {
    let next = match tail.next.map(|next| next.since(shell.now)) {
        Some(rest) if !rest.is_zero() => format!("next try in {}", age_text(rest)),
        _ => "trying now".to_owned(),
    };
    // What was read last is the last thing known for sure.
    let since = tail.answered.unwrap_or(since);
    let when = format!("since {} ({})", second(since), age_text(shell.now.since(since)));
    match fault.kind {
        FaultKind::DeviceOffline => {
            format!("edgeAgent has not answered {when}: the device is not connected to the hub (404103); {next}")
        }
        _ => format!("no lines {when}, {next}: {fault}; {}", fault.advice()),
    }
}

/// The time of the day, to the second.
fn second(at: Now) -> String {
    clock(at.wall).split('.').next().unwrap_or_default().to_owned()
}

/// In the title line an outage is named in a word or two.
fn in_short(failure: &Failure) -> String {
    match failure {
        Failure::Hub(fault) => fault.in_short().to_owned(),
        other => failure_in_words(other),
    }
}

fn failure_next(failure: &Failure) -> &'static str {
    match failure {
        Failure::TooLarge { .. } => "fewer lines are asked for by themselves; 2 asks for the last minute only",
        Failure::NoSuchModule => "its image may not be there yet, or it was removed; the device's view says which",
        Failure::Agent { .. } => "the container engine may keep no log that can be read; it is asked again and again",
        Failure::Unreadable(_) => "this edgeAgent speaks another dialect; `iotedge logs` on the device reads it",
        Failure::Hub(_) => "it is asked again and again",
    }
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{} lines", grouped(count)) }
}

/// A count with commas between thousands.
pub(super) fn grouped(count: impl TryInto<u64>) -> String {
    let digits = count.try_into().unwrap_or(u64::MAX).to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_apart() {
        for (count, text) in [(0_u64, "0"), (999, "999"), (1_204, "1,204"), (3_600_000, "3,600,000")] {
            assert_eq!(super::grouped(count), text);
        }
    }
}
