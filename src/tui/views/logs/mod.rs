//! The log of a module, or of all modules of a device merged: what is shown of it, and where the reader is. Lines come by
//! the shell's log board; `act.rs` knows what keys do, `rows.rs` which rows there are to see and where the window stands,
//! `ink.rs` how a row looks, `words.rs` what is said about the log, `pace.rs` what about asking for it, `draw.rs` where
//! everything goes.

mod act;
mod draw;
mod find;
mod ink;
mod pace;
mod rows;
mod words;

use crate::store::Needs;
use crate::tui::canvas::{Canvas, Piece};
use ratatui::layout::Rect;
use std::time::Duration;

use jiff::Timestamp;

use super::{Place, Step, View};
use crate::domain::health::AgentReport;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::time::Now;
use crate::logs::continuity::{Following, Opening};
use crate::logs::request::container;
use crate::logs::ring::{Filter, LineId, Picture};
use crate::logs::tail::{Attention, TailPicture, Wanted};
use crate::logs::{Level, Severity};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::following::LogWant;
use crate::tui::shell::Shell;

use find::Finding;
use rows::Rows;

/// Rules somebody drew; older ones go.
const MOST_RULES: usize = 32;
/// Below this width lines wrap unless somebody says otherwise, and there is no frame.
const WIDE: u16 = 100;

/// The view's state.
#[derive(Debug, Clone)]
pub struct LogView {
    device: DeviceId,
    /// The one module that is shown; `None` for all of them.
    module: Option<ModuleId>,
    /// The modules of the device, as edgeAgent last reported them.
    modules: Vec<ModuleId>,
    opening: Opening,
    level: Level,
    /// Whether edgeAgent's lines about being asked for logs are shown.
    polling: bool,
    /// Whether long lines are broken, once somebody has said so.
    wrap: Option<bool>,
    stamps: Stamps,
    /// Columns that are left of the window.
    shift: usize,
    /// Since when no lines are asked for, because the reader wants none.
    paused: Option<Now>,
    /// Where the reader is; `None` at the end, following.
    spot: Option<Spot>,
    /// Lines up to this one were cleared away.
    cleared: Option<LineId>,
    /// Rules, each below a row, and when they were drawn.
    rules: Vec<(LineId, Timestamp)>,
    finding: Option<Finding>,
    /// Which rows the places above are about: the run of the board, and the beginning in it.
    of: (u64, u64),
}

/// What stands before a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamps {
    /// The device's time, UTC.
    Absolute,
    /// How long ago that was.
    Age,
    /// Nothing.
    Off,
}

/// A place in the log that stays while lines come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spot {
    /// The row under the cursor.
    at: LineId,
    /// The first row of the window.
    top: LineId,
    /// The newest row when the reader stopped following.
    left: LineId,
    /// Rows that are shown and came since.
    news: usize,
}

impl LogView {
    /// The log of `module`, or of all modules, at its end.
    #[must_use]
    pub fn new(device: DeviceId, module: Option<ModuleId>, shell: &Shell) -> Self {
        let mut view = Self {
            device,
            module: module.map(by_its_own_name),
            modules: Vec::new(),
            opening: Following::default().opening,
            level: Level::DEBUG,
            polling: false,
            wrap: None,
            stamps: Stamps::Absolute,
            shift: 0,
            paused: None,
            spot: None,
            cleared: None,
            rules: Vec::new(),
            finding: None,
            of: (0, 0),
        };
        view.learn_modules(shell);
        view
    }

    fn agent_twin(&self) -> TwinId {
        TwinId::module(self.device.clone(), ModuleId::edge_agent())
    }

    /// The twin it needs: which modules there are is known from edgeAgent's.
    #[must_use]
    pub fn reads(&self) -> Option<TwinId> {
        (self.module.is_none() || self.modules.is_empty()).then(|| self.agent_twin())
    }

    /// What is to be followed; nothing before it is known which modules there are.
    #[must_use]
    pub fn wants(&self, attention: Attention) -> Option<LogWant> {
        let modules = match &self.module {
            Some(module) => vec![module.clone()],
            None => self.modules.clone(),
        };
        let following = Following { opening: self.opening, regex: None };
        let attention = if self.paused.is_some() { Attention::Paused } else { attention };
        let wanted = Wanted { modules, following, attention };
        (!wanted.modules.is_empty()).then(|| LogWant { device: self.device.clone(), wanted })
    }

