//! Goldens of changes: their forms, what would be sent, the question, and what keeps one from being sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::golden;
use crate::domain::change::ChangeKind;
use crate::domain::deployment::Listed;
use crate::domain::device::DeviceIdentity;
use crate::domain::effective::{Fate, Radius, Touched};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{DeviceId, ETag, ModuleId};
use crate::domain::manifest::Manifest;
use crate::domain::secret::Secret;
use crate::ops::{
    Amendment, DeploymentWrite, DeviceChange, DeviceWrite, Effects, ManifestWrite, OpState, Order, Prepared, Request,
    Unprepared,
};
use crate::tui::msg::{Effect, Msg};
use crate::tui::testkit::{Console, Deploy, Gateway, Maker, details, module_twin, session};

/// What a console asked to be prepared last.
fn asked(effects: &[Effect]) -> Order {
    let mut orders = effects.iter().filter_map(|effect| match effect {
        Effect::Prepare(order) => Some((**order).clone()),
        _ => None,
    });
    orders.next_back().expect("something to prepare")
}

fn answer(console: &mut Console, order: Order, result: Result<Request, Unprepared>) {
    let prepared = result.map(|request| Box::new(Prepared { request, warnings: Vec::new() }));
    console.tell(Msg::Prepared(Box::new(order), prepared));
}

fn module(image: &str) -> Value {
    json!({"type": "docker", "status": "running", "settings": {"image": image, "createOptions": "{}"}})
}

fn manifest() -> Request {
    let agent = Maker::of(module_twin("edge-gateway-001", "$edgeAgent")).desired(
        json!({"schemaVersion": "1.1", "modules": {
            "temperatureFilter": module("acr.azurecr.io/temperature-filter:0.9.0"),
            "debugShell": module("acr.azurecr.io/debug-shell:0.4"),
        }}),
        3,
    );
    let filter = Maker::filter().desired(json!({"temperatureThreshold": 30.0}), 2);
    let wanted = json!({"modulesContent": {
        "$edgeAgent": {"properties.desired": {"schemaVersion": "1.1", "modules": {
            "temperatureFilter": module("acr.azurecr.io/temperature-filter:1.0.0"),
            "mlInference": module("acr.azurecr.io/ml-inference:2.1.0"),
        }}},
        "temperatureFilter": {"properties.desired": {"temperatureThreshold": 25.0}},
    }});
    Request::Manifest(ManifestWrite {
        device: DeviceId::from_wire("edge-gateway-001"),
        manifest: Arc::new(Manifest::read(&wanted).unwrap()),
        seen: vec![Arc::new(agent.done()), Arc::new(filter.done())],
    })
}

/// On the page that shows what a manifest does.
fn applying() -> Console {
    let mut console = Console::online();
    let effects = console.run("apply edge-gateway-001 deployment.json");
    answer(&mut console, asked(&effects), Ok(manifest()));
    console
}

fn delete() -> Request {
    let base = DeviceIdentity {
        id: DeviceId::from_wire("edge-gateway-001"),
        etag: ETag::from_wire("Nzk1MjE0NjM2"),
        generation_id: "637121074930370650".into(),
        enabled: true,
        status_reason: None,
        edge: true,
        connection_state: "Disconnected".into(),
        last_activity: None,
        authentication: "sas".into(),
        device_scope: None,
        parent_scopes: vec![],
    };
    let modules = ["$edgeAgent", "$edgeHub", "temperatureFilter"].map(ModuleId::from_wire).into();
    Request::Device(DeviceWrite {
        id: DeviceId::from_wire("edge-gateway-001"),
        change: DeviceChange::Delete { base: Arc::new(base), modules },
    })
}

/// The layer of twenty gateways goes, and of its module a part stays under another one.
fn delete_deployment() -> Request {
    let Listed::Edge(base) = Deploy::layer("deploy-ml-gateways", 20).listed() else { panic!("a deployment") };
    let devices = |numbers: std::ops::RangeInclusive<u64>| {
        numbers.map(|n| DeviceId::from_wire(format!("edge-gateway-{n}"))).collect::<Vec<_>>()
    };
    let fate = |kind, lacks| Fate {
        module: ModuleId::from_wire("mlInference"),
        kind,
        images: (None, None),
        settings: true,
        desired: false,
        lacks,
    };
    let radius = Radius {
        devices: 26,
        changed: devices(101..=121).into_iter().collect(),
        modules: vec![
            Touched { fate: fate(ChangeKind::Remove, vec![]), devices: devices(101..=120) },
            Touched { fate: fate(ChangeKind::Replace, vec!["type"]), devices: devices(203..=203) },
        ],
        ..Radius::default()
    };
    Request::Deployment(DeploymentWrite::delete(Arc::from(base), Effects::Known(Box::new(radius))))
}

