//! The whole state of the console: what views share, the stack of views, and what lies on top of them.

use crate::store::Needs;
use crate::tui::actions::Scope;
use crate::tui::following::LogWant;
use crate::tui::keymap::{Keymaps, Pending};
use crate::tui::layers::Layer;
use crate::tui::prompt::Prompt;
use crate::tui::shell::Shell;
use crate::tui::theme::{Depth, Theme, Themes};
use crate::tui::views::{Place, Screen};

/// The console's state. Only `update` changes it, and `view` only reads it.
#[derive(Debug)]
pub struct Model {
    /// What views share.
    pub shell: Shell,
    /// The views, the one in front last; never empty.
    pub screens: Vec<Screen>,
    /// What lies over them: a dialog. It gets the keys first.
    pub layer: Option<Layer>,
    /// The `:` or `/` line, when it is open.
    pub prompt: Option<Prompt>,
    /// The keymaps to choose from.
    pub keymaps: Keymaps,
    /// Keys of a chord so far.
    pub pending: Pending,
    /// The look.
    pub theme: Theme,
    /// The looks to choose from.
    pub themes: Themes,
    /// Colours the terminal has.
    pub depth: Depth,
    /// Places that were visited, and where in them we are.
    pub visited: (Vec<Place>, usize),
    /// Command lines of before, oldest first.
    pub history: Vec<String>,
    /// What was last asked to be kept fresh.
    pub needs: Needs,
    /// The log that was last asked to be followed.
    pub follows: Option<LogWant>,
}

/// What the model is made with.
#[derive(Debug)]
pub struct Setup {
    /// What views share, empty.
    pub shell: Shell,
    /// The keymaps to choose from.
    pub keymaps: Keymaps,
    /// The look.
    pub theme: Theme,
    /// The looks to choose from.
    pub themes: Themes,
    /// Colours the terminal has.
    pub depth: Depth,
    /// Command lines of before.
    pub history: Vec<String>,
}

impl Model {
    /// The console on the fleet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let Setup { shell, keymaps, theme, themes, depth, history } = setup;
        let fleet = Screen::open(&Place::Fleet, &shell);
        let needs = fleet.needs(&shell);
        Self {
            shell,
            screens: vec![fleet],
            layer: None,
            prompt: None,
            keymaps,
            pending: Pending::default(),
            theme,
            themes,
            depth,
            visited: (vec![Place::Fleet], 0),
            history,
            needs,
            follows: None,
        }
    }

    /// The view in front.
    #[must_use]
    pub fn screen(&self) -> Option<&Screen> {
        self.screens.last()
    }

    /// Where keys mean something now, innermost first.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        if self.layer.is_some() {
            return vec![Scope::Confirm, Scope::Global];
        }
        if self.prompt.is_some() {
            return vec![Scope::Input, Scope::Global];
        }
        let mut scopes = self.screen().map(|screen| screen.scopes()).unwrap_or_default();
        scopes.push(Scope::Global);
        scopes
    }
}
