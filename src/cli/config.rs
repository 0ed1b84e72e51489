//! `edgedeck config`: what is set, by whom, and where the file is. Needs no hub.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::answer::Answer;
use super::ask::Asker;
use super::table::Table;
use crate::config::{Config, Paths};
use crate::domain::text::Shown;

/// What can be done with the configuration.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Every setting and its value
    Show(ShowArgs),
    /// The path of the file that is yours to edit
    Path,
}

/// What `config show` takes.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// Also who set each value: a flag, a variable, a file with its line, or nobody
    #[arg(long)]
    pub origin: bool,
}

/// Shows the configuration; mistakes in it go to standard error and change nothing else.
#[must_use]
pub fn run(paths: &Paths, config: &Config, now: Timestamp, command: &ConfigCommand, asker: Asker) -> Answer {
    match command {
        ConfigCommand::Show(args) => {
            for finding in &config.findings {
                asker.say(&format!("edgedeck: {finding}"));
            }
            show(config, now, args.origin)
        }
        ConfigCommand::Path => {
            let file = paths.config_file();
            let shown = Shown::sanitise(&file.to_string_lossy());
            let item = json!({ "path": file, "exists": file.exists() });
            Answer::new("ConfigPath", now, vec![item], format!("{}\n", shown.as_str()))
        }
    }
}

fn show(config: &Config, now: Timestamp, origin: bool) -> Answer {
    let mut table = Table::with_heads(if origin { &["SETTING", "VALUE", "ORIGIN"] } else { &["SETTING", "VALUE"] });
    let mut items = Vec::new();
    for (name, value, from) in config.settings.explain() {
        let mut cells = vec![Shown::from_static(name), Shown::sanitise(&value)];
        if origin {
            cells.push(Shown::sanitise(&from.to_string()));
        }
        table.row(cells);
        items.push(json!({ "name": name, "value": value, "origin": from.to_string() }));
    }
    Answer::new("Config", now, items, table.text())
}
