//! Goldens and keys of the deployments: the list, one of them, and the devices behind a figure, in every state.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{golden, golden_at};
use crate::domain::deployment::Listed;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{DeploymentId, DeviceId};
use crate::store::{Behind, DeploymentBoard, Extent, Found, Needs, Source};
use crate::tui::msg::{Effect, Msg};
use crate::tui::testkit::{Console, Deploy, Gateway, details, hub_with_deployments};

/// A console on the list of a hub with a few deployments.
fn listing() -> Console {
    let mut console = Console::online();
    console.run("deployments");
    console.deploy(hub_with_deployments);
    console
}

/// In the base of it.
fn base() -> Console {
    let mut console = listing();
    console.run("deployments deploy-base-sites");
    console
}

/// On the devices that rejected it.
fn rejected() -> Console {
    let mut console = base();
    console.press("enter");
    console
}

fn fail(console: &mut Console, source: Source, kind: FaultKind) -> Fault {
    let fault = Fault::new(kind, "list the deployments", "connection refused");
    let now = console.now();
    let link = console.link(|link| {
        link.failed(source, &fault, now);
    });
    console.tell(Msg::Link(link));
    fault
}

fn list_of(console: &mut Console, list: Vec<Listed>) {
    console.deploy(|board, now| board.list.settle(Ok(list.into()), now));
}

#[test]
fn before_the_first_answer() {
    let mut console = Console::online();
    console.run("dep");
    console.deploy(|board, now| board.list.ask(now));
    golden(&mut console, "deployments-first-load");
    console.run("dep deploy-base-sites");
    golden(&mut console, "deployment-first-load");
}

#[test]
fn with_one_of_each_standing() {
    let mut console = listing();
    golden(&mut console, "deployments-normal");
    golden_at(&mut console, "deployments-normal", 200, 60);
    console.press("ctrl-w");
    golden(&mut console, "deployments-wide");
    console.press("ctrl-w F");
    golden(&mut console, "deployments-faults");
    console.press("esc S");
    golden(&mut console, "deployments-by-state");
}

#[test]
fn without_deployments() {
    let mut console = listing();
    list_of(&mut console, Vec::new());
    golden(&mut console, "deployments-empty-hub");
}

#[test]
fn filtered() {
    let mut console = listing();
    console.press("/");
    console.type_in("-l release=7");
    console.press("enter");
    assert!(console.location().contains("1 of 9"), "{}", console.location());
    console.press("/");
    console.type_in("nothing is called that");
    console.press("enter");
    golden(&mut console, "deployments-filtered-empty");
    console.press("esc");
    assert!(console.location().contains("9: 3 base"), "{}", console.location());
}

#[test]
fn while_the_hub_is_silent_what_was_read_stays() {
    let mut console = listing();
    console.wait(Duration::from_secs(90));
    let fault = fail(&mut console, Source::Deployments, FaultKind::Unreachable);
    console.deploy(|board, now| board.list.settle(Err(fault), now));
    golden(&mut console, "deployments-stale");
}

#[test]
fn refused_and_nothing_was_ever_read() {
    let mut console = Console::online();
    console.run("deployments");
    let fault = fail(&mut console, Source::Deployments, FaultKind::Unauthorized);
    console.deploy(|board, now| board.list.settle(Err(fault), now));
    golden(&mut console, "deployments-forbidden");
    console.run("devices");
    assert!(!console.text().contains("FORBIDDEN"), "that is the deployments' trouble alone");
}

#[test]
fn of_a_device() {
    let mut console = Console::online();
    console.run("device edge-gateway-104");
    console.press("o");
    console.deploy(hub_with_deployments);
    golden(&mut console, "deployments-of-a-device-first-load");
    let mut gateway = Gateway::new("edge-gateway-104");
    gateway.deployments = vec![("deploy-base-sites".into(), "Applied"), ("deploy-before-the-first".into(), "Targeted")];
    let board = details(&gateway, console.now());
    console.tell(Msg::Details(Arc::new(board)));
    golden(&mut console, "deployments-of-a-device");
    assert_eq!(
        console.model.needs,
        Needs { deployments: true, device: Some(DeviceId::from_wire("edge-gateway-104")), ..Needs::default() }
    );
    gateway.deployments = Vec::new();
    let board = details(&gateway, console.now());
    console.tell(Msg::Details(Arc::new(board)));
    golden(&mut console, "deployments-of-a-device-none");
}

