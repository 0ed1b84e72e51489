//! The log view: what it looks like in every state, where the reader stays, and what is followed for it.

use std::time::Duration;

use super::golden;
use crate::domain::fault::{Fault, FaultKind, Right};
use crate::domain::ids::ModuleId;
use crate::logs::continuity::{Found, GapCause, Mark, Opening};
use crate::logs::decode::Failure;
use crate::logs::tail::{Attention, Slowed};
use crate::tui::following::LogWant;
use crate::tui::msg::{Effect, Msg};
use crate::tui::testkit::{Console, Gateway, Log, details};
use crate::tui::theme::signs::{Glyphs, Sign};

const DEVICE: &str = "edge-gateway-001";

/// The console on the log of one module, with what is read of it.
fn on(module: &str, log: &Log) -> Console {
    let mut console = Console::online();
    console.run(&format!("logs {DEVICE}/{module}"));
    console.tell(Msg::Logs(log.board()));
    console
}

/// The console on all modules of the device.
fn merged(log: &Log) -> Console {
    let mut console = Console::online();
    console.tell(Msg::Details(std::sync::Arc::new(details(&gateway(), console.now()))));
    console.run(&format!("logs {DEVICE}"));
    console.tell(Msg::Logs(log.board()));
    console
}

fn gateway() -> Gateway {
    Gateway::new(DEVICE)
}

/// The filter's log after a quiet while.
fn filter_log(console: &Console) -> Log {
    let mut log = Log::of(DEVICE, &["temperatureFilter"]);
    log.found("temperatureFilter", Found::Mark(Mark::Begins { older: true }));
    for line in 0..40 {
        log.line("temperatureFilter", line * 5_000 - 200_000, &format!("Alert sent: temperature={}", 118 + line % 7));
    }
    log.answered(console.now());
    log
}

/// Everything a log can have in it.
fn rich_log(console: &Console) -> Log {
    let mut log = Log::of(DEVICE, &["temperatureFilter", "$edgeAgent", "$edgeHub"]);
    for module in ["temperatureFilter", "$edgeAgent", "$edgeHub"] {
        log.found(module, Found::Mark(Mark::Begins { older: module != "temperatureFilter" }));
    }
    log.line(
        "$edgeHub",
        -60_000,
        "<6> 2026-11-24 02:13:05.000 +00:00 [INF] - Client edge-gateway-001/temperatureFilter connected",
    )
    .line("temperatureFilter", -58_000, "Threshold updated to: 25.0")
    .line(
        "$edgeAgent",
        -57_500,
        "<6> 2026-11-24 02:13:07.500 +00:00 [INF] - Received direct method call - GetModuleLogs",
    )
    .line(
        "$edgeAgent",
        -57_400,
        "<6> 2026-11-24 02:13:07.600 +00:00 [INF] - Initiating streaming logs for temperatureFilter",
    )
    .line(
        "$edgeAgent",
        -57_000,
        "<3> 2026-11-24 02:13:08.000 +00:00 [ERR] - Executing command for operation [\"create\"] failed.",
    )
    .line("$edgeAgent", -56_990, "System.IO.IOException: no space left on device")
    .line("$edgeAgent", -56_980, "\tat Microsoft.Azure.Devices.Edge.Agent.Core.Commands.GroupCommand.ExecuteAsync()")
    .line("temperatureFilter", -50_000, "<4> queue depth 512")
    .line("temperatureFilter", -49_000, "<7> poll 17 done in 3 ms")
    .line("temperatureFilter", -48_000, "<2> fatal: signal 11 (segfault) in \u{1b}[31mfilter.so\u{1b}[0m")
    .gap("temperatureFilter", -48_000, -20_000, GapCause::Anew)
    .line("temperatureFilter", -20_000, "connecting with HostName=h.azure-devices.net;SharedAccessKey=PLANTED-key")
    .line("temperatureFilter", -19_000, &format!("body {}", "0123456789".repeat(30)))
    .line("temperatureFilter", -18_000, "class=anomaly \u{202e}gnp.tset")
    .line("temperatureFilter", -90_000_000, "\u{65e5}\u{672c}\u{8a9e} Threshold updated to: 26.0")
    .answered(console.now());
    log
}

