//! The console, put together: hub, readers, write path, disk, terminal, loop; and taken apart in order.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::complain;
use super::hands::{Materials, Wired, wire};
use super::logging;
use super::opening::{Opened, open};
use super::process::{Process, SystemClock};
use super::simulator::Simulator;
use super::world::ConsoleWorld;
use crate::cli::{ConnectArgs, Exit};
use crate::config::{Color, Glyphs as GlyphSetting, Origin};
use crate::domain::text::Untrusted;
use crate::domain::time::SharedClock;
use crate::local::LocalStore;
use crate::logs::tail::TailSettings;
use crate::sync::SyncSettings;
use crate::tui::keymap::{Keymap, Keymaps};
use crate::tui::model::{Model, Setup};
use crate::tui::msg::Msg;
use crate::tui::notices::Severity;
use crate::tui::run::{Ended, Pictures, run as run_loop};
use crate::tui::shell::{Session, Shell};
use crate::tui::term::caps::{Caps, Wishes};
use crate::tui::term::signals::Signal;
use crate::tui::term::{Options as TermOptions, Term, crash};
use crate::tui::theme::signs::Glyphs;
use crate::tui::theme::{Depth, Theme, Themes};
use crate::tui::update::update;

/// How long drafts may take to reach the disk when the console ends.
const FLUSH: Duration = Duration::from_millis(500);

/// Opens the console and stays in it until somebody leaves.
pub(super) fn run(mut process: Process, connect: &ConnectArgs) -> Exit {
    let ui = &process.config.settings.ui;
    let wishes = Wishes { color: wished_color(ui.color.value), glyphs: wished_glyphs(ui.glyphs.value) };
    let caps = match Caps::decide(&process.terminal_env(), wishes) {
        Ok(caps) => caps,
        Err(unsuitable) => {
            complain(&unsuitable.to_string());
            return Exit::Usage;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("the runtime could not be started: {error}"));
            return Exit::Failure;
        }
    };
    let exit = runtime.block_on(console(&mut process, connect, caps));
    end(runtime);
    exit
}

/// Ends without waiting for anybody: a hub that never answers must not keep the console from leaving.
fn end(runtime: Runtime) {
    runtime.shutdown_background();
}

async fn console(process: &mut Process, connect: &ConnectArgs, caps: Caps) -> Exit {
    let clock: SharedClock = Arc::new(SystemClock::start());
    let _log = logging::start(&process.paths.state, process.env.text("EDGEDECK_LOG").as_deref());
    crash::install_panic_hook(Some(crash_folder(process)), clock.clone());
    if let Some(wrong) = unknown_look(process) {
        complain(&wrong);
        return Exit::Usage;
    }
    let opened = match open(process, connect, clock.clone()).await {
        Ok(opened) => opened,
        Err(error) => {
            complain(&error.to_string());
            return Exit::Usage;
        }
    };
    match Console::assemble(process, opened, caps, &clock) {
        Ok(console) => console.stay(&clock).await,
        Err(why) => {
            complain(&why);
            Exit::Failure
        }
    }
}

struct Console {
    model: Model,
    pictures: Pictures,
    world: ConsoleWorld,
    local: Option<LocalStore>,
    cancel: CancellationToken,
    greetings: Vec<Msg>,
    crash_folder: PathBuf,
}

