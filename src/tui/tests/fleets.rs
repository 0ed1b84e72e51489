//! Goldens of the fleet: every state its table can be in.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{golden, golden_at};
use crate::domain::device::RegistryStatistics;
use crate::domain::fault::{Fault, FaultKind};
use crate::store::{FleetSnapshot, Source};
use crate::tui::msg::Msg;
use crate::tui::testkit::{Console, from_rows, session, site};

fn unreachable() -> Fault {
    Fault::new(FaultKind::Unreachable, "query the devices", "connection refused")
}

#[test]
fn before_the_first_answer() {
    golden(&mut Console::new(), "fleet-first-load");
}

#[test]
fn while_pages_come_in() {
    let mut console = Console::new();
    let rows: Vec<_> =
        (1..=9).map(|n| json!({"deviceId": format!("edge-gateway-{n}"), "tags": {"role": "gateway"}})).collect();
    let mut picture = from_rows(&rows, &[], &[]);
    picture.devices.pages = Some(1);
    console.recover();
    console.tell(Msg::Fleet(picture.into()));
    golden(&mut console, "fleet-partial");
}

#[test]
fn without_devices() {
    let mut console = Console::online();
    console.show(&[]);
    golden(&mut console, "fleet-empty-hub");
}

#[test]
fn with_one_of_everything() {
    let mut console = Console::online();
    golden(&mut console, "fleet-normal");
    golden_at(&mut console, "fleet-normal", 200, 60);
}

#[test]
fn with_devices_that_are_no_edge_devices() {
    let mut console = Console::online();
    console.tell(Msg::Link(
        console.link(|link| link.statistics = Some(RegistryStatistics { total: 1_284, enabled: 1_280, disabled: 4 })),
    ));
    golden(&mut console, "fleet-among-others");
}

#[test]
fn with_every_column() {
    let mut console = Console::online();
    console.press("ctrl-w shift-right");
    golden(&mut console, "fleet-wide");
}

#[test]
fn filtered() {
    let mut console = Console::online();
    console.press("/");
    golden(&mut console, "fleet-filter-open");
    console.type_in("-l building=B1");
    golden(&mut console, "fleet-filter-typed");
    console.press("enter");
    golden(&mut console, "fleet-filtered");
}

#[test]
fn filtered_by_what_cannot_be_read() {
    let mut console = Console::online();
    console.press("/");
    console.type_in("~gate(");
    golden(&mut console, "fleet-filter-invalid");
    console.press("enter");
    golden(&mut console, "fleet-filter-invalid-kept");
}

#[test]
fn filtered_to_nothing() {
    let mut console = Console::online();
    console.press("/");
    console.type_in("no such device");
    console.press("enter");
    golden(&mut console, "fleet-filtered-empty");
}

#[test]
fn with_marks_some_of_them_hidden() {
    let mut console = Console::online();
    console.press("space space G space /");
    console.type_in("edge-gateway-203");
    console.press("enter");
    golden(&mut console, "fleet-marks-hidden");
}

#[test]
fn with_marks() {
    let mut console = Console::online();
    console.press("space j j v");
    golden(&mut console, "fleet-marks");
}

#[test]
fn faults_only() {
    let mut console = Console::online();
    console.press("F");
    golden(&mut console, "fleet-faults");
}

#[test]
fn the_device_under_the_cursor_goes() {
    let mut console = Console::online();
    console.press("j");
    let at = console.under_cursor().unwrap();
    let left: Vec<_> = site().into_iter().filter(|gateway| gateway.id != at).collect();
    console.show(&left);
    golden(&mut console, "fleet-selection-lost");
}

#[test]
fn grown_stale() {
    let mut console = Console::online();
    console.wait(Duration::from_secs(75));
    golden(&mut console, "fleet-stale");
    console.wait(Duration::from_secs(200));
    golden(&mut console, "fleet-old");
}

#[test]
fn offline_with_what_was_read_before() {
    let mut console = Console::online();
    console.wait(Duration::from_secs(20));
    console.fail(&unreachable());
    console.wait(Duration::from_secs(40));
    golden(&mut console, "fleet-offline");
}

fn failed(console: &mut Console, fault: &Fault) {
    console.fail(fault);
    let at = console.now();
    console.reshow(|picture: &mut FleetSnapshot| picture.devices.fault = Some((fault.clone(), at)));
}

