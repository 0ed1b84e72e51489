//! What a device signs in with: hidden until somebody asks for it by the device's name, shown for a minute, and put away
//! when the view is left. Whoever has it is the device.

use std::time::Duration;

use ratatui::layout::Rect;

use super::{Place, Step, View};
use crate::domain::ids::DeviceId;
use crate::domain::secret::{MASK, Secret};
use crate::domain::text::Shown;
use crate::domain::time::{Now, age_text};
use crate::tui::actions::{ActionId, Scope};
use crate::tui::canvas::{Canvas, Piece};
use crate::tui::layers::Question;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::panel::panel;
use crate::tui::widgets::text::wrap;

/// How long a key stays on screen.
const SHOWN_FOR: Duration = Duration::from_secs(60);

/// The view's state.
#[derive(Debug, Clone)]
pub struct KeyView {
    device: DeviceId,
    key: Key,
}

#[derive(Debug, Clone)]
enum Key {
    Hidden,
    /// Asked for, since then.
    Asked(Now),
    /// It could not be shown, and why.
    Refused(String),
    /// On screen, since then.
    Shown(Secret, Now),
}

impl KeyView {
    /// The view, the key hidden.
    #[must_use]
    pub fn new(device: DeviceId) -> Self {
        Self { device, key: Key::Hidden }
    }

    /// Whose key.
    #[must_use]
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// Somebody confirmed that it shall be shown.
    pub fn asked(&mut self, now: Now) {
        self.key = Key::Asked(now);
    }

    /// What came of it.
    pub fn revealed(&mut self, result: Result<Secret, String>, now: Now) {
        // Whoever left meanwhile does not find it on screen when he comes back.
        if matches!(self.key, Key::Asked(_)) {
            self.key = match result {
                Ok(secret) => Key::Shown(secret, now),
                Err(why) => Key::Refused(why),
            };
        }
    }

    /// Time went on: a key is put away by itself.
    pub fn tick(&mut self, now: Now) {
        if matches!(&self.key, Key::Shown(_, since) if now.since(*since) >= SHOWN_FOR) {
            self.key = Key::Hidden;
        }
    }

    /// Draws the view.
    fn paint(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) {
        let inside = panel(canvas, area, "Connection string", "", true);
        let hidden = format!("HostName={};DeviceId={};SharedAccessKey={MASK}", shell.session.hub, self.device.shown());
        let mut lines: Vec<Piece> = vec![(Role::Fg, String::new())];
        match &self.key {
            Key::Hidden => {
                lines.push((Role::Fg, hidden));
                lines.push((Role::Fg, String::new()));
                lines.push((
                    Role::TextDim,
                    "The key is hidden, and was not read. R shows it, after a question.".to_owned(),
                ));
            }
            Key::Asked(since) => {
                lines.push((Role::Fg, hidden));
                lines.push((Role::Fg, String::new()));
                let waited = age_text(shell.now.since(*since));
                lines.push((Role::StatusProgress, format!("writing the record and reading the key, {waited}")));
            }
            Key::Refused(why) => {
                lines.push((Role::Fg, hidden));
                lines.push((Role::Fg, String::new()));
                lines.push((Role::StatusBad, Shown::sanitise(why).into()));
            }
            Key::Shown(secret, since) => {
                lines.push((Role::StatusWarn, Shown::sanitise(secret.expose()).into()));
                lines.push((Role::Fg, String::new()));
                let left = age_text(SHOWN_FOR.saturating_sub(shell.now.since(*since)));
                lines.push((Role::TextDim, format!("Hidden again in {left}, with R, or when this view is left.")));
            }
        }
        lines.push((Role::Fg, String::new()));
        let use_of_it = "On the machine it goes into /etc/aziot/config.toml as the connection string of manual provisioning; \
                         `edgedeck sim provision` stands in for that on the simulated hub.";
        lines.push((Role::TextDim, use_of_it.to_owned()));
        let width = inside.width.saturating_sub(4);
        let wrapped = lines
            .into_iter()
            .flat_map(|(role, text)| wrap(&text, usize::from(width)).into_iter().map(move |line| (role, line)));
        for (y, (role, line)) in (inside.y..inside.bottom()).zip(wrapped) {
            canvas.text(inside.x + 2, y, width, role, &line);
        }
    }
}

impl View for KeyView {
    fn place(&self) -> Place {
        Place::Key(self.device.clone())
    }

    fn scopes(&self) -> Vec<Scope> {
        vec![Scope::Key]
    }

    fn location(&self, _: &Shell) -> Vec<Piece> {
        vec![
            (Role::TextDim, "devices > ".to_owned()),
            (Role::Fg, self.device.shown().into()),
            (Role::TextDim, " > ".to_owned()),
            (Role::Fg, "connection string".to_owned()),
        ]
    }

    fn act(&mut self, action: ActionId, _: &mut Shell) -> Step {
        match (action, &self.key) {
            (ActionId::KeyReveal, Key::Shown(..)) => {
                self.key = Key::Hidden;
                Step::done()
            }
            (ActionId::KeyReveal, Key::Asked(_)) => Step::done(),
            (ActionId::KeyReveal, _) => Step { ask: Some(Question::Reveal(self.device.clone())), ..Step::done() },
            _ => Step::unused(),
        }
    }

    fn draw(&self, shell: &Shell, canvas: &mut Canvas<'_>, area: Rect) -> Option<(u16, u16)> {
        self.paint(shell, canvas, area);
        None
    }
}
