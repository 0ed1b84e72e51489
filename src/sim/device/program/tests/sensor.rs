//! SimulatedTemperatureSensor.

use serde_json::{Value, json};

use super::super::testing::{Bench, SENSOR, Turned};
use super::{body, text};

fn temperatures(turned: &Turned) -> Vec<f64> {
    turned.sent().iter().map(|(_, message)| body(message)["machine"]["temperature"].as_f64().unwrap()).collect()
}

#[test]
fn the_sensor_says_word_for_word_what_it_does() {
    let mut sensor = Bench::new(SENSOR, &[("MessageCount", "2")]).start();
    assert!(sensor.program.needs_hub() && !sensor.program.listens());
    sensor.seconds(60);
    let lines = sensor.lines();
    assert_eq!(lines[0], "2026-01-02 03:04:05.678 +00:00 SimulatedTemperatureSensor Main() started.");
    assert_eq!(
        lines[1],
        "<6> 2026-01-02 03:04:05.678 +00:00 [INF] - Initializing simulated temperature sensor to send 2 messages, at an \
         interval of 5 seconds.\nTo change this, set the environment variable MessageCount to the number of messages \
         that should be sent (set it to -1 to send unlimited messages)."
    );
    let rest: Vec<&str> = lines[2..].iter().map(|line| text(line)).collect();
    let sent = sensor.sent();
    let body_of = |n: usize| String::from_utf8(sent[n].1.body.clone()).unwrap();
    assert_eq!(
        rest,
        [
            "Trying to initialize module client using transport type [Amqp_Tcp_Only].",
            "Successfully initialized module client of transport type [Amqp_Tcp_Only].",
            &format!("Sending message: 1, Body: [{}]", body_of(0)),
            &format!("Sending message: 2, Body: [{}]", body_of(1)),
            "Done sending 2 messages",
        ]
    );
    assert_eq!((sensor.exit(), sensor.program.wakes_at(), sensor.program.listens()), (None, None, true));
    let (output, message) = sent[0];
    assert_eq!(output, "temperatureOutput");
    assert_eq!(message.content_type.as_deref(), Some("application/json"));
    assert_eq!(message.content_encoding.as_deref(), Some("utf-8"));
    assert_eq!(message.properties[0], ("sequenceNumber".to_owned(), "1".to_owned()));
    assert_eq!(message.properties[1].0, "batchId");
    let keys = body(message);
    assert_eq!(keys.as_object().unwrap().keys().collect::<Vec<_>>(), ["machine", "ambient", "timeCreated"]);
    assert!([24, 25, 26].contains(&keys["ambient"]["humidity"].as_i64().unwrap()));
}

#[test]
fn the_sensor_warms_up_and_jitters_at_the_limit() {
    let mut sensor = Bench::new(SENSOR, &[("messagecount", "-1")]).start();
    sensor.seconds(3_600);
    assert!(sensor.lines()[1].contains("to send unlimited messages"));
    let walk = temperatures(&sensor);
    assert!((710..=721).contains(&walk.len()), "{}", walk.len());
    let mut before = 21.0;
    for temperature in &walk {
        let step = temperature - before;
        let range = if before > 100.0 { -0.5..0.5 } else { -0.25..1.25 };
        assert!(range.contains(&step), "{before} to {temperature}");
        before = *temperature;
    }
    assert!(walk.iter().skip(300).all(|temperature| (95.0..110.0).contains(temperature)));
    for (_, message) in sensor.sent() {
        let body = body(message);
        let (temperature, pressure) =
            (body["machine"]["temperature"].as_f64().unwrap(), body["machine"]["pressure"].as_f64().unwrap());
        assert!((pressure - (1.0 + (temperature - 21.0) * 9.0 / 79.0)).abs() < 1e-9);
        assert!((20.5..21.5).contains(&body["ambient"]["temperature"].as_f64().unwrap()));
    }
}

#[test]
fn the_sensor_obeys_what_is_desired_and_reports_updates_only() {
    let mut sensor = Bench::new(SENSOR, &[]).desired(json!({"SendData": false, "SendInterval": 60, "x": 1})).start();
    sensor.seconds(300);
    assert_eq!(
        sensor.lines().last().map(|line| text(line).to_owned()).as_deref(),
        Some("Sending data disabled. Change twin configuration to start sending again.")
    );
    assert!(sensor.sent().is_empty() && sensor.reported().is_empty());
    assert!(!sensor.program.needs_hub());
    sensor.patch(json!({"SendData": true}));
    sensor.patch(json!({"unrelated": 1}));
    sensor.patch(json!({"SendInterval": 2}));
    sensor.patch(json!({"SendInterval": "soon", "SendData": false}));
    assert_eq!(
        sensor.reported(),
        [
            json!({"SendData": true, "SendInterval": 60}),
            json!({"SendData": true, "SendInterval": 60}),
            json!({"SendData": true, "SendInterval": 2}),
        ]
    );
    // The delay under way ends first.
    sensor.seconds(60);
    let first = sensor.sent().len();
    sensor.seconds(60);
    assert!((29..=31).contains(&(sensor.sent().len() - first)));
    sensor.patch(json!({"SendData": false}));
    assert_eq!(
        sensor.lines().last().map(String::as_str),
        Some("Sending data disabled. Change twin configuration to start sending again.")
    );
}