#[test]
fn forms() {
    let mut console = Console::online();
    console.press("+");
    golden(&mut console, "form-register");
    console.type_in("gw new");
    console.press("tab space enter");
    golden(&mut console, "form-register-wrong");
    let mut console = Console::online();
    console.run("deploy");
    console.type_in("deploy-ml-gateways");
    console.press("tab tab");
    console.type_in("tags.role = 'gateway'");
    golden(&mut console, "form-deployment");
    console.press("tab tab tab");
    console.type_in("hot=SELECT deviceId FORM devices");
    golden(&mut console, "form-deployment-metrics");
    console.press("enter");
    assert!(console.text().contains("which file?"), "{}", console.text());
}

#[test]
fn a_form_keeps_what_was_typed_while_its_change_is_looked_at() {
    let mut console = Console::online();
    console.run("apply edge-gateway-001");
    console.type_in("a.json");
    let effects = console.press("enter");
    let order = asked(&effects);
    golden(&mut console, "change-loading");
    answer(&mut console, order, Err(Unprepared::Document("could not read a.json: no such file".to_owned())));
    golden(&mut console, "change-document");
    console.press("esc");
    assert!(console.screen(120, 36).contains("a.json"));
    let effects = console.press("enter");
    let fault = Fault::new(FaultKind::Unreachable, "read the device edge-gateway-001", "connection refused");
    answer(&mut console, asked(&effects), Err(Unprepared::Hub(fault)));
    golden(&mut console, "change-unreachable");
    // Looked at anew, without typing anything again.
    let effects = console.press("ctrl-r");
    answer(&mut console, asked(&effects), Ok(manifest()));
    assert!(console.screen(120, 36).contains("DISAPPEARS"));
}

#[test]
fn a_form_is_as_it_was_left_and_takes_nothing_for_typed_that_was_not() {
    let kept = |effects: &[Effect]| {
        effects.iter().rev().find_map(|effect| match effect {
            Effect::SaveForm(form, fields) => Some((form.clone(), fields.clone())),
            _ => None,
        })
    };
    let mut console = Console::online();
    console.press("+");
    console.type_in("gw-1");
    let effects = console.wait(Duration::from_secs(1));
    let filled = vec![Some("gw-1".to_owned()), None, None];
    assert_eq!(kept(&effects), Some(("register".to_owned(), Some(filled.clone()))), "kept while it is typed");
    assert_eq!(kept(&console.wait(Duration::from_secs(1))), None, "and once is enough");
    console.press("esc");

    // As after a kill: the next console learns it from the disk.
    let mut next = Console::online();
    next.tell(Msg::Forms(BTreeMap::from([("register".to_owned(), filled)])));
    next.press("+");
    golden(&mut next, "form-register-as-left");
    next.press("ctrl-u");
    assert_eq!(kept(&next.press("esc")), Some(("register".to_owned(), None)), "emptied is forgotten");
}

/// A value that the editor has to write out, or that ends in a blank, is nobody's typing.
#[test]
fn a_form_about_something_that_exists_sends_what_was_typed_and_no_more() {
    let mut console = Console::online();
    console.run("deployments");
    console.deploy(|board, now| {
        let one = Deploy::base("deploy-base", 10).target("tags.a = 'x' ").with(|it| {
            it.configuration.metrics = [("m".to_owned(), "SELECT deviceId\tFROM devices".to_owned())].into();
        });
        board.list.settle(Ok(vec![one.listed()].into()), now);
    });
    console.press("e");
    assert!(console.wait(Duration::from_secs(1)).iter().all(|effect| !matches!(effect, Effect::SaveForm(..))));
    console.press("tab backspace backspace");
    console.type_in("40");
    let Order::Amend(_, amendment) = asked(&console.press("enter")) else { panic!("another order") };
    assert_eq!(amendment, Amendment { priority: Some(40), ..Amendment::default() });
}

/// Figures may move while nobody looks, and the guard of a deployment guards the deployment alone.
#[test]
fn what_was_read_long_ago_is_looked_at_anew_before_it_is_asked_about() {
    let mut console = applying();
    console.wait(Duration::from_secs(119));
    console.press("s");
    assert!(console.screen(120, 36).contains("Apply to edge-gateway-001"));
    console.press("esc");
    console.wait(Duration::from_secs(2));
    console.press("s");
    assert_eq!(console.notice(), "this was read 2 m ago; ctrl-r looks at it anew first");
    let effects = console.press("ctrl-r");
    assert!(
        console.press("ctrl-r ctrl-r").iter().all(|effect| !matches!(effect, Effect::Prepare(_))),
        "once is enough"
    );
    answer(&mut console, asked(&effects), Ok(manifest()));
    console.press("s");
    assert!(console.screen(120, 36).contains("name:"));
}

