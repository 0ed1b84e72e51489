//! Layers, provenance, findings and contexts, from text to settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn config(user: &str) -> Sources {
    Sources { user: Some(("/u/config.toml".into(), user.into())), ..Sources::default() }
}

fn contexts(text: &str) -> Sources {
    Sources { contexts: Some(("/u/contexts.toml".into(), text.into())), ..Sources::default() }
}

fn messages(config: &Config) -> Vec<String> {
    config.findings.iter().map(ToString::to_string).collect()
}

fn explained(config: &Config, key: &str) -> (String, String) {
    let found = config.settings.explain().into_iter().find(|(name, _, _)| *name == key).unwrap();
    (found.1, found.2.to_string())
}

#[test]
fn each_layer_wins_over_those_below_and_says_who_it_was() {
    let mut sources = Sources::default();
    let mut steps = vec![(Config::merge(&sources), "terminal", "default")];
    sources.system = Some(("/etc/edgedeck/config.toml".into(), "[ui]\ntheme = \"dark\"".into()));
    steps.push((Config::merge(&sources), "dark", "/etc/edgedeck/config.toml:2:9"));
    sources.user = Some(("/u/config.toml".into(), "[ui]\ntheme = { dark = \"mono\", light = \"light\" }".into()));
    steps.push((Config::merge(&sources), "mono / light", "/u/config.toml:2:9"));
    let text = "default = \"p\"\n[contexts.p]\nhub = \"h.azure-devices.net\"\ntheme = \"cb-dark\"\n";
    sources.contexts = Some(("/u/contexts.toml".into(), text.into()));
    steps.push((Config::merge(&sources), "cb-dark", "context p (/u/contexts.toml:4:9)"));
    sources.env = Env::new([("EDGEDECK_THEME", "light")], 0);
    steps.push((Config::merge(&sources), "light", "$EDGEDECK_THEME"));
    sources.flags = vec![FlagValue { flag: "--theme", key: "ui.theme", value: "high-contrast".into() }];
    steps.push((Config::merge(&sources), "high-contrast", "--theme"));
    for (config, value, origin) in steps {
        assert_eq!(explained(&config, "ui.theme"), (value.to_owned(), origin.to_owned()));
        assert_eq!(config.findings, []);
    }
}

#[test]
fn a_context_that_is_not_in_use_settles_nothing() {
    let mut sources =
        contexts("default = \"p\"\n[contexts.p]\nhub = \"h.azure-devices.net\"\nsku = \"S3\"\nunits = 10\n");
    assert_eq!(Config::merge(&sources).settings.hub.units.value, 10);
    sources.hub_named_elsewhere = true;
    let config = Config::merge(&sources);
    assert_eq!((config.settings, config.active), (Settings::default(), Active::None));
}

#[test]
fn every_setting_can_be_set_and_is_explained() {
    let text = r#"
[ui]
theme = "dark"
keymap = "vim"
color = "256"
glyphs = "ascii"
[poll]
fleet = "1m30s"
detail = "5s"
[hub]
sku = "S2"
units = 4
rate_share = 0.25
message_share = "7.5%"
[safety]
draft_keep = "14d"
start_readonly = false
"#;
    let config = Config::merge(&config(text));
    assert_eq!(messages(&config), Vec::<String>::new());
    let settings = &config.settings;
    assert_eq!(settings.ui.color.value, Color::Indexed);
    assert_eq!(settings.ui.glyphs.value, Glyphs::Ascii);
    assert_eq!(settings.hub.sku.value, crate::domain::sku::Sku::S2);
    assert!((settings.hub.message_share.value - 0.075).abs() < 1e-9);
    assert_eq!(settings.safety.draft_keep.value, Duration::from_secs(14 * 86_400));
    let values: Vec<_> = settings.explain().into_iter().map(|(_, value, _)| value).collect();
    assert_eq!(values, ["dark", "vim", "256", "ascii", "1m30s", "5s", "S2", "4", "25%", "7.5%", "14d", "false"]);
    assert!(settings.explain().iter().all(|(_, _, origin)| matches!(origin, Origin::User(_))));
    assert!(Settings::default().explain().iter().all(|(_, _, origin)| *origin == Origin::Default));
}

#[test]
fn mistakes_are_named_with_place_and_remedy_and_the_rest_applies() {
    let text = "[ui]\ncolour = \"auto\"\nkeymap = \"vim\"\n[poll]\nfleet = 30\ndetail = \"1s\"\n[net]\nx = 1\n\
                [hub]\nunits = 0\nrate_share = 2.0\n[safety]\nstart_readonly = \"yes\"\n";
    let config = Config::merge(&config(text));
    assert_eq!(
        messages(&config),
        [
            "/u/config.toml:2:10: ui.colour: is not a setting; allowed: theme, keymap, color, glyphs",
            "/u/config.toml:5:9: poll.fleet: 30 does not fit; allowed: a duration from 5s to 1h, such as \"30s\"",
            "/u/config.toml:6:10: poll.detail: \"1s\" does not fit; allowed: a duration from 2s to 1h, such as \"10s\"",
            "/u/config.toml:7:2: net: is not a setting; allowed: ui, poll, hub, safety",
            "/u/config.toml:10:9: hub.units: 0 does not fit; allowed: a whole number from 1 to 200",
            "/u/config.toml:11:14: hub.rate_share: 2 does not fit; allowed: a part of one, such as 0.5 or \"50%\"",
            "/u/config.toml:13:18: safety.start_readonly: \"yes\" does not fit; allowed: true, false",
        ]
    );
    assert_eq!(config.settings.ui.keymap.value, "vim");
}