#[test]
fn the_sensor_reads_what_changed_while_it_came_up() {
    let mut sensor = Bench::new(SENSOR, &[]).start();
    sensor.patch(json!({"SendData": false}));
    sensor.seconds(60);
    assert!(sensor.sent().is_empty() && sensor.reported().is_empty());
}

#[test]
fn the_sensor_is_set_back() {
    let mut sensor = Bench::new(SENSOR, &[("MessageCount", "-1")]).start();
    sensor.seconds(600);
    let warm = temperatures(&sensor).len();
    let reset = sensor.program.method(sensor.now, "reset", &json!(null), &mut sensor.out);
    assert_eq!(reset, Some((200, Value::Null)));
    assert_eq!(sensor.program.method(sensor.now, "restart", &json!(null), &mut sensor.out), None);
    assert_eq!(
        sensor.lines().last().map(String::as_str),
        Some("Received direct method call to reset temperature sensor...")
    );
    sensor.seconds(6);
    assert!(temperatures(&sensor)[warm] < 22.5);
    for (body, resets) in [
        (r#"{"command":"reset"}"#, true),
        (r#"[{"command":"Reset"},{"command":"noOperation"}]"#, true),
        (r#"{"command":1}"#, false),
        (r"{}", true),
        (r#"{"command":"dance"}"#, false),
        ("no json", false),
    ] {
        sensor.seconds(600);
        let warm = temperatures(&sensor).len();
        sensor.message("control", body.as_bytes());
        let said = sensor.lines().iter().rev().take(2).any(|line| line == "Resetting temperature sensor..");
        sensor.seconds(6);
        assert_eq!((said, temperatures(&sensor)[warm] < 22.5), (resets, resets), "{body}");
    }
    sensor.message("elsewhere", b"x");
    assert!(!sensor.lines().last().unwrap().contains("[x]"));
}

#[test]
fn the_sensor_crashes_over_what_dotnet_cannot_convert() {
    for (bench, why) in [
        (
            Bench::new(SENSOR, &[("MessageCount", "many")]),
            "Failed to convert configuration value at 'MessageCount' to type 'System.Int32'.",
        ),
        (
            Bench::new(SENSOR, &[("MessageDelay", "5s")]),
            "Failed to convert configuration value at 'MessageDelay' to type 'System.TimeSpan'.",
        ),
        (Bench::new(SENSOR, &[]).desired(json!({"SendInterval": [5]})), "Unable to cast"),
        (Bench::new(SENSOR, &[]).desired(json!({"SendInterval": -1})), "out of the range of valid values"),
    ] {
        let mut sensor = bench.start();
        sensor.seconds(60);
        assert_eq!(sensor.exit(), Some(134));
        assert!(sensor.errors()[0].starts_with("Unhandled exception. System.AggregateException"), "{why}");
        assert!(sensor.errors()[0].contains(why), "{:?}", sensor.errors());
    }
}

#[test]
fn the_sensor_says_goodbye() {
    let mut sensor = Bench::new(SENSOR, &[]).start();
    sensor.seconds(30);
    let sent = sensor.sent().len();
    let now = sensor.now;
    assert_eq!(sensor.program.stop(now, &mut sensor.out), 0);
    let lines = sensor.lines();
    assert_eq!(text(&lines[lines.len() - 2]), format!("SendEvents has been canceled, sent {sent} messages."));
    assert_eq!(text(&lines[lines.len() - 1]), "SimulatedTemperatureSensor Main() finished.");
}

#[test]
fn a_quieter_and_a_louder_sensor() {
    let mut quiet = Bench::new(SENSOR, &[("RuntimeLogLevel", "warning")]).start();
    quiet.seconds(60);
    assert_eq!((quiet.lines().len(), quiet.sent().len()), (1, 12));
    let mut loud = Bench::new(SENSOR, &[("RuntimeLogLevel", "debug")]).start();
    loud.seconds(10);
    assert!(loud.lines()[3].ends_with(
        "[INF] [SimulatedTemperatureSensor.Program] - Successfully initialized module client of transport type [Amqp_Tcp_Only]."
    ));
}
