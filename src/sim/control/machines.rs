//! The commands after `:sim` that are about machines, one or all, and about the registries their images come from.

use std::time::Duration;

use crate::domain::routes::Sink;
use crate::sim::device::{Access, Condition, Counts, MachineSpec, Messages, Tally};
use crate::sim::hub::SimHub;
use crate::sim::words;

use super::CommandError;

/// What is possible, for refusals.
pub(super) const POSSIBLE: &str = "net on|off DEVICE, provision DEVICE, stop|start DEVICE, power on|off DEVICE, \
    fault DEVICE WHAT, heal DEVICE, copy DEVICE, messages [DEVICE], image NAME ok|missing|refused|hangs|slow, registry HOST open|closed";

/// How long `messages` counts over a large fleet before it says what it knows.
const PATIENCE: Duration = Duration::from_secs(2);

/// Carries out one of these commands and says what it did; nothing when it is none.
///
/// # Errors
/// [`CommandError`].
pub(super) fn run(hub: &SimHub, words: &[&str]) -> Result<Option<String>, CommandError> {
    Ok(Some(match words {
        ["net", "off", device] => {
            hub.afflict(device, &Condition::NetworkOff, true)?;
            format!("{device} has no network until `:sim net on {device}`; its modules run on")
        }
        ["net", "on", device] => {
            hub.afflict(device, &Condition::NetworkOff, false)?;
            format!("{device} has its network back and is linked within seconds")
        }
        ["provision", device] => {
            hub.provision(device, MachineSpec::default())?;
            format!("the runtime was installed for {device}; edgeAgent starts within seconds")
        }
        ["stop", device] => {
            hub.stop(device, true)?;
            format!("the runtime of {device} was stopped in order until `:sim start {device}`")
        }
        ["power", "off", device] => {
            hub.stop(device, false)?;
            format!("the power of {device} was cut, and nobody could say so; `:sim power on {device}`")
        }
        ["start", device] | ["power", "on", device] => {
            hub.start(device)?;
            format!("the runtime of {device} starts; edgeAgent follows within seconds")
        }
        ["fault", device, what @ ..] => {
            let text = what.join(" ");
            let unknown = || refused(format!("`{text}` is no fault; possible are: {}", words::FAULTS));
            hub.afflict(device, &words::condition(what).ok_or_else(unknown)?, true)?;
            format!("{device} has a fault: {text}; `:sim heal {device}` takes it away")
        }
        ["heal", device] => {
            hub.heal(device)?;
            format!("nothing is wrong with {device} any more")
        }
        ["messages"] => of_all(&hub.tally(PATIENCE)),
        ["messages", device] => describe(device, &hub.messages(device)?),
        ["copy", device] => {
            hub.copy(device)?;
            format!("a second machine has the identity of {device}; the two push each other out")
        }
        ["image", name, what] => {
            let unknown = || refused(format!("`{what}` is nothing a pull can come to; possible are: {}", words::PULLS));
            let pull = words::pull(what).ok_or_else(unknown)?;
            hub.change_registry(|registry| registry.rule(name, pull));
            format!("pulls of {name} from now on: {what}")
        }
        ["registry", host, "open"] => {
            hub.change_registry(|registry| registry.restrict(host, Access::Open));
            format!("everybody may pull from {host}")
        }
        ["registry", host, "closed"] => {
            hub.change_registry(|registry| registry.restrict(host, Access::Nobody));
            format!("{host} takes no password any more, as after a rotation")
        }
        _ => return Ok(None),
    }))
}

fn refused(text: String) -> CommandError {
    CommandError::Refused(text)
}

/// `sent`, then what became of the copies for each endpoint, then the queues in which some wait.
fn describe(device: &str, messages: &Messages) -> String {
    let Messages { counts, queues } = messages;
    let fates = fates(counts);
    let waiting = queues.iter().filter(|queue| queue.queued > 0).map(|queue| {
        let endpoint = match &queue.endpoint {
            Sink::Upstream => "$upstream".to_owned(),
            Sink::Module { module, input } => format!("{module}/{input}"),
        };
        format!(
            "; {} wait for {endpoint} ({} expired there, {} delivered)",
            queue.queued, queue.expired, queue.delivered
        )
    });
    format!("{device}: {} messages sent, {}{}", counts.sent, fates, waiting.collect::<String>())
}

fn fates(counts: &Counts) -> String {
    let fates = [
        ("delivered", counts.delivered),
        ("queued", counts.queued),
        ("expired", counts.expired),
        ("without a route", counts.no_route),
        ("refused", counts.refused),
        ("lost", counts.lost),
    ];
    fates.map(|(fate, count)| format!("{count} {fate}")).join(", ")
}