#[test]
fn broken_toml_costs_only_the_broken_line() {
    let config = Config::merge(&config("[ui]\nkeymap = \ntheme = \"dark\"\n[poll]\nfleet = \"45s\"\n"));
    assert_eq!(config.findings.len(), 1, "{:?}", messages(&config));
    assert!(messages(&config)[0].starts_with("/u/config.toml:2:"), "{:?}", messages(&config));
    assert_eq!(config.settings.ui.theme.value.dark, "dark");
    assert_eq!(config.settings.poll.fleet.value, Duration::from_secs(45));
}

#[test]
fn read_only_is_strict_no_layer_undoes_it() {
    let context =
        |read_only: &str| format!("default = \"p\"\n[contexts.p]\nhub = \"h.azure-devices.net\"\n{read_only}\n");
    for (user, in_context, variable, expected) in [
        ("", "", None, true),
        ("[safety]\nstart_readonly = false", "", None, false),
        ("", "read_only = false", None, false),
        ("[safety]\nstart_readonly = true", "read_only = false", None, true),
        ("[safety]\nstart_readonly = false", "read_only = true", Some("0"), true),
        ("[safety]\nstart_readonly = false", "read_only = false", Some("1"), true),
        ("[safety]\nstart_readonly = true", "", Some("false"), true),
        // What nobody can read is taken the safe way.
        ("", "read_only = \"no\"", None, true),
        ("[safety]\nstart_readonly = false", "read_only = false false", None, true),
        ("[safety]\nstart_readonly = false false", "", None, true),
    ] {
        let mut sources = config(user);
        sources.contexts = Some(("/u/contexts.toml".into(), context(in_context)));
        sources.env = Env::new(variable.map(|value| ("EDGEDECK_READONLY", value)), 0);
        let found = Config::merge(&sources).settings.safety.start_readonly;
        assert_eq!(found.value, expected, "{user:?} {in_context:?} {variable:?}");
    }
}

#[test]
fn switches_in_the_environment() {
    for (name, value, key, expected) in [
        ("NO_COLOR", "1", "ui.color", "none"),
        ("NO_COLOR", "0", "ui.color", "none"),
        ("NO_COLOR", "", "ui.color", "auto"),
        ("EDGEDECK_NO_COLOR", "0", "ui.color", "auto"),
        ("EDGEDECK_NO_COLOR", "1", "ui.color", "none"),
        ("EDGEDECK_ASCII", "yes", "ui.glyphs", "ascii"),
    ] {
        let sources = Sources { env: Env::new([(name, value)], 0), ..Sources::default() };
        assert_eq!(explained(&Config::merge(&sources), key).0, expected, "{name}={value}");
    }
}

const CONTEXTS: &str = r#"
default = "prod"

[contexts.prod]
hub = "iothub-production-001.azure-devices.net"
auth = "entra"
production = true
sku = "S2"
[contexts.prod.poll]
fleet = "60s"

[contexts.lab]
hub = "localhost:8443"
connection_string_file = "lab.cs"
read_only = false
"#;

#[test]
fn contexts_are_read_with_their_settings() {
    let config = Config::merge(&contexts(CONTEXTS));
    assert_eq!(messages(&config), Vec::<String>::new());
    let Active::Chosen(prod) = &config.active else { panic!("{:?}", config.active) };
    assert_eq!((prod.name.as_str(), prod.production, &prod.auth), ("prod", true, &Auth::Entra));
    assert_eq!(config.settings.hub.sku.value, crate::domain::sku::Sku::S2);
    assert_eq!(config.settings.poll.fleet.value, Duration::from_secs(60));
    let lab = config.contexts.get("lab").unwrap();
    assert_eq!(lab.auth, Auth::ConnectionStringFile(PathBuf::from("/u/lab.cs")));
    assert_eq!((lab.read_only, lab.hub.as_str()), (Some(false), "localhost:8443"));
}