impl Console {
    fn assemble(process: &Process, opened: Opened, caps: Caps, clock: &SharedClock) -> Result<Self, String> {
        let Opened { hub, context, name, production, sim, notices } = opened;
        let mut greetings: Vec<Msg> = notices.into_iter().map(|text| Msg::Say(Severity::Warning, text)).collect();
        greetings.extend(process.paths.notices.iter().map(|notice| Msg::Say(Severity::Warning, notice.clone())));
        greetings
            .extend(process.config.findings.iter().map(|finding| Msg::Say(Severity::Warning, finding.to_string())));

        let cancel = CancellationToken::new();
        let settings = &process.config.settings;
        let sync_settings = SyncSettings {
            fleet: settings.poll.fleet.value,
            details: settings.poll.detail.value,
            ..SyncSettings::default()
        };
        let read_only = hub.write.is_none();
        let identity = hub.read.identity();
        let files_of = |sim| Simulator::with_files(sim, &process.paths.runtime, clock.now().wall);
        let simulator = sim.map(files_of).transpose()?;
        let session = Session {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            context: Untrusted::new(context.as_str()).shown().into(),
            hub: Untrusted::new(name.as_str()).shown().into(),
            identity: Untrusted::new(identity).shown().into(),
            simulated: simulator.is_some(),
            production,
            read_only,
            seed: uuid::Uuid::new_v4(),
        };
        let materials = Materials {
            hub,
            context,
            name,
            who: process.who.clone(),
            audit: process.paths.audit(),
            state: process.paths.state.clone(),
            keep_drafts: settings.safety.draft_keep.value,
            sync: sync_settings,
            logs: TailSettings::default(),
            simulator,
        };
        let Wired { hands, pictures, history, last_view, greetings: found } = wire(materials, clock, &cancel)?;
        greetings.extend(found);
        let term = Term::enter(TermOptions { caps, escape_hold: escape_hold(process), clock: clock.clone() })
            .map_err(|error| format!("the terminal could not be taken: {error}"))?;
        let keymap = load_keymap(process, &mut greetings);
        let mut shell = Shell::new(session, keymap, caps.glyphs, clock.now(), term.size());
        shell.last_view = last_view;
        let model = Model::new(Setup {
            shell,
            keymaps: own_keymaps(process),
            theme: load_theme(process, caps, &mut greetings),
            themes: own_themes(process),
            depth: caps.color,
            history,
        });
        let local = hands.local().cloned();
        let world = ConsoleWorld::new(term, process.env.clone(), process.paths.runtime.clone(), hands);
        let crash_folder = crash_folder(process);
        Ok(Self { model, pictures, world, local, cancel, greetings, crash_folder })
    }

    async fn stay(self, clock: &SharedClock) -> Exit {
        let Self { mut model, pictures, mut world, local, cancel, greetings, crash_folder } = self;
        for greeting in greetings {
            // Nothing a greeting does asks anything of the world.
            update(&mut model, greeting);
        }
        let ended = run_loop(&mut model, pictures, &mut world, clock).await;
        cancel.cancel();
        if ended == Ended::Signalled(Signal::Quit) {
            let _ = crash::write_report(&crash_folder, &state_report(&model));
        }
        let unsaved = local.and_then(|local| local.flush(FLUSH).err());
        let left = world.leave().await;
        let exit = match ended {
            Ended::Left => Exit::Success,
            Ended::Signalled(signal) => Exit::Signal(signal.exit_code().unwrap_or_default()),
            Ended::InputGone => Exit::Signal(129),
        };
        if left.is_ok() {
            for report in crash::take_reports() {
                complain(&format!("a part of edgedeck failed at {}: {}", report.location, report.message));
            }
            if let Some(unsaved) = unsaved {
                complain(&unsaved.to_string());
            }
            let open = model.shell.ops.open();
            if open > 0 {
                complain(&format!(
                    "{open} changes were in flight; what became of them is in `edgedeck audit list` as UNKNOWN"
                ));
            }
        }
        exit
    }
}

fn crash_folder(process: &Process) -> PathBuf {
    process.paths.state.join("crash")
}

/// What the console was doing when somebody asked with SIGQUIT; no hub data in it.
fn state_report(model: &Model) -> String {
    let shell = &model.shell;
    let mut lines = vec![
        format!("edgedeck {} was asked to quit (SIGQUIT) at {}", shell.session.version, shell.now.wall),
        format!(
            "size {}x{}, views open {}, dialog {}",
            shell.size.0,
            shell.size.1,
            model.screens.len(),
            model.layer.is_some()
        ),
        format!(
            "link {:?}, devices {}, generation {}",
            shell.link.health,
            shell.fleet.rows.len(),
            shell.fleet.generation
        ),
        format!("writes in flight {}, drafts {}", shell.ops.open(), shell.drafts.len()),
        "last messages:".to_owned(),
    ];
    lines.extend(shell.notices.all().rev().take(20).map(|notice| format!("  {}", notice.text)));
    lines.join("\n")
}