#[test]
fn a_base_with_what_it_sets_and_who_rejected_it() {
    let mut console = base();
    golden(&mut console, "deployment-normal");
    golden_at(&mut console, "deployment-normal", 200, 60);
    console.press("G");
    golden(&mut console, "deployment-registry");
    console.press("k k k k k");
    golden(&mut console, "deployment-module");
    console.press("y");
    golden(&mut console, "deployment-json");
}

#[test]
fn a_deployment_that_others_overrule() {
    let mut console = listing();
    let mut gateways = crate::tui::testkit::site();
    for gateway in gateways.iter_mut().filter(|gateway| !gateway.deployments.is_empty()) {
        gateway.deployments.push(("deploy-before-the-first".into(), "Targeted"));
        gateway.deployments.push(("deploy-debug-shell".into(), "Targeted"));
    }
    console.show(&gateways);
    console.run("deployments deploy-before-the-first");
    golden(&mut console, "deployment-overruled-base");
    console.run("deployments deploy-debug-shell");
    golden(&mut console, "deployment-overruled-layer");
}

/// A canary over the gateways' layer, for one device, whose agent rejects what it gets.
fn under_a_canary() -> Console {
    let mut console = listing();
    let places = json!({
        "properties.desired.modules.mlInference.version": "2.1.0",
        "properties.desired.modules.mlInference.settings.image": "acrproduction001.azurecr.io/ml-inference:2.1.o",
    });
    let canary = Deploy::layer("deploy-ml-canary", 30)
        .content(&json!({ "$edgeAgent": places }))
        .target("deviceId = 'edge-gateway-203'")
        .figures(1, 1, 0, 1);
    let base = Deploy::base("deploy-base-sites", 10).figures(25, 25, 22, 1);
    list_of(
        &mut console,
        vec![base.listed(), canary.listed(), Deploy::layer("deploy-ml-gateways", 20).figures(21, 21, 19, 1).listed()],
    );
    let mut gateways = crate::tui::testkit::site();
    // Only the one is rejected here.
    gateways.retain(|gateway| !matches!(gateway.status, Some((400, _))));
    for gateway in gateways.iter_mut().filter(|gateway| gateway.id == "edge-gateway-203") {
        gateway.deployments.push(("deploy-ml-canary".into(), "Applied"));
    }
    console.show(&gateways);
    console
}

#[test]
fn a_layer_above_is_named_with_what_it_overrules_and_where() {
    let mut console = under_a_canary();
    console.run("deployments deploy-ml-gateways");
    golden(&mut console, "deployment-under-a-layer");
    let text = console.screen(200, 60);
    assert!(!text.contains("no other deployment of this hub is in its way"), "{text}");
    assert!(text.contains("overrules mlInference (version, settings.image)"), "{text}");
    let suspected = "rejected on 1: edge-gateway-203; deploy-ml-canary applies there, and nowhere it was";
    assert!(text.contains(suspected), "{text}");
    console.run("deployments deploy-base-sites");
    let text = console.screen(200, 60);
    assert!(text.contains(suspected) && text.contains("no other deployment of this hub is in its way"), "{text}");
    console.run("deployments deploy-ml-canary");
    let text = console.screen(200, 60);
    assert!(text.contains("rejected on 1: edge-gateway-203 ") && !text.contains("nowhere it was"), "{text}");
}

#[test]
fn before_any_twin_is_read_nobody_knows_where_a_layer_overrules() {
    let mut console = under_a_canary();
    console.show(&[]);
    console.run("deployments deploy-ml-gateways");
    let text = console.screen(200, 60);
    assert!(text.contains("many devices is not known yet"), "{text}");
}

