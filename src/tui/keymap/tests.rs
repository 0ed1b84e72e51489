//! What the shipped profiles promise, how scopes and chords resolve, and how an operator's file is met.

use super::*;

fn load(name: &str) -> Keymap {
    let (keymap, findings) = Keymaps::shipped().load(name).unwrap();
    assert_eq!(findings, [], "{name}");
    keymap
}

fn own(text: &str) -> (Keymap, Vec<String>) {
    let mut keymaps = Keymaps::shipped();
    keymaps.add("mine", text);
    let (keymap, findings) = keymaps.load("mine").unwrap();
    (keymap, findings.iter().map(Finding::shown).map(String::from).collect())
}

fn event(written: &str) -> KeyEvent {
    use crossterm::event::{KeyCode, KeyModifiers};
    let (modifiers, name) = match written.strip_prefix("ctrl-") {
        Some(rest) => (KeyModifiers::CONTROL, rest),
        None => (KeyModifiers::NONE, written),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "space" => KeyCode::Char(' '),
        "down" => KeyCode::Down,
        "f1" => KeyCode::F(1),
        _ => KeyCode::Char(name.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

fn press(keymap: &Keymap, scopes: &[Scope], keys: &str) -> Lookup {
    let mut pending = Pending::default();
    let results: Vec<_> = keys.split(' ').map(|key| keymap.lookup(scopes, &mut pending, event(key))).collect();
    results.last().cloned().unwrap()
}

const FLEET: [Scope; 6] = [Scope::Fleet, Scope::List, Scope::Device, Scope::Object, Scope::Table, Scope::Global];

#[test]
fn shipped_profiles_bind_every_action() {
    for (name, _) in SHIPPED {
        let keymap = load(name);
        for id in ActionId::ALL {
            // Half pages are vim's; in k9s their keys mean other things.
            let may_be_unbound = name == "k9s" && matches!(id, ActionId::HalfPageDown | ActionId::HalfPageUp);
            let keys = keymap.keys_for(*id);
            assert!(may_be_unbound || !keys.is_empty(), "{name}: {} has no key", id.name());
            let sure = |chord: &Chord| !chord.keys().iter().any(|key| key.may_be_kept());
            assert!(keys.is_empty() || keys.iter().any(sure), "{name}: {} may be out of reach", id.name());
            for chord in keys {
                assert_eq!(chord.to_string().parse(), Ok(chord.clone()));
                assert_eq!(keymap.resolve(&[id.action().scope], chord.keys()), Lookup::Action(*id), "{name} {chord}");
            }
        }
    }
}

#[test]
fn the_innermost_scope_decides() {
    let keymap = load("k9s");
    for (scopes, keys, expected) in [
        (&FLEET[..], "t", Lookup::Action(ActionId::Twin)),
        (&FLEET, "j", Lookup::Action(ActionId::RowDown)),
        (&FLEET, "?", Lookup::Action(ActionId::Help)),
        (&FLEET, "B", Lookup::None),
        (&[Scope::Conflict, Scope::Twin, Scope::Table, Scope::Global], "t", Lookup::Action(ActionId::ConflictTheirs)),
        (&[Scope::Twin, Scope::Table, Scope::Global], "esc", Lookup::Action(ActionId::Back)),
        (&[Scope::Confirm, Scope::Review, Scope::Global], "esc", Lookup::Action(ActionId::ConfirmCancel)),
    ] {
        assert_eq!(press(&keymap, scopes, keys), expected, "{scopes:?} {keys}");
    }
}

#[test]
fn what_is_typed_stays_in_the_input() {
    let keymap = load("k9s");
    for inner in [Scope::Editor, Scope::Input, Scope::Confirm] {
        let scopes = [inner, Scope::Twin, Scope::Table, Scope::Global];
        for key in ["s", "q", ":", "?", "e", "j", "space", "ctrl-f", "ctrl-\\"] {
            assert_eq!(press(&keymap, &scopes, key), Lookup::None, "{inner:?} {key}");
        }
        assert_eq!(press(&keymap, &scopes, "ctrl-c"), Lookup::Action(ActionId::Quit));
        assert_eq!(press(&keymap, &scopes, "ctrl-l"), Lookup::Action(ActionId::Redraw));
        assert_eq!(press(&keymap, &scopes, "f1"), Lookup::Action(ActionId::Help));
    }
    let editor = [Scope::Editor, Scope::Twin, Scope::Global];
    assert_eq!(press(&keymap, &editor, "ctrl-z"), Lookup::Action(ActionId::EditorUndo));
    assert_eq!(press(&keymap, &editor, "esc"), Lookup::Action(ActionId::Back));
}

#[test]
fn chords_wait_show_what_follows_and_can_be_cancelled() {
    let keymap = load("vim");
    let Lookup::Pending(next) = press(&keymap, &FLEET, "g") else { panic!("g begins a chord") };
    let next: Vec<_> = next.iter().map(|next| (next.key.to_string(), next.action)).collect();
    assert_eq!(
        next,
        [
            ("t".to_owned(), Some(ActionId::Twin)),
            ("r".to_owned(), Some(ActionId::RawJson)),
            ("g".to_owned(), Some(ActionId::RowFirst)),
        ]
    );
    assert_eq!(press(&keymap, &FLEET, "g g"), Lookup::Action(ActionId::RowFirst));
    assert_eq!(press(&keymap, &FLEET, "g t"), Lookup::Action(ActionId::Twin));
    assert_eq!(press(&keymap, &FLEET, "g x"), Lookup::None);
    assert_eq!(press(&keymap, &FLEET, "g esc"), Lookup::Cancelled);
    assert_eq!(press(&keymap, &FLEET, "g esc j"), Lookup::Action(ActionId::RowDown));
    assert_eq!(press(&keymap, &FLEET, "g x j"), Lookup::Action(ActionId::RowDown));
}

#[test]
fn hints_come_by_weight_and_only_for_what_a_key_reaches() {
    let keymap = load("k9s");
    let hints = |scopes: &[Scope], can_write| -> Vec<String> {
        let hints = keymap.hints(scopes, can_write);
        hints.iter().map(|(id, chord)| format!("{chord} {}", id.action().title)).collect()
    };
    let fleet = hints(&FLEET, false);
    assert_eq!(fleet[..5], ["enter open", "t twin", "l logs", "/ filter", ": command"]);
    let review = [Scope::Review, Scope::Table, Scope::Global];
    assert!(hints(&review, true).contains(&"s send".to_owned()));
    assert!(!hints(&review, false).contains(&"s send".to_owned()));
    assert_eq!(
        hints(&[Scope::Editor, Scope::Twin, Scope::Global], true),
        ["ctrl-s review and send", "ctrl-z undo", "f1 help", "ctrl-y redo", "esc back"]
    );
}

#[test]
fn an_operators_file_replaces_adds_and_unbinds() {
    let (keymap, findings) =
        own("[global]\n\"app.suspend\" = []\n[table]\n\"row.first\" = [\"g g\"]\n\"row.down+\" = \"ctrl-n\"\n");
    assert_eq!(findings, [""; 0]);
    let keys = |action| keymap.keys_for(action).iter().map(Chord::to_string).collect::<Vec<_>>();
    assert_eq!(keys(ActionId::Suspend), [""; 0]);
    assert_eq!(keys(ActionId::RowFirst), ["g g"]);
    assert_eq!(keys(ActionId::RowDown), ["j", "down", "ctrl-n"]);
    assert!(keymap.is_own(ActionId::RowFirst) && !keymap.is_own(ActionId::RowUp));
    assert_eq!(press(&keymap, &FLEET, "ctrl-z"), Lookup::None);
}

#[test]
fn every_broken_rule_is_named_with_its_place() {
    let text = r#"inherits = "vim"
colour = "red"
[glbal]
"app.help" = ["h"]
[global]
"app.hlep" = ["h"]
"app.pause" = ["ctrl-i", "hyper-p"]
"app.messages" = ["esc", "ctrl-c", "m", "m m"]
"app.refresh" = 5
"row.down" = ["n"]
[table]
"row.up" = ["]"]
"row.down" = ["G"]
"page.up" = ["g"]
[review]
"review.send" = ["alt-s", "f3"]
"#;
    let (keymap, findings) = own(text);
    // Lines of the shipped files may move.
    let place = |finding: String| match finding.split_once(": note: ") {
        Some((place, note)) if !place.starts_with("mine") => note.to_owned(),
        _ => finding,
    };
    assert_eq!(
        findings.into_iter().map(place).collect::<Vec<_>>(),
        [
            "mine.toml:2:1: warning: unknown key colour; there are name, inherits and tables named by scope; ignored",
            "mine.toml:3:2: warning: unknown scope glbal; there are global, table, list, fleet, device, deployment, object, logs, twin, editor, review, key, form, confirm, conflict, input; ignored",
            "mine.toml:6:1: warning: unknown action app.hlep; dotted names stand in quotes; :keys lists them; ignored",
            "mine.toml:7:16: warning: ctrl-i arrives as tab; write tab; ignored",
            "mine.toml:7:26: warning: no key hyper-p; ignored",
            "mine.toml:8:19: warning: esc for app.messages: esc is reserved for leaving and for cancelling a chord; ignored",
            "mine.toml:8:26: warning: ctrl-c for app.messages: ctrl-c is reserved for app.quit; ignored",
            "mine.toml:9:17: warning: the keys of app.refresh should be a list of strings; ignored",
            "mine.toml:10:1: warning: row.down belongs under [table], not [global]; ignored",
            "mine.toml:16:18: warning: alt-s for review.send: an action that changes the hub may not be on an Alt key; esc and a letter in one burst look the same; ignored",
            "mine.toml:8:41: warning: m m is, or begins with, a key of app.messages in [global]; for app.messages ignored",
            "g g is, or begins with, a key of page.up in [table]; for row.first the inherited one gives way",
            "G is, or begins with, a key of row.down in [table]; for row.last the inherited one gives way",
            "mine.toml:12:13: note: ] hides history.forward of [global] in [table]",
        ]
    );
    assert_eq!(press(&keymap, &FLEET, "G"), Lookup::Action(ActionId::RowDown));
    assert_eq!(press(&keymap, &[Scope::Global], "m"), Lookup::Action(ActionId::Messages));
}

#[test]
fn one_file_cannot_give_a_key_twice() {
    let (keymap, findings) = own("[table]\n\"row.down\" = [\"x\"]\n\"row.up\" = [\"x\", \"x x\"]\n");
    assert_eq!(
        findings,
        [
            "mine.toml:3:13: warning: x is, or begins with, a key of row.down in [table]; for row.up ignored",
            "mine.toml:3:18: warning: x x is, or begins with, a key of row.down in [table]; for row.up ignored",
        ]
    );
    assert_eq!(press(&keymap, &FLEET, "x"), Lookup::Action(ActionId::RowDown));
}

#[test]
fn the_operator_can_always_leave_and_ask() {
    let (keymap, _) = own("inherits = \"none\"\n[global]\n\"app.back\" = []\n\"app.quit\" = []\n\"app.help\" = []\n");
    assert_eq!(press(&keymap, &[Scope::Global], "esc"), Lookup::Action(ActionId::Back));
    assert_eq!(press(&keymap, &[Scope::Editor, Scope::Global], "ctrl-c"), Lookup::Action(ActionId::Quit));
    assert_eq!(press(&keymap, &[Scope::Global], "?"), Lookup::Action(ActionId::Help));
}

#[test]
fn keymaps_inherit_and_never_in_circles() {
    let mut keymaps = Keymaps::shipped();
    keymaps.add("vim", "inherits = \"vim\"\n[table]\n\"row.down\" = [\"n\"]\n");
    let (keymap, findings) = keymaps.load("vim").unwrap();
    assert_eq!(findings, []);
    assert_eq!(press(&keymap, &FLEET, "g g"), Lookup::Action(ActionId::RowFirst));
    assert_eq!(press(&keymap, &FLEET, "n"), Lookup::Action(ActionId::RowDown));

    keymaps.add("a", "inherits = \"b\"\n");
    keymaps.add("b", "inherits = \"a\"\n");
    let (keymap, findings) = keymaps.load("a").unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(press(&keymap, &FLEET, "j"), Lookup::Action(ActionId::RowDown));
    assert_eq!(keymaps.load("emacs").unwrap_err().to_string(), "no keymap emacs; there are k9s, vim, a, b");
}