#[test]
fn before_the_first_answer() {
    let mut console = Console::online();
    console.run(&format!("logs {DEVICE}/temperatureFilter"));
    golden(&mut console, "logs-loading");
    let mut log = Log::of(DEVICE, &["temperatureFilter"]);
    log.tail.asked = Some(console.now());
    console.tell(Msg::Logs(log.board()));
    console.wait(Duration::from_secs(7));
    golden(&mut console, "logs-loading-slowly");
}

#[test]
fn following() {
    let console = Console::online();
    golden(&mut on("temperatureFilter", &filter_log(&console)), "logs-following");
}

#[test]
fn all_modules_merged() {
    let console = Console::online();
    let mut console = merged(&rich_log(&console));
    golden(&mut console, "logs-merged");
    console.press("L");
    let text = console.text();
    assert!(text.contains("1 line of lesser level hidden"), "{text}");
    assert!(text.contains("A temperatureFilter  B $edgeAgent  C $edgeHub"), "{text}");
}

#[test]
fn a_filter_that_hides_nothing_is_not_told() {
    let console = Console::online();
    let mut console = on("temperatureFilter", &filter_log(&console));
    console.press("L");
    assert!(!console.text().contains("lesser level"), "{}", console.text());
}

#[test]
fn shown_in_other_ways() {
    let console = Console::online();
    let mut console = merged(&rich_log(&console));
    console.press("w t p");
    golden(&mut console, "logs-other-ways");
    console.press("w t L L right right k");
    golden(&mut console, "logs-warnings");
}

#[test]
fn searched() {
    let console = Console::online();
    let mut console = on("temperatureFilter", &filter_log(&console));
    console.press("/");
    console.type_in("=12[0-9");
    golden(&mut console, "logs-search-typed");
    console.press("esc /");
    console.type_in("~=12[0-9]");
    golden(&mut console, "logs-search-typing");
    console.press("enter N N");
    golden(&mut console, "logs-searched");
    assert!(console.location().contains("/~=12[0-9] "), "{}", console.location());
    console.press("esc");
    assert!(!console.location().contains('/'), "{}", console.location());
}

#[test]
fn an_expression_that_is_none_is_told() {
    let console = Console::online();
    let mut console = on("temperatureFilter", &filter_log(&console));
    console.press("/");
    console.type_in("~(");
    golden(&mut console, "logs-search-invalid");
    console.press("enter");
    assert!(console.notice().contains("cannot be read"), "{}", console.notice());
}

#[test]
fn a_device_that_does_not_answer_keeps_its_lines() {
    let console = Console::online();
    let offline = |now| {
        let mut fault = Fault::new(FaultKind::DeviceOffline, format!("read logs of {DEVICE}"), "not online");
        (fault.status, fault.code) = (Some(404), Some("DeviceNotOnline".into()));
        (fault, now)
    };
    let mut log = filter_log(&console);
    let (fault, since) = offline(console.now());
    log.failed(fault.clone(), since, Duration::from_secs(130));
    let mut console = on("temperatureFilter", &log);
    console.wait(Duration::from_secs(125));
    golden(&mut console, "logs-offline");
    let mut log = Log::of(DEVICE, &["temperatureFilter"]);
    log.failed(fault, since, Duration::from_secs(4));
    golden(&mut on("temperatureFilter", &log), "logs-offline-without-lines");
}

#[test]
fn a_right_that_is_missing() {
    let mut fault = Fault::new(FaultKind::Unauthorized, format!("read logs of {DEVICE}"), "Unauthorized");
    (fault.status, fault.needs) = (Some(401), Some(Right::Invoke));
    let mut log = Log::of(DEVICE, &["temperatureFilter"]);
    let console = Console::online();
    log.failed(fault, console.now(), Duration::from_secs(30));
    golden(&mut on("temperatureFilter", &log), "logs-forbidden");
}

#[test]
fn a_budget_that_is_used_up() {
    let console = Console::online();
    let mut log = filter_log(&console);
    let fault = Fault::new(FaultKind::Budget, format!("read logs of {DEVICE}"), "20,000 of 20,000 messages are spent");
    log.failed(fault, console.now(), Duration::from_secs(600));
    golden(&mut on("temperatureFilter", &log), "logs-budget");
}