#[test]
fn a_layer_without_any_base_says_that_it_does_nothing() {
    let mut console = listing();
    list_of(&mut console, vec![Deploy::layer("deploy-ml-gateways", 20).listed()]);
    console.run("deployments deploy-ml-gateways");
    assert!(console.text().contains("no base in this hub: a layer alone does nothing"), "{}", console.text());
}

#[test]
fn a_fresh_one_says_when_figures_are_expected_and_a_late_one_since_when() {
    let mut console = listing();
    console.run("deployments deploy-fresh");
    golden(&mut console, "deployment-fresh");
    console.run("deployments deploy-late");
    assert!(console.text().contains("expected by 02:04Z"), "{}", console.text());
}

#[test]
fn one_that_is_gone_and_one_that_is_no_deployment() {
    let mut console = base();
    list_of(&mut console, vec![Deploy::layer("deploy-ml-gateways", 20).listed()]);
    golden(&mut console, "deployment-gone");
    let mut console = listing();
    console.run("deployments thermostats");
    golden(&mut console, "deployment-other-kind");
}

#[test]
fn the_devices_behind_a_figure() {
    let mut console = rejected();
    golden(&mut console, "behind-normal");
    golden_at(&mut console, "behind-normal", 200, 60);
    console.press("enter");
    assert!(console.location().starts_with("devices > edge-gateway-203"), "{}", console.location());
    console.press("esc j enter");
    assert!(console.location().starts_with("devices > edge-gateway-211"), "{}", console.location());
}

/// The rows of the figure the console looks at.
fn rows(console: &mut Console, change: impl FnOnce(&mut crate::store::Fetched<Arc<Behind>>, crate::domain::time::Now)) {
    let query = console.model.needs.behind.clone().expect("the query is wanted");
    console.deploy(|board, now| change(board.behind.entry(query).or_default(), now));
}

#[test]
fn devices_behind_a_figure_as_they_come_in() {
    let mut console = base();
    let effects = console.press("g enter");
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Need(needs) => needs.behind.clone(),
        _ => None,
    });
    let query = "select deviceId from devices where capabilities.iotEdge = true and tags.environment = 'production'";
    assert_eq!(asked.as_deref(), Some(query), "the hub's own words");
    rows(&mut console, |read, now| read.ask(now));
    golden(&mut console, "behind-first-load");
    let found: Vec<Found> =
        [101, 102, 113].iter().map(|n| Found::read(&json!({"deviceId": format!("edge-gateway-{n}")}))).collect();
    let behind = Behind { found, extent: Extent::Pages(1) };
    rows(&mut console, |read, now| read.value = Some((Arc::new(behind), now)));
    golden(&mut console, "behind-partial");
    let fault = fail(&mut console, Source::Behind, FaultKind::Throttled(Duration::from_secs(10)));
    rows(&mut console, |read, now| read.settle(Err(fault), now));
    golden(&mut console, "behind-throttled");
}

#[test]
fn a_figure_whose_devices_could_not_be_read_is_not_none() {
    let mut console = base();
    console.press("g enter");
    let fault = fail(&mut console, Source::Behind, FaultKind::TimedOut);
    rows(&mut console, |read, now| read.settle(Err(fault), now));
    golden(&mut console, "behind-no-answer");
    let text = console.text();
    assert!(!text.contains(" 0 ─") && !text.contains("run now"), "{text}");
}

#[test]
fn an_or_without_parentheses_says_that_others_are_listed_too() {
    let mut console = listing();
    for (condition, torn) in [("tags.a = 1 OR tags.b = 2", true), ("(tags.a = 1 OR tags.b = 2)", false)] {
        list_of(&mut console, vec![Deploy::base("deploy-base-sites", 10).target(condition).listed()]);
        console.run("deployments deploy-base-sites");
        console.press("g enter");
        let text = console.screen(80, 24);
        assert_eq!(text.contains("the OR has no parentheses in the hub's query"), torn, "{text}");
        assert!(text.contains("select deviceId"), "the query has room beside it: {text}");
        console.press("j");
        console.run("deployments");
    }
}

