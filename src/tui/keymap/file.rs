//! What a keymap file says, and what the rules make of it (console-ux K-2, K-5): every line that breaks one is named
//! and ignored, the rest applies.

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::trie::{Clash, Trie};
use super::{Chord, Key, Keymap};
use crate::tui::actions::{ActionId, Danger, Scope};
use crate::tui::finding::{Finding, Level, Place, Reading};

/// Whether an action's line replaces the keys it inherits or adds to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Replace,
    Add,
}

#[derive(Debug, Clone)]
struct Binding {
    chord: Chord,
    place: Place,
    /// How far from the root of the inheritance; the nearest file to the operator has the highest.
    layer: usize,
}

/// One line: an action and its keys.
#[derive(Debug)]
struct Line {
    action: ActionId,
    how: How,
    chords: Vec<(Chord, Place)>,
}

/// The lines of one file.
#[derive(Debug, Default)]
pub(super) struct KeymapFile {
    pub(super) inherits: Option<(String, Place)>,
    lines: Vec<Line>,
}

impl KeymapFile {
    pub(super) fn read(file: &str, text: &str) -> (Self, Vec<Finding>) {
        let mut reading = Reading::new(file, text);
        let mut keymap = Self::default();
        for (key, value) in &reading.document() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("name", _) => {}
                ("inherits", _) => {
                    let name = reading.string(value, "inherits");
                    keymap.inherits = name.map(|name| (name.to_owned(), reading.place(&value.span())));
                }
                (name, DeValue::Table(table)) => match Scope::parse(name) {
                    Some(scope) => keymap.read_scope(&mut reading, scope, table),
                    None => {
                        let known = Scope::ALL.map(Scope::name).join(", ");
                        reading.warn(&key.span(), format!("unknown scope {name}; there are {known}; ignored"));
                    }
                },
                (name, _) => {
                    let hint = "there are name, inherits and tables named by scope";
                    reading.warn(&key.span(), format!("unknown key {name}; {hint}; ignored"));
                }
            }
        }
        (keymap, reading.finish())
    }

    fn read_scope(&mut self, reading: &mut Reading<'_>, scope: Scope, table: &DeTable<'_>) {
        for (key, value) in table {
            let written = key.get_ref().as_ref();
            let (name, how) = written.strip_suffix('+').map_or((written, How::Replace), |name| (name, How::Add));
            let Some(action) = ActionId::parse(name) else {
                let hint = "dotted names stand in quotes; :keys lists them";
                reading.warn(&key.span(), format!("unknown action {name}; {hint}; ignored"));
                continue;
            };
            let home = action.action().scope;
            if home != scope {
                let (home, scope) = (home.name(), scope.name());
                reading.warn(&key.span(), format!("{name} belongs under [{home}], not [{scope}]; ignored"));
                continue;
            }
            let chords = match value.get_ref() {
                DeValue::Array(items) => items.iter().filter_map(|item| read_chord(reading, item, action)).collect(),
                DeValue::String(_) => read_chord(reading, value, action).into_iter().collect(),
                _ => {
                    reading.warn(&value.span(), format!("the keys of {name} should be a list of strings; ignored"));
                    continue;
                }
            };
            self.lines.push(Line { action, how, chords });
        }
    }
}

fn read_chord(reading: &mut Reading<'_>, value: &Spanned<DeValue<'_>>, action: ActionId) -> Option<(Chord, Place)> {
    let text = reading.string(value, "a key")?;
    let span = value.span();
    let chord = match text.parse::<Chord>() {
        Ok(chord) => chord,
        Err(error) => {
            reading.warn(&span, format!("{error}; ignored"));
            return None;
        }
    };
    if let Some(problem) = forbidden(&chord, action) {
        reading.warn(&span, format!("{chord} for {}: {problem}; ignored", action.name()));
        return None;
    }
    Some((chord, reading.place(&span)))
}

/// Keys the operator must be able to count on, and those a broken escape sequence can fake.
fn forbidden(chord: &Chord, action: ActionId) -> Option<&'static str> {
    let keys = chord.keys();
    let leaves = matches!(action, ActionId::Back | ActionId::ConfirmCancel);
    let starts = |key| keys.first() == Some(&key);
    if starts(Key::CTRL_C) && (action != ActionId::Quit || keys.len() > 1) {
        Some("ctrl-c is reserved for app.quit")
    } else if keys.contains(&Key::ESC) && (!leaves || keys.len() > 1) {
        Some("esc is reserved for leaving and for cancelling a chord")
    } else if action.action().danger == Danger::Write && keys.iter().any(|key| key.is_alt()) {
        Some("an action that changes the hub may not be on an Alt key; esc and a letter in one burst look the same")
    } else {
        None
    }
}

