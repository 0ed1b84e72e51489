//! `edgedeck info`: the first thing to paste into a bug report. Needs no hub, reveals no secret.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::table::{Facts, Table};
use crate::config::{Active, Config, Paths};
use crate::domain::text::Shown;
use crate::tui::term::caps::{Caps, Env, Wishes};

/// Version, context, terminal and folders.
#[must_use]
pub fn run(paths: &Paths, config: &Config, terminal: &Env, now: Timestamp) -> Answer {
    let version = env!("CARGO_PKG_VERSION");
    let mut facts = Facts::default();
    facts.say("VERSION", version);
    facts.say("SIMULATOR", "built in (edgedeck --sim)");
    let context = match &config.active {
        Active::None => None,
        Active::Chosen(context) => Some(context.name.clone()),
        Active::Missing(name) => Some(format!("{name} (does not exist)")),
    };
    facts.add("CONTEXT", context.as_deref().map_or_else(|| Shown::from_static("none"), Shown::sanitise));
    for (name, value) in [("TERM", &terminal.term), ("COLORTERM", &terminal.colorterm), ("LANG", &terminal.lang)] {
        facts.add(name, value.as_deref().map_or_else(|| Shown::from_static("not set"), Shown::sanitise));
    }
    let caps = Caps::decide(terminal, Wishes::default());
    match &caps {
        Ok(caps) => facts.say("CONSOLE", format!("{:?} colours, {:?} glyphs", caps.color, caps.glyphs)),
        Err(why) => facts.say("CONSOLE", why.to_string()),
    }
    let mut table = Table::with_heads(&["WHAT", "EXISTS", "PATH"]);
    let mut places = Vec::new();
    for (what, path) in places_of(paths) {
        let exists = path.exists();
        table.row([
            Shown::from_static(what),
            Shown::from_static(if exists { "yes" } else { "no" }),
            Shown::sanitise(&path.to_string_lossy()),
        ]);
        places.push(json!({ "name": what, "path": path, "exists": exists }));
    }
    let item = json!({
        "version": version,
        "context": context,
        "terminal": {
            "term": terminal.term,
            "colorterm": terminal.colorterm,
            "noColor": terminal.no_color.is_some(),
            "stdoutIsTerminal": terminal.stdout_is_terminal,
            "colours": caps.as_ref().ok().map(|caps| format!("{:?}", caps.color)),
            "glyphs": caps.as_ref().ok().map(|caps| format!("{:?}", caps.glyphs)),
            "unsuitable": caps.as_ref().err().map(ToString::to_string),
        },
        "paths": Value::Array(places),
    });
    Answer::new("Info", now, vec![item], format!("{}\n{}", facts.text(), table.text()))
}

fn places_of(paths: &Paths) -> Vec<(&'static str, std::path::PathBuf)> {
    let own = |path: &Path| path.to_owned();
    vec![
        ("configuration", paths.config_file()),
        ("contexts", paths.contexts_file()),
        ("themes", paths.config.join("themes")),
        ("keymaps", paths.config.join("keymaps")),
        ("system configuration", paths.system_config_file()),
        ("state", own(&paths.state)),
        ("audit", paths.audit()),
        ("log", paths.state.join("log")),
        ("cache", own(&paths.cache)),
        ("runtime", own(&paths.runtime)),
    ]
}