/// Over SSH the pieces of an escape sequence may come further apart.
fn escape_hold(process: &Process) -> Duration {
    Duration::from_millis(if process.env.get("SSH_CONNECTION").is_some() { 50 } else { 25 })
}

fn wished_color(color: Color) -> Option<Depth> {
    match color {
        Color::Auto => None,
        Color::Truecolor => Some(Depth::True),
        Color::Indexed => Some(Depth::Indexed256),
        Color::Ansi => Some(Depth::Ansi16),
        Color::None => Some(Depth::None),
    }
}

fn wished_glyphs(glyphs: GlyphSetting) -> Option<Glyphs> {
    match glyphs {
        GlyphSetting::Auto => None,
        GlyphSetting::Unicode => Some(Glyphs::Unicode),
        GlyphSetting::Ascii => Some(Glyphs::Ascii),
    }
}

/// The operator's own files of a kind, by name.
fn own_files(process: &Process, folder: &str) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(process.paths.config.join(folder)) else { return Vec::new() };
    let mut files: Vec<(String, String)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_stem()?.to_str()?.to_owned();
            let is_toml = path.extension().is_some_and(|extension| extension == "toml");
            is_toml.then(|| std::fs::read_to_string(&path).ok().map(|text| (name, text)))?
        })
        .collect();
    files.sort();
    files
}

fn own_themes(process: &Process) -> Themes {
    let mut themes = Themes::shipped();
    for (name, text) in own_files(process, "themes") {
        themes.add(name, text);
    }
    themes
}

/// A theme or keymap that a flag names and that is not there: a wrong flag ends the run, where a wrong setting warns.
fn unknown_look(process: &Process) -> Option<String> {
    let ui = &process.config.settings.ui;
    if matches!(ui.theme.origin, Origin::Flag(_))
        && let Err(unknown) = own_themes(process).load(&ui.theme.value.dark, Depth::None)
    {
        return Some(format!("--theme: {unknown}"));
    }
    match own_keymaps(process).load(&ui.keymap.value) {
        Err(unknown) if matches!(ui.keymap.origin, Origin::Flag(_)) => Some(format!("--keymap: {unknown}")),
        _ => None,
    }
}

fn load_theme(process: &Process, caps: Caps, greetings: &mut Vec<Msg>) -> Theme {
    let choice = &process.config.settings.ui.theme.value;
    // The last field of COLORFGBG is the ground; 7 and 15 are the light ones (console-ux T-17).
    let ground = process.env.text("COLORFGBG");
    let light =
        ground.as_deref().and_then(|text| text.rsplit(';').next()).is_some_and(|last| matches!(last, "7" | "15"));
    let wanted = if light { &choice.light } else { &choice.dark };
    let (theme, findings, unknown) = own_themes(process).load_or_default(wanted, caps.color);
    greetings.extend(unknown.map(|error| Msg::Say(Severity::Warning, error.to_string())));
    greetings.extend(findings.iter().map(|finding| Msg::Say(Severity::Warning, finding.shown().into())));
    theme
}

fn own_keymaps(process: &Process) -> Keymaps {
    let mut keymaps = Keymaps::shipped();
    for (name, text) in own_files(process, "keymaps") {
        keymaps.add(name, text);
    }
    keymaps
}

fn load_keymap(process: &Process, greetings: &mut Vec<Msg>) -> Keymap {
    let (keymap, findings, unknown) = own_keymaps(process).load_or_default(&process.config.settings.ui.keymap.value);
    greetings.extend(unknown.map(|error| Msg::Say(Severity::Warning, error.to_string())));
    greetings.extend(findings.iter().map(|finding| Msg::Say(Severity::Warning, finding.shown().into())));
    keymap
}