#[test]
fn one_module_of_several_is_refused() {
    let console = Console::online();
    let mut log = rich_log(&console);
    let message = "Stream finished but there was a truncated final frame in the buffer";
    log.refused("$edgeHub", Failure::Agent { status: 500, message: message.into() });
    golden(&mut merged(&log), "logs-partial");
}

#[test]
fn nothing_to_show_says_why() {
    let console = Console::online();
    let empty = || {
        let mut log = Log::of(DEVICE, &["debugShell"]);
        log.answered(console.now());
        log
    };
    golden(&mut on("debugShell", &empty()), "logs-empty");
    let mut log = empty();
    log.refused("debugShell", Failure::NoSuchModule);
    golden(&mut on("debugShell", &log), "logs-no-container");
    let mut log = empty();
    log.refused("debugShell", Failure::Agent { status: 500, message: "pwd=PLANTED-x \u{1b}[2J".into() });
    golden(&mut on("debugShell", &log), "logs-refused");
    let mut console = on("temperatureFilter", &filter_log(&console));
    console.press("C");
    golden(&mut console, "logs-cleared");
    console.press("esc L L L");
    golden(&mut console, "logs-filtered-empty");
}

#[test]
fn a_device_without_modules_says_so() {
    let mut console = Console::online();
    let none = Gateway::new(DEVICE).with(|it| {
        it.status = None;
        it.modules.clear();
    });
    console.tell(Msg::Details(std::sync::Arc::new(details(&none, console.now()))));
    console.run(&format!("logs {DEVICE}"));
    assert!(console.text().contains("runs no modules"), "{}", console.text());
}

#[test]
fn stale_and_paused_are_told() {
    let console = Console::online();
    let mut console = on("temperatureFilter", &filter_log(&console));
    let effects = console.press("space");
    console.wait(Duration::from_secs(40));
    golden(&mut console, "logs-paused");
    assert!(effects.iter().all(|effect| !matches!(effect, Effect::Need(_))), "nothing else stands still: {effects:?}");
    console.press("space");
    assert!(!console.location().contains("PAUSED"));
}

/// Pausing a log is about that log; the console's own pause is about everything, and each is told by its key.
#[test]
fn whoever_pauses_a_log_pauses_nothing_else() {
    let console = Console::online();
    let mut console = on("temperatureFilter", &filter_log(&console));
    console.press("space");
    assert!(console.location().contains("PAUSED"), "{}", console.location());
    assert!(console.text().contains("paused, nothing is asked: space goes on"), "{}", console.text());
    console.run(&format!("device {DEVICE}"));
    assert!(!console.text().contains("PAUSED"), "{}", console.text());
    let effects = console.run(&format!("logs {DEVICE}/edgeHub"));
    assert!(!console.location().contains("PAUSED"), "another log is another log: {}", console.location());
    let attention = followed(&effects).unwrap().as_ref().map(|want| want.wanted.attention);
    assert_eq!(attention, Some(Attention::InView));
    console.press("P");
    let text = console.text();
    assert!(text.contains("PAUSED") && text.contains("the console is paused: P goes on"), "{text}");
    console.press("space space");
    assert!(console.text().contains("the console is paused: P goes on"), "space is not P");
    console.press("P");
    assert!(!console.text().contains("PAUSED"), "{}", console.text());
}

#[test]
fn a_log_that_is_opened_while_the_console_is_paused_says_so() {
    let mut console = Console::online();
    console.press("P");
    console.run(&format!("logs {DEVICE}/temperatureFilter"));
    golden(&mut console, "logs-opened-paused");
    console.press("P");
    assert!(console.text().contains("reading"), "{}", console.text());
    console.press("space");
    assert!(console.text().contains("this log is paused since"), "{}", console.text());
}

#[test]
fn a_pace_that_is_slower_than_usual_says_why() {
    let console = Console::online();
    let mut log = filter_log(&console);
    log.tail.slowed = Some(Slowed::Messages);
    (log.tail.every, log.tail.cost.per_hour) = (Duration::from_secs(9), 800);
    let mut console = on("temperatureFilter", &log);
    golden(&mut console, "logs-slowed");
    console.tell(Msg::Resize(120, 36));
    for (every, slowed, words) in [
        (Some(25), Slowed::Messages, "asked every 25 s to save messages, next in "),
        (Some(6), Slowed::Answers, "asked every 6 s, as answers take long"),
    ] {
        log.tail.slowed = Some(slowed);
        log.tail.every = every.map_or(log.tail.every, Duration::from_secs);
        let now = console.now();
        log.answered(now);
        console.tell(Msg::Logs(log.board()));
        assert!(console.text().contains(words), "{}", console.text());
    }
}