#[test]
fn the_context_is_chosen_by_flag_then_variable_then_default_and_never_replaced() {
    let mut sources = contexts(CONTEXTS);
    sources.env = Env::new([("EDGEDECK_CONTEXT", "lab")], 0);
    let name = |sources: &Sources| match Config::merge(sources).active {
        Active::Chosen(context) => context.name,
        other => format!("{other:?}"),
    };
    assert_eq!(name(&sources), "lab");
    sources.context = Some("prod".into());
    assert_eq!(name(&sources), "prod");
    sources.context = Some("prdo".into());
    let config = Config::merge(&sources);
    assert_eq!(config.active, Active::Missing("prdo".into()));
    assert_eq!(messages(&config), ["--context: context: there is no usable context \"prdo\"; allowed: prod, lab"]);
    assert_eq!(Config::merge(&Sources::default()).active, Active::None);
}

#[test]
fn unusable_contexts_are_left_out_and_say_why_without_repeating_a_secret() {
    let text = r#"
[contexts.a]
hub = "HostName=h;SharedAccessKeyName=p;SharedAccessKey=hunter2"
[contexts.b]
hub = "h.azure-devices.net"
auth = "password"
[contexts.c]
hub = "h.azure-devices.net"
auth = "connection-string-file"
[contexts.d]
hub = "h.azure-devices.net"
auth = "entra"
connection_string_file = "x"
[contexts.e]
hub = "h.azure-devices.net"
production = "perhaps"
sku = "S9"
colour = "red"
connection_string = "HostName=h;SharedAccessKey=hunter2"
"#;
    let config = Config::merge(&contexts(text));
    let names: Vec<_> = config.contexts.list.iter().map(|context| context.name.as_str()).collect();
    assert_eq!(names, ["e"]);
    assert!(config.contexts.list[0].production, "what nobody can read is taken the safe way");
    let messages = messages(&config);
    assert!(!messages.iter().any(|text| text.contains("hunter2")), "{messages:#?}");
    for expected in [
        "/u/contexts.toml:3:7: contexts.a.hub",
        "contexts.b.auth: \"password\" does not fit; allowed: entra, connection-string-file",
        "contexts.c: names no connection_string_file",
        "contexts.d: has auth = \"entra\" and a connection string file",
        "contexts.e.sku: \"S9\" does not fit; allowed: F1",
        "contexts.e.colour: is not known",
    ] {
        assert!(messages.iter().any(|text| text.contains(expected)), "{expected}\n{messages:#?}");
    }
}

#[test]
fn an_added_context_reads_back_and_leaves_the_rest_alone() {
    let mut new = Context::new("site \"x\"".replace([' ', '"'], "-"), "h2.azure-devices.net", Auth::Entra);
    new.auth = Auth::ConnectionStringFile("/home/ana/it's \"here\"".into());
    new.production = true;
    new.read_only = Some(true);
    let text = with_added(CONTEXTS, &new).unwrap();
    assert!(text.starts_with(CONTEXTS));
    let config = Config::merge(&contexts(&text));
    assert_eq!(messages(&config), Vec::<String>::new());
    let found = config.contexts.get(&new.name).unwrap();
    assert_eq!((&found.hub, &found.auth, found.production, found.read_only), (&new.hub, &new.auth, true, Some(true)));
    assert_eq!(with_added(&text, &new), Err(NameTaken(new.name.clone())));
    assert!(with_added("", &new).unwrap().starts_with("[contexts."));
}

#[test]
fn files_are_read_from_disk_and_what_cannot_be_read_is_said() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let temp = tempfile::tempdir().unwrap();
    let env = Env::new([("EDGEDECK_CONFIG_DIR", temp.path()), ("EDGEDECK_STATE_DIR", Path::new("/nowhere"))], 0);
    let mut paths = Paths::resolve(&env, None).unwrap();
    paths.system_config = temp.path().join("etc");
    let load = || Config::load(&paths, Sources::default());
    assert_eq!((load().findings, load().settings), (vec![], Settings::default()));
    std::fs::write(paths.config_file(), "[ui]\nkeymap = \"vim\"\n").unwrap();
    assert_eq!(load().settings.ui.keymap.value, "vim");
    std::fs::set_permissions(paths.config_file(), std::fs::Permissions::from_mode(0o666)).unwrap();
    assert!(messages(&load())[0].contains("chmod go-w"), "{:?}", messages(&load()));
    assert_eq!(load().settings.ui.keymap.value, "k9s");
    symlink(paths.config_file(), paths.contexts_file()).unwrap();
    assert!(messages(&load())[1].contains("symbolic link"), "{:?}", messages(&load()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn no_text_panics_and_every_finding_is_one_clean_line(
        lines in prop::collection::vec(
            prop_oneof![
                "\\[(ui|poll|hub|safety|contexts\\.[a-z]|contexts)\\]?",
                "(theme|color|fleet|units|rate_share|start_readonly|hub|auth|default) ?=? ?.{0,12}",
                ".{0,20}",
            ],
            0..8,
        ),
    ) {
        let text = lines.join("\n");
        let mut sources = config(&text);
        sources.contexts = Some(("/u/contexts.toml".into(), text));
        for message in messages(&Config::merge(&sources)) {
            prop_assert!(!message.chars().any(char::is_control), "{message:?}");
        }
    }
}