#[test]
fn a_module_is_restarted_by_the_page_that_shows_the_call() {
    let mut console = Console::online();
    console.run("device edge-gateway-101");
    let board = details(&Gateway::new("edge-gateway-101"), console.now());
    console.tell(Msg::Details(Arc::new(board)));
    let effects = console.press("r");
    let Order::Restart { module, .. } = asked(&effects) else { panic!("another order") };
    assert!(console.location().contains(module.as_str()), "{}", console.location());
}

#[test]
fn what_a_manifest_does() {
    let mut console = applying();
    golden(&mut console, "change-apply");
    console.press("s");
    console.wait(Duration::from_secs(1));
    golden(&mut console, "dialog-apply");
    console.press("tab enter");
    assert!(console.notice().contains("type \"edge-gateway-001\""), "{}", console.notice());
    console.type_in("edge-gateway-001");
    let effects = console.press("enter");
    let intent = effects.iter().find_map(|effect| match effect {
        Effect::Submit(intent) => Some((**intent).clone()),
        _ => None,
    });
    console.write_stands(&intent.expect("sent"), OpState::Sending);
    golden(&mut console, "change-sending");
}

#[test]
fn deleting_a_device() {
    let mut console = Console::online();
    let effects = console.run("delete edge-gateway-001");
    answer(&mut console, asked(&effects), Ok(delete()));
    golden(&mut console, "change-delete");
    console.press("s");
    console.wait(Duration::from_secs(1));
    golden(&mut console, "dialog-delete");
}

#[test]
fn deleting_a_deployment_says_what_happens_to_devices() {
    let mut console = Console::online();
    let effects = console.run("deployments deploy-ml-gateways");
    assert!(!effects.is_empty());
    console
        .deploy(|board, now| board.list.settle(Ok(vec![Deploy::layer("deploy-ml-gateways", 20).listed()].into()), now));
    let effects = console.press("ctrl-d");
    answer(&mut console, asked(&effects), Ok(delete_deployment()));
    golden(&mut console, "change-deployment");
    console.press("s");
    console.wait(Duration::from_secs(1));
    golden(&mut console, "dialog-deployment");
}

#[test]
fn deleting_in_production_wants_the_hub_too() {
    let mut session = session();
    session.production = true;
    let mut console = Console::online_with(session);
    let effects = console.run("delete edge-gateway-001");
    answer(&mut console, asked(&effects), Ok(delete()));
    console.press("s");
    console.wait(Duration::from_secs(1));
    assert!(
        console.screen(120, 36).contains("type \"iothub-production-001/edge-gateway-001\""),
        "{}",
        console.screen(120, 36)
    );
}

#[test]
fn an_answer_to_another_question_is_not_taken() {
    let mut console = Console::online();
    let first = asked(&console.run("delete edge-gateway-001"));
    console.press("esc");
    console.run("enable edge-gateway-001");
    answer(&mut console, first, Ok(delete()));
    assert!(!console.screen(120, 36).contains("its keys"), "{}", console.screen(120, 36));
}

#[test]
fn a_key_hidden_asked_for_shown_and_refused() {
    let mut console = Console::online();
    console.run("connection-string edge-gateway-001");
    golden(&mut console, "key-hidden");
    console.press("R");
    console.wait(Duration::from_secs(1));
    golden(&mut console, "dialog-reveal");
    console.type_in("edge-gateway-001");
    let effects = console.press("tab enter");
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Reveal(device) if device.as_str() == "edge-gateway-001"))
    );
    let secret = || Secret::new("HostName=h;DeviceId=edge-gateway-001;SharedAccessKey=c2VjcmV0");
    let shown = |result| Msg::Revealed(DeviceId::from_wire("edge-gateway-001"), result);
    console.tell(shown(Ok(secret())));
    golden(&mut console, "key-shown");
    console.wait(Duration::from_secs(60));
    assert!(!console.screen(120, 36).contains("c2VjcmV0"));
    // An answer that comes after it was put away is not shown to whoever sits there by then.
    console.tell(shown(Ok(secret())));
    assert!(!console.screen(120, 36).contains("c2VjcmV0"));
}

#[test]
fn a_form_that_was_left_has_what_was_typed_when_it_is_opened_again() {
    let mut console = Console::online();
    console.press("+");
    console.type_in("gw-new");
    console.press("tab space esc");
    assert!(!console.location().contains("form"));
    console.press("+");
    let screen = console.screen(120, 36);
    assert!(screen.contains("gw-new") && screen.contains("[ ] no"), "{screen}");
    // Emptied by hand, it begins anew.
    console.press("tab space shift-tab ctrl-u esc +");
    assert!(console.screen(120, 36).contains("[x] yes"));
    console.press("esc");
    console.run("apply edge-gateway-001");
    assert!(!console.screen(120, 36).contains("gw-new"), "another form is another form");
}