#[test]
fn failed_before_anything_was_read() {
    let mut console = Console::new();
    failed(&mut console, &unreachable());
    golden(&mut console, "fleet-error-without-data");
}

#[test]
fn not_let_in() {
    let mut console = Console::new();
    let mut fault = Fault::new(FaultKind::Unauthorized, "query the devices", "Unauthorized");
    fault.status = Some(401);
    fault.code = Some("IotHubUnauthorizedAccess".into());
    failed(&mut console, &fault);
    golden(&mut console, "fleet-forbidden");
}

#[test]
fn asked_to_slow_down() {
    let mut console = Console::online();
    let mut fault = Fault::new(
        FaultKind::Throttled(Duration::from_secs(10)),
        "query the devices",
        "Throttling maximum reached. Operation type Query",
    );
    fault.status = Some(429);
    fault.code = Some("ThrottlingException".into());
    console.fail(&fault);
    console.wait(Duration::from_secs(12));
    golden(&mut console, "fleet-throttled");
}

#[test]
fn asked_to_slow_down_and_told_for_how_long() {
    let mut console = Console::online();
    console.fail(&Fault::new(FaultKind::Throttled(Duration::from_secs(10)), "list the devices", "slow down"));
    assert!(console.text().contains("THROTTLED next 4 s"), "{}", console.text());
    console.recover();
    console.fail(&Fault::new(FaultKind::Budget, "list the devices", "our share of the rate is used up"));
    assert!(console.text().contains("BUDGET next 4 s"), "{}", console.text());
}

/// What one source is refused is shown where its data is, and nowhere else.
#[test]
fn a_view_shows_the_trouble_of_its_own_source() {
    let mut console = Console::online();
    let fault = |kind| Fault::new(kind, "read it", "no");
    let fail = |console: &mut Console, source, kind| {
        let link = console.link(|link| {
            link.failed(source, &fault(kind), console.now());
        });
        console.tell(Msg::Link(link));
    };
    fail(&mut console, Source::Heartbeat, FaultKind::Unauthorized);
    fail(&mut console, Source::Identities, FaultKind::Unauthorized);
    assert!(!console.text().contains("FORBIDDEN"));
    fail(&mut console, Source::Twins, FaultKind::Unauthorized);
    assert!(!console.text().contains("FORBIDDEN"));
    console.run("twin edge-gateway-001/temperatureFilter");
    assert!(console.text().contains("FORBIDDEN"));
    console.run("help");
    assert!(!console.text().contains("FORBIDDEN"));
    fail(&mut console, Source::Heartbeat, FaultKind::TimedOut);
    assert!(console.text().contains("OFFLINE"), "silence is everybody's");
}

#[test]
fn verdicts_of_agents_that_moved_and_could_not_be_read() {
    let mut console = Console::online();
    let read = console.now();
    console.wait(Duration::from_secs(75));
    let now = console.now();
    console.reshow(|picture| {
        (picture.devices.as_of, picture.digest.as_of, picture.agents.as_of) = (Some(now), Some(now), Some(read));
        picture.agents.fault = Some((Fault::new(FaultKind::Server, "read what the agents report", "500"), now));
        let mut rows = picture.rows.to_vec();
        Arc::make_mut(&mut rows[4]).agent_due = true;
        picture.rows = rows.into();
    });
    golden_at(&mut console, "fleet-overtaken", 120, 36);
}

#[test]
fn the_days_messages_are_used_up() {
    let mut console = Console::online();
    let mut fault = Fault::new(FaultKind::QuotaExceeded, "query the devices", "Total number of messages exceeded");
    fault.status = Some(403);
    console.fail(&fault);
    golden(&mut console, "fleet-quota");
}

#[test]
fn paused() {
    let mut console = Console::online();
    console.press("P");
    console.wait(Duration::from_secs(65));
    golden(&mut console, "fleet-paused");
}

#[test]
fn read_only_in_production_and_simulated() {
    let mut session = session();
    (session.read_only, session.production) = (true, true);
    golden(&mut Console::online_with(session.clone()), "fleet-read-only");
    (session.read_only, session.production, session.simulated) = (false, true, true);
    golden(&mut Console::online_with(session), "fleet-production-simulated");
}
