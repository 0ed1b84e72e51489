//! The `:` and `/` line: what is typed, what it could become, and what was typed before.

mod switches;

use crate::tui::actions::{ActionId, CommandId, Completes, Danger, Scope};
use crate::tui::keymap::Keymap;
use crate::tui::shell::Shell;
use crate::tui::widgets::editor::Editor;

/// Which line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptKind {
    /// `:`, a command.
    Command,
    /// `/`, a filter.
    Filter,
}

/// An open line.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// Which line.
    pub kind: PromptKind,
    /// What is typed.
    pub input: Editor,
    /// The candidate that tab or the arrows chose; enter never runs one that was not chosen.
    pub chosen: Option<usize>,
    /// How far back in history, from the newest.
    pub recalled: Option<usize>,
    /// What stood in the line when it was opened, for `esc`.
    pub before: String,
}

/// One thing the line could become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// `command`, `action`, `device`, …
    pub kind: &'static str,
    /// The line it makes.
    pub line: String,
    /// What it does.
    pub doc: String,
    /// Its key, or why it is not available.
    pub note: String,
}

/// Candidates that are shown at most.
pub const SHOWN: usize = 8;
/// Candidates that are looked for at most; tab cycles through them.
const CANDIDATES: usize = 64;

impl Prompt {
    /// An open, empty line. `before` is what applied until now; it stays until something is typed, and `esc` brings it
    /// back.
    #[must_use]
    pub fn open(kind: PromptKind, before: &str) -> Self {
        Self { kind, input: Editor::line(""), chosen: None, recalled: None, before: before.to_owned() }
    }

    /// What the line could become, the best first. Only from what is loaded; the hub is never asked.
    #[must_use]
    pub fn candidates(&self, shell: &Shell, names: &Names) -> Vec<Candidate> {
        if self.kind == PromptKind::Filter {
            return Vec::new();
        }
        let text = self.input.text();
        let text = text.trim_start();
        let mut found = match text.split_once(' ') {
            Some((word, argument)) => arguments(word, argument.trim_start(), shell, names),
            None => words(text, shell, &names.scopes),
        };
        found.truncate(CANDIDATES);
        found
    }
}

/// What lines are completed from.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Themes.
    pub themes: Vec<String>,
    /// Keymaps.
    pub keymaps: Vec<String>,
    /// Where keys mean something in the view below the line.
    pub scopes: Vec<Scope>,
}

fn words(typed: &str, shell: &Shell, scopes: &[Scope]) -> Vec<Candidate> {
    let mut ranked: Vec<(u8, usize, Candidate)> = Vec::new();
    let locked = |danger: Danger| danger == Danger::Write && shell.session.read_only;
    for (index, id) in CommandId::ALL.iter().enumerate() {
        let command = id.command();
        let names = std::iter::once(&command.name).chain(command.aliases);
        if let Some(rank) = names.filter_map(|name| rank(name, typed)).min() {
            let note = if locked(command.danger) {
                "needs read-write".to_owned()
            } else {
                key_of(&shell.keymap, command.action)
            };
            let line = command.usage.split(' ').next().unwrap_or(command.name).to_owned();
            ranked.push((rank, index, Candidate { kind: "command", line, doc: command.doc.to_owned(), note }));
        }
    }
    // Only what does something in the view the line was opened from.
    for (index, id) in ActionId::ALL.iter().enumerate().filter(|(_, id)| scopes.contains(&id.action().scope)) {
        let action = id.action();
        if let Some(rank) = rank(action.name, typed) {
            let note =
                if locked(action.danger) { "needs read-write".to_owned() } else { key_of(&shell.keymap, Some(*id)) };
            let candidate =
                Candidate { kind: "action", line: action.name.to_owned(), doc: action.doc.to_owned(), note };
            ranked.push((rank + 10, index, candidate));
        }
    }
    ranked.sort_by_key(|(rank, index, _)| (*rank, *index));
    ranked.into_iter().map(|(_, _, candidate)| candidate).collect()
}

/// Exact prefix, then a word inside, then letters in order.
fn rank(name: &str, typed: &str) -> Option<u8> {
    if name.starts_with(typed) {
        return Some(0);
    }
    if name.split(['.', '-']).any(|part| part.starts_with(typed)) {
        return Some(1);
    }
    let mut letters = name.chars();
    typed.chars().all(|c| letters.any(|other| other == c)).then_some(2)
}

fn key_of(keymap: &Keymap, action: Option<ActionId>) -> String {
    action.and_then(|id| keymap.keys_for(id).first().map(ToString::to_string)).unwrap_or_default()
}