#[test]
fn a_figure_without_devices_now() {
    let mut console = rejected();
    rows(&mut console, |read, now| {
        read.settle(Ok(Arc::new(Behind { found: Vec::new(), extent: Extent::Whole })), now);
    });
    golden(&mut console, "behind-none-now");
    console.press("esc");
    console.run("deployments deploy-debug-shell");
    console.press("g enter");
    golden(&mut console, "behind-for-nobody");
    assert!(console.text().contains("the deployment is for nobody"), "{}", console.text());
    assert_eq!(console.model.needs.behind, None, "there is nothing to ask for");
}

#[test]
fn rows_of_an_own_metric_may_name_no_device() {
    let mut console = base();
    console.press("g j j j j enter");
    assert!(console.location().contains("> hot"), "{}", console.location());
    rows(&mut console, |read, now| {
        let found = vec![Found::read(&json!({"building": "B1", "apiToken": "PLANTED", "n": 3}))];
        read.settle(Ok(Arc::new(Behind { found, extent: Extent::Whole })), now);
    });
    console.press("enter");
    assert_eq!(console.notice(), "this row names no device");
    assert!(console.text().contains("\"building\":\"B1\"") && !console.text().contains("PLANTED"));
}

#[test]
fn the_cursor_is_a_deployment_and_says_when_it_vanishes() {
    let mut console = listing();
    let before = console.text();
    assert!(before.lines().any(|line| line.contains("❯") && line.contains("deploy-fresh")), "{before}");
    console.press("j j");
    let row = |console: &Console| {
        let text = console.text();
        text.lines().find(|line| line.contains('❯')).unwrap_or_default().to_owned()
    };
    assert!(row(&console).contains("deploy-ml-gateways"), "{}", row(&console));
    console.press("N");
    assert!(row(&console).contains("deploy-ml-gateways"), "sorting moves the row, not the cursor");
    list_of(&mut console, vec![Deploy::base("deploy-base-sites", 10).listed()]);
    assert!(console.notice().contains("deploy-ml-gateways is gone at the hub"), "{}", console.notice());
    console.press("enter");
    assert!(console.notice().contains("press again"), "{}", console.notice());
    console.wait(Duration::from_secs(2));
    console.press("enter");
    assert!(console.location().contains("deploy-base-sites"), "{}", console.location());
}

#[test]
fn no_secret_of_a_deployment_is_on_any_frame() {
    let mut console = base();
    for keys in ["g", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "j", "y", "G"] {
        console.press(keys);
        for (columns, rows) in [(120, 36), (80, 24), (200, 60)] {
            console.tell(Msg::Resize(columns, rows));
            assert!(!console.text().contains("PLANTED"), "{}", console.text());
        }
    }
    console.run("deployments");
    assert!(!console.text().contains("PLANTED"), "{}", console.text());
}

#[test]
fn names_are_completed_from_the_list() {
    let mut console = listing();
    console.press(":");
    console.type_in("deployments deploy-ml");
    console.press("tab enter");
    assert!(console.location().contains("deploy-ml-gateways"), "{}", console.location());
    console.run("dep Capital");
    assert!(console.notice().contains("capital"), "{}", console.notice());
}

#[test]
fn what_a_view_needs_is_all_it_asks_for() {
    let mut console = listing();
    let deployments = Needs { deployments: true, ..Needs::default() };
    assert_eq!(console.model.needs, deployments);
    console.press("enter");
    assert_eq!(console.model.needs, deployments, "a deployment is in the list whole");
    console.press("y");
    assert_eq!(console.model.needs, deployments);
    console.run("devices");
    assert_eq!(console.model.needs, Needs { fleet: true, ..Needs::default() });
}

#[test]
fn a_board_knows_deployments_from_others() {
    let mut board = DeploymentBoard::default();
    hub_with_deployments(&mut board, Console::new().now());
    assert_eq!((board.list.get().map(|list| list.len()), board.edge().count()), (Some(9), 7));
    assert!(board.get(&DeploymentId::from_wire("thermostats")).is_some());
    assert!(board.deployed(&DeploymentId::from_wire("thermostats")).is_none());
}