#[test]
fn a_time_that_was_more_than_an_answer_holds_is_told() {
    let console = Console::online();
    let mut log = Log::of(DEVICE, &["temperatureFilter"]);
    let wanted = Duration::from_secs(3_600);
    log.found("temperatureFilter", Found::Mark(Mark::Shortened { wanted, lines: 20 }));
    for line in 0..20 {
        log.line("temperatureFilter", line * 5_000 - 100_000, &format!("Alert sent: temperature={}", 118 + line % 7));
    }
    let module = ModuleId::from_wire("temperatureFilter");
    log.tail.modules.entry(module).or_default().shortened = Some(20);
    log.answered(console.now());
    let mut console = Console::online();
    console.run(&format!("logs {DEVICE}/temperatureFilter"));
    console.press("6");
    log.run = 2;
    console.tell(Msg::Logs(log.board()));
    golden(&mut console, "logs-cut-short");
    assert!(console.location().contains("since 1 h, cut short"), "{}", console.location());
}

/// A method for a device that is disabled is answered as one for a device that does not exist.
#[test]
fn a_device_that_is_disabled_is_not_called_deleted() {
    let mut fault =
        Fault::new(FaultKind::NotFound, format!("read logs of {DEVICE}"), "is not registered, or is disabled");
    (fault.status, fault.code) = (Some(404), Some("DeviceNotFound".into()));
    fault.needs = Some(Right::Invoke);
    let console = Console::online();
    let mut log = Log::of(DEVICE, &["temperatureFilter"]);
    log.failed(fault, console.now(), Duration::from_secs(30));
    let text = on("temperatureFilter", &log).text();
    assert!(!text.contains("deleted") && text.contains("or is disabled"), "{text}");
}

#[test]
fn whoever_scrolls_up_stays_and_is_told_what_came() {
    let console = Console::online();
    let mut log = filter_log(&console);
    let mut console = on("temperatureFilter", &log);
    console.press("k k");
    let before = console.text();
    assert!(before.contains("SCROLLED") && before.contains("nothing new below"), "{before}");
    for line in 0..137 {
        log.line("temperatureFilter", 1_000 + line, &format!("new {line}"));
    }
    console.tell(Msg::Logs(log.board()));
    let text = console.text();
    assert!(text.contains("137 new lines below, G follows"), "{text}");
    assert!(!text.contains("new 0"), "{text}");
    let shown = |text: &str| text.lines().filter(|line| line.contains("Alert")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(shown(&text), shown(&before), "the lines stay where they are");
    for key in ["G", "f"] {
        console.press("k");
        console.press(key);
        let text = console.text();
        assert!(text.contains("FOLLOW") && text.contains("new 136") && !text.contains("below"), "{text}");
    }
    golden(&mut console, "logs-followed-again");
}

#[test]
fn every_row_can_be_reached_whatever_its_height() {
    for (columns, rows) in [(120, 36), (80, 24), (60, 16)] {
        let console = Console::online();
        let mut console = merged(&rich_log(&console));
        console.tell(Msg::Resize(columns, rows));
        for keys in ["k", "pgup", "j", "pgdn"] {
            for _ in 0..60 {
                console.press(keys);
                let text = console.text();
                let sign = Sign::Cursor.glyph(Glyphs::Unicode);
                let cursors = text.lines().filter(|line| line.trim_start_matches('\u{2502}').starts_with(sign));
                assert!(cursors.count() >= 1, "after {keys} at {columns}x{rows}:\n{text}");
            }
        }
        console.press("g");
        assert!(console.text().contains("begins here"), "{}", console.text());
    }
}

#[test]
fn marks_are_drawn_and_copies_are_masked() {
    let console = Console::online();
    let mut log = filter_log(&console);
    let mut console = on("temperatureFilter", &log);
    console.press("m");
    log.line("temperatureFilter", 2_000, "password=PLANTED-copied");
    console.tell(Msg::Logs(log.board()));
    assert!(console.text().contains("-- marked 02:14:05.000 "), "{}", console.text());
    let effects = console.press("c");
    let copied = effects.iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(copied, Some("2026-11-24T02:14:07.000Z password=********"));
}

#[test]
fn what_is_saved_is_what_is_shown_and_masked() {
    let console = Console::online();
    let mut console = merged(&rich_log(&console));
    let saved = |console: &mut Console| {
        let effects = console.press("ctrl-s");
        let file = effects.into_iter().find_map(|effect| match effect {
            Effect::SaveLog(file) => Some(file),
            _ => None,
        });
        let file = file.unwrap();
        (file.about.clone(), file.lines().collect::<Vec<_>>())
    };
    let (about, lines) = saved(&mut console);
    assert_eq!(about, "edge-gateway-001-all");
    let text = lines.join("\n");
    assert!(!text.contains("PLANTED") && !text.contains('\u{1b}') && !text.contains("GetModuleLogs"), "{text}");
    assert!(text.contains("2026-11-24T02:13:08.000Z $edgeAgent         [ERR] - Executing"), "{text}");
    assert!(text.contains(&"0123456789".repeat(30)) && text.contains("-- gap: "), "{text}");
    console.press("L L L C");
    assert!(console.press("ctrl-s").iter().all(|effect| !matches!(effect, Effect::SaveLog(_))));
    assert!(console.notice().contains("no line to save"), "{}", console.notice());
}

fn followed(effects: &[Effect]) -> Option<&Option<LogWant>> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::Follow(want) => Some(want),
        _ => None,
    })
}

