//! What comes behind: queries, figures, and whether somebody is connected.

use super::*;

fn lagging(change: fn(&mut Temper)) -> (Caller, Arc<ManualClock>) {
    let mut temper = Temper::default();
    change(&mut temper);
    hub(Sku::S1, temper)
}

fn listed(caller: &Caller) -> Vec<String> {
    let rows = caller.query("SELECT deviceId FROM devices");
    rows.as_array().unwrap().iter().map(|row| row["deviceId"].as_str().unwrap().to_owned()).collect()
}

/// As recorded: a bulk shows up piece by piece, and what is deleted is still listed, while each is there or gone when it is
/// read by its id.
#[test]
fn queries_do_not_see_what_was_just_made_and_see_what_is_gone() {
    let (caller, clock) = lagging(|temper| temper.index = Duration::from_secs(5));
    clock.advance(Duration::from_secs(5));
    let items: Vec<Value> = (0..40).map(|n| json!({"id": format!("b{n}"), "importMode": "create"})).collect();
    assert_eq!(caller.send("POST", "/devices", &[], &Value::Array(items)).status, 200);
    assert_eq!(listed(&caller), ["d"], "none of them yet");
    assert_eq!(caller.get("/devices/b3")["deviceId"], "b3");
    clock.advance(Duration::from_secs(3));
    let some = listed(&caller).len();
    assert!((2..41).contains(&some), "piece by piece: {some}");
    clock.advance(Duration::from_secs(2));
    assert_eq!(listed(&caller).len(), 41);
    for n in 0..40 {
        assert_eq!(caller.send("DELETE", &format!("/devices/b{n}"), &[("If-Match", "*")], &Value::Null).status, 204);
    }
    assert_eq!(listed(&caller).len(), 41, "ghosts");
    assert_eq!(caller.send("GET", "/twins/b3", &[], &Value::Null).status, 404);
    let counted = caller.query("SELECT COUNT() AS n FROM devices");
    assert_eq!(counted[0]["n"], 41, "aggregates see the same");
    clock.advance(Duration::from_secs(5));
    let haunting = listed(&caller).len();
    assert!((2..16).contains(&haunting), "some haunt on: {haunting}");
    clock.advance(Duration::from_secs(1_500));
    assert_eq!(listed(&caller), ["d"]);
    assert_eq!(caller.hub.temper().behind, 0);
}

/// A query over pages is in the order of ids with ghosts in it, and each row comes once.
#[test]
fn pages_go_on_behind_ghosts() {
    let (caller, clock) = lagging(|temper| temper.index = Duration::from_secs(5));
    let items: Vec<Value> = (0..9).map(|n| json!({"id": format!("b{n}"), "importMode": "create"})).collect();
    assert_eq!(caller.send("POST", "/devices", &[], &Value::Array(items)).status, 200);
    clock.advance(Duration::from_secs(5));
    for gone in ["b1", "b3", "b4", "b8", "d"] {
        assert_eq!(caller.send("DELETE", &format!("/devices/{gone}"), &[("If-Match", "*")], &Value::Null).status, 204);
    }
    let mut ids = Vec::new();
    let mut token = String::new();
    loop {
        let headers = [("x-ms-continuation", token.as_str()), ("x-ms-max-item-count", "2")];
        let page = caller.send("POST", "/devices/query", &headers, &json!({"query": "SELECT * FROM devices"}));
        ids.extend(page.body.as_array().unwrap().iter().map(|row| row["deviceId"].as_str().unwrap().to_owned()));
        match page.header("x-ms-continuation") {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(ids, ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "d"]);
}

/// Twins too are what they were, and what is read by id is what it is.
#[test]
fn queries_see_twins_as_they_were() {
    let (caller, clock) = lagging(|temper| temper.index = Duration::from_secs(5));
    clock.advance(Duration::from_secs(5));
    let building = |value: &str| {
        caller.send("PATCH", "/twins/d", &[], &json!({"tags": {"building": value}}));
        caller.query(&format!("SELECT * FROM devices WHERE tags.building = '{value}'")).as_array().unwrap().len()
    };
    assert_eq!(building("B1"), 0);
    clock.advance(Duration::from_secs(5));
    assert_eq!(caller.query("SELECT * FROM devices WHERE tags.building = 'B1'").as_array().unwrap().len(), 1);
    assert_eq!((building("B2"), caller.get("/twins/d")["tags"]["building"].clone()), (0, json!("B2")));
    caller.hub.behave(|temper| temper.index = Duration::ZERO);
    assert_eq!(caller.query("SELECT * FROM devices WHERE tags.building = 'B2'").as_array().unwrap().len(), 1);
}

#[test]
fn figures_come_as_late_as_they_are_told() {
    let (caller, clock) = lagging(|temper| temper.metrics = Duration::from_secs(100));
    let body = json!({"content": {"deviceContent": {"properties.desired.a": 1}}, "targetCondition": "*"});
    assert_eq!(caller.send("PUT", "/configurations/c", &[], &body).status, 200);
    let applied = || caller.get("/configurations/c")["systemMetrics"]["results"]["appliedCount"].clone();
    clock.advance(Duration::from_secs(6));
    assert_eq!((applied(), caller.get("/twins/d")["properties"]["desired"]["a"].clone()), (Value::Null, json!(1)));
    clock.advance(Duration::from_secs(70));
    assert_eq!(applied(), Value::Null);
    clock.advance(Duration::from_secs(50));
    assert_eq!(applied(), 1);
}

#[test]
fn a_link_that_comes_or_goes_is_noticed_later() {
    let (caller, clock) = lagging(|temper| temper.links = Duration::from_secs(60));
    let connected = || caller.get("/statistics/service")["connectedDeviceCount"].clone();
    let link = |on: bool| {
        let (mut state, now) = caller.hub.present();
        let lag = state.service.temper.links;
        state.devices.get_mut("d").unwrap().identity.link(on, lag, now);
    };
    link(true);
    let before = caller.get("/devices/d");
    assert_eq!((connected(), &before["connectionState"]), (json!(0), &json!("Disconnected")));
    assert_eq!(before["connectionStateUpdatedTime"], "0001-01-01T00:00:00Z");
    clock.advance(Duration::from_secs(60));
    assert_eq!((connected(), &caller.get("/twins/d")["connectionState"]), (json!(1), &json!("Connected")));
    link(false);
    clock.advance(Duration::from_secs(30));
    assert_eq!(connected(), 1);
    link(true);
    clock.advance(Duration::from_secs(60));
    assert_eq!(connected(), 1, "it was never seen to be away");
}
