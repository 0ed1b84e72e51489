//! Ids, target conditions and metric texts by example.

use serde_json::json;

use super::*;
use crate::domain::query;

fn configuration(content: &serde_json::Value, metrics: usize) -> Configuration {
    Configuration {
        id: DeploymentId::from_wire("a"),
        priority: 0,
        created: Timestamp::UNIX_EPOCH,
        target: TargetCondition::from_wire("*"),
        content: Arc::new(Manifest::read(&json!({"modulesContent": content})).unwrap()),
        labels: BTreeMap::new(),
        metrics: (0..metrics).map(|n| (n.to_string(), String::new())).collect(),
    }
}

#[test]
fn ids_follow_what_the_hub_takes() {
    let long = "a".repeat(129);
    for (text, expected) in [
        ("deploy-tempfilter-building-b1", Ok(())),
        ("a1-+%_*!'", Ok(())),
        ("", Err(DeploymentIdError::Empty)),
        ("Base-1", Err(DeploymentIdError::Capital('B', "base-1".to_owned()))),
        ("base.1", Err(DeploymentIdError::Character('.'))),
        ("base 1", Err(DeploymentIdError::Character(' '))),
        ("bäse", Err(DeploymentIdError::Character('ä'))),
        (long.as_str(), Err(DeploymentIdError::TooLong(129))),
    ] {
        assert_eq!(DeploymentId::parse(text).map(|_| ()), expected, "{text}");
    }
}

#[test]
fn target_conditions_are_less_than_queries() {
    let twin = json!({"deviceId": "d1", "tags": {"site": "B1", "n": 9}, "properties": {"reported": {"v": 2}}});
    for (text, meets) in [
        ("", Ok(Some(false))),
        (" ", Ok(Some(false))),
        ("*", Ok(Some(true))),
        ("tags.site = 'B1'", Ok(Some(true))),
        ("tags.n=9 and IS_DEFINED(tags.site)", Ok(Some(true))),
        ("properties.reported.v >= 3 OR deviceId = 'd2'", Ok(Some(false))),
        ("tags.site IN ['B1']", Err("no IN")),
        ("NOT (tags.site = 'x' OR tags.site NIN ['B1'])", Err("no IN")),
        ("status = 'enabled'", Err("status is out of reach")),
        ("properties.desired.v = 1", Err("properties.desired.v is out of reach")),
        ("tags = 'x'", Err("tags is out of reach")),
        ("tags.site = \"B1\"", Err("single quotes")),
        ("tags.site", Err("compare it")),
    ] {
        match (TargetCondition::parse(text), meets) {
            (Ok(condition), Ok(meets)) => {
                assert_eq!((condition.meets(&twin), condition.as_str()), (meets, text));
                assert_eq!(TargetCondition::from_wire(text), condition);
            }
            (Err(error), Err(part)) => {
                assert!(error.to_string().contains(part), "{text}: {error}");
                let read = TargetCondition::from_wire(text);
                assert_eq!((read.meets(&twin), read.unread(), read.as_str()), (None, Some(&error), text));
            }
            (got, wanted) => panic!("{text}: {got:?}, {wanted:?}"),
        }
    }
}

#[test]
fn metric_queries_are_the_hubs_own_words() {
    let id = DeploymentId::from_wire("besta");
    let metrics = system_metrics(&id, &TargetCondition::from_wire("*"));
    assert_eq!(
        metrics.each_ref().map(|(metric, _)| metric.name()),
        ["targetedCount", "appliedCount", "reportedSuccessfulCount", "reportedFailedCount"]
    );
    assert_eq!(
        metrics.map(|(_, query)| query),
        [
            "select deviceId from devices where capabilities.iotEdge = true",
            "select deviceId from devices.modules where moduleId = '$edgeAgent' and configurations.[[besta]].status = 'Applied'",
            "select deviceId from devices.modules where moduleId = '$edgeAgent' and configurations.[[besta]].status = 'Applied' and properties.desired.$version = properties.reported.lastDesiredVersion and properties.reported.lastDesiredStatus.code = 200",
            "select deviceId from devices.modules where moduleId = '$edgeAgent' and configurations.[[besta]].status = 'Applied' and properties.desired.$version = properties.reported.lastDesiredVersion and properties.reported.lastDesiredStatus.code != 200",
        ]
    );
    let [(_, targeted), ..] = system_metrics(&id, &TargetCondition::from_wire("tags.location='US'"));
    assert_eq!(targeted, "select deviceId from devices where capabilities.iotEdge = true and tags.location='US'");
    let [(_, nobody), ..] = system_metrics(&id, &TargetCondition::from_wire(""));
    assert_eq!(nobody, "");
    for (_, text) in system_metrics(&id, &TargetCondition::from_wire("tags.a = 'b' or tags.c = 1")) {
        assert!(query::parse(&text).is_ok(), "{text}");
    }
}

#[test]
fn modules_are_counted_in_every_spelling_and_limits_are_held() {
    let modules: serde_json::Map<_, _> = (0..51).map(|n| (format!("m{n}"), json!({}))).collect();
    for (content, names) in [
        (json!({"$edgeAgent": {"properties.desired": {"modules": {"a": {}, "b": {}}}}}), 2),
        (json!({"$edgeAgent": {"properties.desired.modules.a": {}, "properties.desired.modules.a.env": {}}}), 1),
        (json!({"$edgeAgent": {"properties.desired.modules": {"a": {}}, "properties.desired.modules.b": {}}}), 2),
        (json!({"$edgeAgent": {}, "a": {"properties.desired": {}}}), 0),
    ] {
        let configuration = configuration(&content, 5);
        assert_eq!(configuration.modules().len(), names, "{content}");
        assert_eq!(configuration.refusals(), [], "{content}");
    }
    let many = configuration(&json!({"$edgeAgent": {"properties.desired": {"modules": modules}}}), 6);
    assert_eq!(many.refusals(), [Refusal::Modules(51), Refusal::Metrics(6)]);
    assert_eq!(configuration(&json!({"m": {}}), 0).refusals(), [Refusal::NoAgent]);
}

#[test]
fn an_or_outside_of_parentheses_tears_the_hubs_query_apart() {
    for (condition, torn) in [
        ("tags.a = 1 OR tags.b = 2", true),
        ("tags.a = 1 AND tags.b = 2 or tags.c = 3", true),
        ("(tags.a = 1 OR tags.b = 2) OR tags.c = 3", true),
        ("(tags.a = 1 OR tags.b = 2)", false),
        ("tags.c = 3 AND (tags.a = 1 OR tags.b = 2)", false),
        ("tags.a = ' OR '", false),
        ("*", false),
        ("", false),
    ] {
        assert_eq!(TargetCondition::from_wire(condition).is_torn_by_or(), torn, "{condition}");
    }
}

#[test]
fn a_condition_on_reports_says_so() {
    assert!(TargetCondition::from_wire("tags.a = 1 AND properties.reported.b = 2").sees_reports());
    assert!(!TargetCondition::from_wire("tags.properties = 1 AND deviceId = 'reported'").sees_reports());
}