fn names(want: &LogWant) -> Vec<&str> {
    want.wanted.modules.iter().map(ModuleId::as_str).collect()
}

#[test]
fn one_log_is_followed_while_its_view_is_there() {
    let mut console = Console::online();
    console.run(&format!("device {DEVICE}"));
    console.tell(Msg::Details(std::sync::Arc::new(details(&gateway(), console.now()))));
    let effects = console.press("g l");
    let want = followed(&effects).unwrap().clone().unwrap();
    assert_eq!((names(&want), want.wanted.attention), (vec!["$edgeAgent"], Attention::InView));
    let effects = console.press("a");
    let want = followed(&effects).unwrap().clone().unwrap();
    assert!(names(&want).len() > 2, "{want:?}");
    let effects = console.press("6");
    let want = followed(&effects).unwrap().clone().unwrap();
    assert_eq!(want.wanted.following.opening, Opening::Last(Duration::from_secs(3_600)));
    let attention =
        |effects: Vec<Effect>| followed(&effects).map(|want| want.as_ref().map(|want| want.wanted.attention));
    assert_eq!(attention(console.press("?")), Some(Some(Attention::Background)), "a page is soon closed");
    assert_eq!(attention(console.press("esc")), Some(Some(Attention::InView)));
    assert_eq!(attention(console.press("space")), Some(Some(Attention::Paused)));
    assert_eq!(attention(console.press("space")), Some(Some(Attention::InView)));
    let other = console.run("device edge-gateway-101");
    assert_eq!(attention(other), Some(Some(Attention::Paused)), "whoever is elsewhere waits for no lines");
    assert_eq!(attention(console.press("esc")), Some(Some(Attention::InView)));
    assert_eq!(attention(console.press("esc")), Some(None), "leaving ends it");
    let effects = console.run("logs edge-gateway-101/edgeHub");
    let want = followed(&effects).unwrap().clone().unwrap();
    assert_eq!((want.device.as_str(), names(&want)), ("edge-gateway-101", vec!["$edgeHub"]));
}

#[test]
fn rows_of_an_earlier_log_are_not_looked_for_in_another() {
    let console = Console::online();
    let log = filter_log(&console);
    let mut console = on("temperatureFilter", &log);
    console.press("k k m C");
    let mut board = (*log.board()).clone();
    board.run = 2;
    console.tell(Msg::Logs(std::sync::Arc::new(board)));
    let text = console.text();
    assert!(text.contains("FOLLOW") && !text.contains("marked") && text.contains("Alert"), "{text}");
}
