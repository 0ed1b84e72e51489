//! However often somebody looks, the devices are the same: time is brought up to date in one step or in many.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Stage;
use super::stage::{D, Manifest};
use crate::sim::device::{Condition, Pull};

/// What happens to the device, some seconds after the thing before.
#[derive(Debug, Clone)]
enum Event {
    /// Another manifest.
    Deploy(usize),
    /// The threshold of the filter's twin.
    Threshold(u64),
    Network(bool),
    Crash(bool),
    Stop,
    Start,
}

fn manifest(number: usize) -> Value {
    let filter = ["1.1.0", "1.0.0-printed", "1.0.0", "9.9.9"][number % 4];
    let filter = format!("acrproduction001.azurecr.io/temperature-filter:{filter}");
    let sensor = "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0";
    let mut modules = vec![("sensor", sensor), ("filter", filter.as_str())];
    if number.is_multiple_of(3) {
        modules.push(("worker", "alpine:3"));
    }
    let credentials = json!({"acr": {"address": "acrproduction001.azurecr.io", "username": "u", "password": "p"}});
    Manifest::running(&modules).agent("/runtime/settings/registryCredentials", credentials).0
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..12_usize).prop_map(Event::Deploy),
        (20..40_u64).prop_map(Event::Threshold),
        any::<bool>().prop_map(Event::Network),
        any::<bool>().prop_map(Event::Crash),
        Just(Event::Stop),
        Just(Event::Start),
    ]
}

fn happen(stage: &Stage, event: &Event) {
    let crash = Condition::Crashes {
        module: "sensor".to_owned(),
        code: 3,
        after: std::time::Duration::from_secs(7),
        says: String::new(),
    };
    match event {
        Event::Deploy(number) => stage.apply(&manifest(*number)),
        Event::Threshold(threshold) => {
            let path = format!("/twins/{D}/modules/filter");
            stage.caller.send(
                "PATCH",
                &path,
                &[],
                &json!({"properties": {"desired": {"temperatureThreshold": threshold}}}),
            );
        }
        Event::Network(on) => stage.afflict(&Condition::NetworkOff, !on),
        Event::Crash(on) => stage.afflict(&crash, *on),
        Event::Stop => stage.hub().stop(D, true).unwrap(),
        Event::Start => stage.hub().start(D).unwrap(),
    }
}

/// Everything the twins report, with every stamp.
fn shown(stage: &Stage) -> Vec<Value> {
    let rows = stage.caller.query("SELECT * FROM devices.modules");
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| json!([row["moduleId"], row["connectionState"], row["properties"]])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn looking_changes_nothing(
        events in prop::collection::vec((0..200_u64, any_event()), 1..8),
        steps in prop::collection::vec(1..30_u64, 1..20),
        after in 0..900_u64,
    ) {
        let set = || {
            let stage = Stage::with(&manifest(0));
            let pull = Pull::Ready(std::time::Duration::from_secs(400));
            stage.hub().change_registry(|registry| registry.rule("alpine:3", pull));
            stage
        };
        let (seldom, often) = (set(), set());
        let mut steps = steps.into_iter().cycle();
        let mut look = |stage: &Stage, mut seconds: u64| {
            while seconds > 0 {
                let step = steps.next().unwrap().min(seconds);
                stage.pass(step);
                let twin = stage.caller.get(&format!("/twins/{D}/modules/%24edgeAgent"));
                prop_assert!(twin.is_object());
                drop(stage.hub().messages(D));
                seconds -= step;
            }
            Ok(())
        };
        for (wait, event) in &events {
            seldom.pass(*wait);
            look(&often, *wait)?;
            happen(&seldom, event);
            happen(&often, event);
        }
        seldom.pass(after);
        look(&often, after)?;
        prop_assert_eq!(shown(&seldom), shown(&often));
        prop_assert_eq!(seldom.hub().messages(D), often.hub().messages(D));
    }
}