    /// Whether the newest line is shown as it comes.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.spot.is_none()
    }

    /// Since when no lines are asked for, of this log or of anything.
    fn paused_since(&self, shell: &Shell) -> Option<Now> {
        [self.paused, shell.paused].into_iter().flatten().min_by_key(|since| since.mono)
    }

    /// What is known of the log.
    fn tail<'a>(&self, shell: &'a Shell) -> Option<&'a TailPicture> {
        (shell.logs.device.as_ref() == Some(&self.device)).then_some(&*shell.logs.tail)
    }

    /// Takes over new lines: the reader stays where he is.
    pub(super) fn take_over(&mut self, shell: &Shell) {
        self.learn_modules(shell);
        let Some(tail) = self.tail(shell) else { return };
        let of = (shell.logs.run, tail.anew);
        if self.of != of {
            self.of = of;
            self.forget_places();
        }
        let rows = self.rows(&tail.log);
        if let Some(spot) = self.spot {
            let news = rows.down(Some(spot.left)).filter(|row| row.id != spot.left).count();
            self.spot = Some(Spot { news, ..spot });
        }
        self.search_on(shell);
    }

    /// Rows are other rows from now on.
    fn forget_places(&mut self) {
        self.spot = None;
        self.cleared = None;
        self.rules.clear();
        if let Some(finding) = &mut self.finding {
            finding.begin();
        }
    }

    /// The modules as edgeAgent last reported them; what is known stays when its twin is not there.
    fn learn_modules(&mut self, shell: &Shell) {
        let Some(twin) = shell.details.twin(&self.agent_twin()) else { return };
        self.modules = AgentReport::of(twin).into_reported().collect();
    }

    /// Which rows are shown.
    fn filter(&self, picture: &Picture) -> Filter {
        let mut filter = Filter::down_to(self.level);
        filter.polling = self.polling;
        if let Some(module) = &self.module {
            for other in picture.sources().iter().filter(|other| *other != module) {
                if let Some(source) = picture.source(other) {
                    filter.toggle(source);
                }
            }
        }
        filter
    }

    fn rows<'a>(&self, picture: &'a Picture) -> Rows<'a> {
        Rows { picture, filter: self.filter(picture), after: self.cleared }
    }

    /// Whether long lines are broken at this width of the terminal.
    fn wraps(&self, shell: &Shell) -> bool {
        self.wrap.unwrap_or(shell.size.0 < WIDE)
    }
}

impl View for LogView {
    fn place(&self) -> Place {
        Place::Logs(self.device.clone(), self.module.clone())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Logs, Scope::Table]
    }

    fn needs(&self, _: &Shell) -> Needs {
        Needs { twin: self.reads(), ..Needs::default() }
    }

    fn refresh(&mut self, shell: &mut Shell) -> Step {
        self.take_over(shell);
        Step::done()
    }

    fn filter(&mut self, text: Option<&str>, shell: &mut Shell) -> bool {
        self.search(text, shell);
        true
    }

    fn offers(&self, action: ActionId, _: &Shell) -> bool {
        match action {
            ActionId::LogNext | ActionId::LogPrevious => self.finding.is_some(),
            ActionId::LogNextModule => self.modules.len() > 1,
            _ => true,
        }
    }

    fn as_of(&self, shell: &Shell) -> Option<Now> {
        self.tail(shell)?.answered
    }

    fn every(&self, shell: &Shell) -> Option<Duration> {
        self.tail(shell).map(|tail| tail.every)
    }

    fn location(&self, shell: &Shell) -> Vec<Piece> {
        self.whereabouts(shell)
    }

    fn act(&mut self, action: ActionId, shell: &mut Shell) -> Step {
        self.perform(action, shell)
    }

    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
        self.paint(shell, canvas, area);
        None
    }
}

/// The runtime's own modules have a `$` in the hub and none on the device; both are meant.
fn by_its_own_name(module: ModuleId) -> ModuleId {
    [ModuleId::edge_agent(), ModuleId::edge_hub()]
        .into_iter()
        .find(|own| container(own) == module.as_str())
        .unwrap_or(module)
}

/// The letter of a module.
fn letter(index: usize) -> char {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    LETTERS.chars().nth(index).unwrap_or('*')
}

/// A severity's digit; `-` for a line that does not say.
fn digit(severity: Severity) -> char {
    match severity {
        Severity::Said(level) => char::from_digit(u32::from(level.digit()), 10).unwrap_or('-'),
        Severity::Unsaid => '-',
    }
}