/// All machines together, and how far that can be relied on.
fn of_all(tally: &Tally) -> String {
    let Tally { counts, machines, asleep, age, dark } = tally;
    let mut text = format!("{machines} machines: {} messages sent, {}", counts.sent, fates(counts));
    if !dark.is_empty() {
        text.push_str(&format!("; {} without a network", dark.len()));
    }
    if *asleep > 0 {
        text.push_str(&format!("; {asleep} more were not counted, nothing has happened to them"));
    }
    if age.as_secs() >= 10 {
        text.push_str(&format!("; the oldest figures are {} s old", age.as_secs()));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::domain::time::{ManualClock, SharedClock};
    use crate::sim::hub::Seed;
    use crate::sim::hub::testing::Caller;
    use crate::sim::scenario::Scenario;

    /// Nobody has looked at any of them: the totals are those of each, and who has no network keeps its messages.
    #[test]
    fn the_messages_of_all_are_those_of_each_and_wait_where_there_is_no_network() {
        let clock = ManualClock::at("2026-03-04T05:06:07Z".parse().unwrap());
        let shared: SharedClock = clock.clone();
        let hub = Scenario::Default.build(Seed::fixed(7), Arc::clone(&shared), shared);
        let before = hub.tally(PATIENCE);
        run(&hub, &["net", "off", "edge-gateway-101"]).unwrap();
        clock.advance(Duration::from_secs(600));
        let tally = hub.tally(PATIENCE);
        assert_eq!(tally.age, Duration::ZERO, "all were looked at");
        assert!(tally.counts.sent > before.counts.sent);
        let ids = (101..=112).chain(201..=212).map(|number| format!("edge-gateway-{number}"));
        let mut sent = 0;
        for id in ids.chain(["edge-gateway-001".to_owned()]) {
            sent += hub.messages(&id).map_or(0, |messages| messages.counts.sent);
        }
        assert_eq!(tally.counts.sent, sent);
        let queued = hub.messages("edge-gateway-101").unwrap().counts.queued;
        let dark: Vec<_> = tally.dark.iter().filter(|dark| dark.device == "edge-gateway-101").collect();
        assert_eq!((dark.len(), dark[0].dark_for, dark[0].queued), (1, Duration::from_secs(600), queued));
        assert!(queued > 0);
        run(&hub, &["net", "on", "edge-gateway-101"]).unwrap();
        clock.advance(Duration::from_secs(60));
        let after = hub.tally(PATIENCE);
        assert!(after.dark.iter().all(|dark| dark.device != "edge-gateway-101"));
        assert!(after.counts.delivered >= tally.counts.delivered + queued);
    }

    #[test]
    fn each_command_says_what_it_did_or_what_is_possible() {
        let clock = ManualClock::at("2026-03-04T05:06:07Z".parse().unwrap());
        let shared: SharedClock = clock.clone();
        let hub = Scenario::Default.build(Seed::fixed(7), Arc::clone(&shared), shared);
        let say = |text: &str| run(&hub, &text.split(' ').collect::<Vec<_>>()).map(Option::unwrap);
        for (text, part) in [
            ("net off edge-gateway-101", "until `:sim net on edge-gateway-101`"),
            ("net on edge-gateway-101", "linked within seconds"),
            ("provision edge-gateway-113", "edgeAgent starts within seconds"),
            ("stop edge-gateway-102", "until `:sim start edge-gateway-102`"),
            ("start edge-gateway-102", "follows within seconds"),
            ("power off edge-gateway-103", "nobody could say so"),
            ("power on edge-gateway-103", "starts"),
            ("fault edge-gateway-105 crash temperatureFilter 3", "a fault: crash temperatureFilter 3"),
            ("heal edge-gateway-105", "nothing is wrong"),
            ("copy edge-gateway-106", "push each other out"),
            ("messages edge-gateway-101", "edge-gateway-101: "),
            ("messages", "machines: "),
            ("image alpine slow", "from now on: slow"),
            ("registry acrproduction001.azurecr.io closed", "as after a rotation"),
        ] {
            let said = say(text).expect(text);
            assert!(said.contains(part), "{text}: {said}");
        }
        for (text, part) in [
            ("net off nobody", "there is no device nobody"),
            ("provision sensor-vibration-101", "is no edge device"),
            ("messages sensor-vibration-101", "has no machine"),
            ("fault edge-gateway-105 fire", "possible are: agent-hung"),
            ("image alpine burnt", "possible are: ok, missing"),
        ] {
            let said = say(text).expect_err(text).to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
        assert_eq!(run(&hub, &["explode"]), Ok(None));
        // And it is so.
        clock.advance(Duration::from_secs(120));
        let caller = Caller::new(hub);
        let code = |device: &str| {
            let twin = caller.get(&format!("/twins/{device}/modules/%24edgeAgent"));
            twin["properties"]["reported"]["lastDesiredStatus"]["code"].clone()
        };
        assert_eq!([code("edge-gateway-102"), code("edge-gateway-103")], [200, 200].map(Value::from));
        // The registry was closed before the new gateway could pull.
        assert_eq!(code("edge-gateway-113"), 500);
    }
}