fn arguments(word: &str, typed: &str, shell: &Shell, names: &Names) -> Vec<Candidate> {
    let command = CommandId::ALL.iter().map(|id| id.command()).find(|c| c.name == word || c.aliases.contains(&word));
    let Some(command) = command else { return Vec::new() };
    let make = |kind: &'static str, argument: String| Candidate {
        kind,
        line: format!("{word} {argument}"),
        doc: command.doc.to_owned(),
        note: String::new(),
    };
    let pick = |kind: &'static str, all: &mut dyn Iterator<Item = &str>| -> Vec<Candidate> {
        best(typed, all).into_iter().map(|name| make(kind, name.to_owned())).collect()
    };
    let mut devices = shell.fleet.rows.iter().map(|row| row.id.as_str());
    match command.completes {
        Completes::Nothing => Vec::new(),
        Completes::Devices => pick("device", &mut devices),
        Completes::Twins => match typed.split_once('/') {
            None => pick("device", &mut devices),
            Some((device, _)) => {
                let known = shell.details.modules.iter().find(|(id, _)| id.as_str() == device);
                let modules = known.and_then(|(_, read)| read.get()).map(|modules| &**modules).unwrap_or_default();
                let lines: Vec<String> =
                    modules.iter().map(|module| format!("{device}/{}", module.id.as_str())).collect();
                pick("module", &mut lines.iter().map(String::as_str))
            }
        },
        Completes::Deployments => {
            pick("deploy", &mut shell.deployments.edge().map(|deployed| deployed.configuration.id.as_str()))
        }
        Completes::Themes => pick("theme", &mut names.themes.iter().map(String::as_str)),
        Completes::Keymaps => pick("keymap", &mut names.keymaps.iter().map(String::as_str)),
        Completes::Sim => {
            if let Some((head, begun, words)) = switches::last_word(typed) {
                let found = best(begun, &mut words.iter().copied());
                return found.into_iter().map(|word| make("switch", format!("{head} {word}"))).collect();
            }
            let mut about = switches::DEVICE.iter().filter_map(|switch| {
                let device = typed.strip_prefix(switch)?.strip_prefix(' ')?;
                Some((switch, device.trim_start()))
            });
            match about.next() {
                Some((switch, device)) => best(device, &mut devices)
                    .into_iter()
                    .map(|name| make("device", format!("{switch} {name}")))
                    .collect(),
                None => pick("switch", &mut switches::HUB.into_iter().chain(switches::DEVICE)),
            }
        }
    }
}

/// The names that fit what is typed, the best first. Of a large fleet only as many are copied as can be shown.
fn best<'a>(typed: &str, all: &mut dyn Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut ranked: [Vec<&str>; 3] = Default::default();
    for name in all {
        if let Some(found) = rank(name, typed).and_then(|rank| ranked.get_mut(usize::from(rank)))
            && found.len() < CANDIDATES
        {
            found.push(name);
        }
    }
    let mut found = ranked.concat();
    found.truncate(CANDIDATES);
    found
}

/// The longest beginning all lines share.
#[must_use]
pub fn common_prefix(candidates: &[Candidate]) -> String {
    let mut lines = candidates.iter().map(|candidate| candidate.line.as_str());
    let Some(first) = lines.next() else { return String::new() };
    let mut length = first.len();
    for line in lines {
        length = first
            .char_indices()
            .zip(line.chars())
            .take_while(|((_, a), b)| a == b)
            .map(|((i, a), _)| i + a.len_utf8())
            .last()
            .unwrap_or(0)
            .min(length);
    }
    first.get(..length).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(line: &str) -> Candidate {
        Candidate { kind: "device", line: line.into(), doc: String::new(), note: String::new() }
    }

    #[test]
    fn tab_completes_to_what_is_common() {
        assert_eq!(common_prefix(&[candidate("device gw-101"), candidate("device gw-112")]), "device gw-1");
        assert_eq!(common_prefix(&[candidate("only")]), "only");
        assert_eq!(common_prefix(&[candidate("a"), candidate("b")]), "");
        assert_eq!(common_prefix(&[]), "");
    }

    #[test]
    fn candidates_are_ranked() {
        assert_eq!(
            [
                rank("sort.status", "sort"),
                rank("sort.status", "stat"),
                rank("sort.status", "sst"),
                rank("sort.status", "x")
            ],
            [Some(0), Some(1), Some(2), None]
        );
    }
}
