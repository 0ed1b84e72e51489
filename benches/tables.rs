//! The fleet's table at 10 000 and 100 000 devices: taking over a new picture, filtering, sorting, drawing. In memory,
//! through `update` and `view`; the rows are built from hub answers as the product builds them.
//!
//! `cargo bench --bench tables`

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench prints its table, stops on a failure, and needs the system's clock"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use edgedeck::domain::ids::DeviceId;
use edgedeck::domain::time::{Clock, ManualClock};
use edgedeck::store::{Digest, Feed, FleetBuilder, FleetSnapshot};
use edgedeck::tui::keymap::Keymaps;
use edgedeck::tui::model::{Model, Setup};
use edgedeck::tui::msg::Msg;
use edgedeck::tui::shell::{Session, Shell};
use edgedeck::tui::theme::signs::Glyphs;
use edgedeck::tui::theme::{Depth, Themes};
use edgedeck::tui::update::update;
use edgedeck::tui::view::view;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use serde_json::json;

/// How often each step is measured.
const TIMES: usize = 40;

fn main() {
    let clock = ManualClock::at("2026-03-04T10:00:00Z".parse().expect("a time"));
    println!("{:<58}{:>12}{:>12}{:>12}", "what", "median", "p99", "max");
    for rows in [10_000, 100_000] {
        let fleet = fleet(rows, &clock);
        let mut model = model(&clock);
        update(&mut model, Msg::Fleet(fleet.clone()));
        let name = |what: &str| format!("{rows} rows: {what}");
        measure(
            &name("take over a new picture, sorted by status"),
            &mut model,
            |_| {},
            |model| {
                update(model, Msg::Fleet(fleet.clone()));
            },
        );
        measure(&name("sort by name (M-33)"), &mut model, |_| {}, |model| press(model, "N"));
        measure(
            &name("filter by text, last letter (M-32)"),
            &mut model,
            |model| retype(model, "gateway-9"),
            |model| {
                press(model, "9");
            },
        );
        measure(
            &name("filter by ~regex, last letter (M-32)"),
            &mut model,
            |model| retype(model, "~gw?.*-9+"),
            |model| {
                press(model, "$");
            },
        );
        retype(&mut model, "");
        for size in [(120, 36), (200, 60)] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
            update(&mut model, Msg::Resize(size.0, size.1));
            measure(
                &name(&format!("draw at {}x{} (M-34)", size.0, size.1)),
                &mut model,
                |_| {},
                |model| {
                    black_box(view(model, &mut buffer));
                },
            );
        }
    }
}

/// Prints how long `step` takes, after `prepare` each time.
fn measure(what: &str, model: &mut Model, prepare: impl Fn(&mut Model), mut step: impl FnMut(&mut Model)) {
    let mut times: Vec<f64> = (0..TIMES)
        .map(|_| {
            prepare(model);
            let begun = Instant::now();
            step(model);
            begun.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |per_cent: usize| times.get((TIMES * per_cent / 100).min(TIMES - 1)).copied().unwrap_or_default();
    println!("{what:<58}{:>9.2} ms{:>9.2} ms{:>9.2} ms", at(50), at(99), at(100));
}

fn press(model: &mut Model, keys: &str) {
    for key in keys.chars() {
        update(model, Msg::Key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE)));
    }
}

/// Opens the filter line, empties it, and types `text`.
fn retype(model: &mut Model, text: &str) {
    update(model, Msg::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)));
    press(model, "/");
    update(model, Msg::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)));
    press(model, text);
    assert!(model.prompt.is_some(), "the filter line is open");
    if text.is_empty() {
        update(model, Msg::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
    }
}

fn model(clock: &ManualClock) -> Model {
    let session = Session {
        version: "bench".to_owned(),
        context: "bench".to_owned(),
        hub: "bench".to_owned(),
        identity: "bench".to_owned(),
        simulated: false,
        production: false,
        read_only: false,
        seed: uuid::Uuid::nil(),
    };
    let themes = Themes::shipped();
    Model::new(Setup {
        shell: Shell::new(
            session,
            Keymaps::shipped().load_or_default("k9s").0,
            Glyphs::Unicode,
            clock.now(),
            (120, 36),
        ),
        keymaps: Keymaps::shipped(),
        theme: themes.load("dark", Depth::Indexed256).expect("a shipped theme").0,
        themes,
        depth: Depth::Indexed256,
        history: Vec::new(),
    })
}

/// A fleet in which most devices run and every seventh has a module in trouble.
fn fleet(rows: usize, clock: &ManualClock) -> Arc<FleetSnapshot> {
    let mut builder = FleetBuilder::default();
    let ids: Vec<String> = (0..rows).map(|number| format!("edge-gateway-{:06}", number * 7_919 % 999_983)).collect();
    let devices: Vec<_> = ids
        .iter()
        .enumerate()
        .map(|(number, id)| {
            let building = format!("B{}", number % 40);
            json!({"deviceId": id, "status": "enabled", "tags": {"location": {"building": building}, "role": "gateway"}})
        })
        .collect();
    builder.devices(&devices);
    let mut digests: BTreeMap<DeviceId, Digest> = BTreeMap::new();
    let mut agents = Vec::with_capacity(rows);
    for (number, id) in ids.iter().enumerate() {
        let seen = "2026-03-04T09:58:00Z";
        FleetBuilder::read_digest(
            &mut digests,
            &[
                json!({"deviceId": id, "moduleId": "$edgeAgent", "version": 5, "connectionState": "Disconnected"}),
                json!({"deviceId": id, "moduleId": "$edgeHub", "connectionState": "Connected", "lastActivityTime": seen}),
            ],
        );
        let status = if number % 7 == 0 { "backoff" } else { "running" };
        agents.push(json!({
            "deviceId": id, "version": 5, "desiredVersion": 3, "lastDesiredVersion": 3, "reportedAt": seen,
            "lastDesiredStatus": {"code": 200, "description": ""},
            "wantedSystem": {"edgeHub": {"status": "running", "settings": {"image": "h:1"}}},
            "wanted": {"filter": {"status": "running", "settings": {"image": "m:1"}}},
            "seenSystem": {"edgeHub": {"runtimeStatus": "running", "settings": {"image": "h:1"}}},
            "seen": {"filter": {"runtimeStatus": status, "settings": {"image": "m:1"}}},
            "configurations": {"base": {"status": "Applied"}},
        }));
    }
    builder.digest(&digests);
    builder.agents(&agents);
    for feed in [Feed::Devices, Feed::Digest, Feed::Agents] {
        builder.state(feed).as_of = Some(clock.now());
    }
    builder.snapshot()
}