/// Lays files over each other, root first, and builds the keymap.
pub(super) fn build(name: &str, layers: &[(KeymapFile, bool)], findings: &mut Vec<Finding>) -> Keymap {
    let mut bindings: BTreeMap<ActionId, Vec<Binding>> = BTreeMap::new();
    let mut own = BTreeSet::new();
    for (layer, (file, is_own)) in layers.iter().enumerate() {
        for Line { action, how, chords } in &file.lines {
            let keys = bindings.entry(*action).or_default();
            if *how == How::Replace {
                keys.clear();
            }
            keys.extend(chords.iter().map(|(chord, place)| Binding {
                chord: chord.clone(),
                place: place.clone(),
                layer,
            }));
            if *is_own {
                own.insert(*action);
            }
        }
    }

    let mut builder = Builder { findings, scopes: BTreeMap::new(), keys: BTreeMap::new() };
    builder.required(&bindings);
    // The operator's lines first: an inherited key gives way to them.
    let mut all: Vec<(ActionId, &Binding)> =
        bindings.iter().flat_map(|(action, keys)| keys.iter().map(|binding| (*action, binding))).collect();
    all.sort_by_key(|(_, binding)| std::cmp::Reverse(binding.layer));
    let is_own = |layer: usize| layers.get(layer).is_some_and(|(_, is_own)| *is_own);
    for (action, binding) in &all {
        builder.bind(*action, binding, is_own(binding.layer));
    }
    for (action, binding) in all.iter().filter(|(_, binding)| is_own(binding.layer)) {
        builder.note_shadow(*action, binding);
    }
    let Builder { scopes, mut keys, .. } = builder;
    for (action, chords) in &mut keys {
        // Back to the order of the file: the first is the one hints show.
        let wanted = bindings.get(action).map(Vec::as_slice).unwrap_or_default();
        chords.sort_by_key(|chord| wanted.iter().position(|binding| binding.chord == *chord));
    }
    Keymap { name: name.to_owned(), scopes, keys, own }
}

struct Builder<'f> {
    findings: &'f mut Vec<Finding>,
    scopes: BTreeMap<Scope, Trie>,
    keys: BTreeMap<ActionId, Vec<Chord>>,
}

impl Builder<'_> {
    /// Binds what must never be missing: the ways out, and the help that names the rest.
    fn required(&mut self, bindings: &BTreeMap<ActionId, Vec<Binding>>) {
        let bound = |action| bindings.get(&action).is_some_and(|keys| !keys.is_empty());
        self.insert(ActionId::Back, &Chord::from(Key::ESC)).ok();
        self.insert(ActionId::Quit, &Chord::from(Key::CTRL_C)).ok();
        if let (false, Ok(key)) = (bound(ActionId::Help), "?".parse::<Chord>()) {
            self.insert(ActionId::Help, &key).ok();
        }
    }

    fn insert(&mut self, action: ActionId, chord: &Chord) -> Result<(), Clash> {
        self.scopes.entry(action.action().scope).or_default().insert(chord, action)?;
        self.keys.entry(action).or_default().push(chord.clone());
        Ok(())
    }

    fn bind(&mut self, action: ActionId, binding: &Binding, is_own: bool) {
        let chord = &binding.chord;
        let problem = match self.insert(action, chord) {
            Ok(()) => return,
            // Bound already because it must be, or written twice.
            Err(Clash::Taken(_)) if self.keys.get(&action).is_some_and(|keys| keys.contains(chord)) => return,
            Err(Clash::Taken(other)) => format!("{chord} is, or begins with, a key of {}", other.name()),
            Err(Clash::Begins(other)) => format!("{chord} is how a key of {} begins", other.name()),
        };
        let scope = action.action().scope.name();
        // An inherited key that gave way is worth knowing; a line of the operator's that does not work is wrong.
        let (level, outcome) =
            if is_own { (Level::Warning, "ignored") } else { (Level::Note, "the inherited one gives way") };
        let message = format!("{problem} in [{scope}]; for {} {outcome}", action.name());
        self.findings.push(Finding { level, place: binding.place.clone(), message: message.into() });
    }

    fn note_shadow(&mut self, action: ActionId, binding: &Binding) {
        if action.action().scope == Scope::Global {
            return;
        }
        let hidden = self.scopes.get(&Scope::Global).and_then(|global| global.get(binding.chord.keys()));
        if let Some(super::trie::Node::Action(hidden)) = hidden {
            let scope = action.action().scope.name();
            let message = format!("{} hides {} of [global] in [{scope}]", binding.chord, hidden.name());
            self.findings.push(Finding { level: Level::Note, place: binding.place.clone(), message: message.into() });
        }
    }
}
