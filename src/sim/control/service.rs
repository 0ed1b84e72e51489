//! The commands after `:sim` that are about the service itself: what it was bought as, how fast it serves, the messages of
//! its day, its clock.

use crate::domain::time::durations;
use crate::sim::hub::{Edition, SimHub, Sku, Temper, TemperStatus};
use crate::sim::words;

use super::CommandError;

/// What is possible, for refusals.
pub(super) const POSSIBLE: &str = "edition F1|B1|B2|B3|S1|S2|S3 [UNITS], temper real|off, throttle on|off, \
    meter on|off|MESSAGES, lag index|links|metrics 5s|0, skew 10m|-10m|0";

/// Carries out a command; nothing when it is none of these.
///
/// # Errors
/// [`CommandError`].
pub(super) fn run(hub: &SimHub, words: &[&str]) -> Result<Option<String>, CommandError> {
    Ok(Some(match words {
        ["edition", rest @ ..] => {
            let edition = edition(rest).map_err(CommandError::Refused)?;
            hub.buy(edition);
            format!("the hub is {}: {} messages a day", named(edition), edition.messages_a_day())
        }
        ["temper", "real"] => {
            hub.behave(|temper| *temper = Temper::REAL);
            "the hub has the service's temper: it throttles, and its day has an end".to_owned()
        }
        ["temper", "off"] => {
            hub.behave(|temper| *temper = Temper::default());
            "the hub is kind: it serves at any rate, and its day has no end".to_owned()
        }
        ["throttle", switch @ ("on" | "off")] => {
            let on = *switch == "on";
            hub.behave(|temper| temper.throttle = on);
            if on { "what comes too fast waits, and then is refused with 429" } else { "nothing comes too fast" }
                .to_owned()
        }
        ["meter", switch @ ("on" | "off")] => {
            let on = *switch == "on";
            hub.behave(|temper| temper.meter = on);
            if on { "a day that is used up ends with 403002" } else { "a day has no end of messages" }.to_owned()
        }
        ["meter", count] => {
            let used = words::messages(count).map_err(CommandError::Refused)?;
            hub.set_used(used);
            let status = hub.temper();
            let note = if status.temper.meter { "" } else { "; the meter is off (`:sim meter on`)" };
            format!("{used} of the day's {} messages are used{note}", status.edition.messages_a_day())
        }
        ["lag", what @ ("index" | "links" | "metrics"), amount] => {
            let lag = words::lag(amount).map_err(CommandError::Refused)?;
            hub.behave(|temper| match *what {
                "index" => temper.index = lag,
                "links" => temper.links = lag,
                _ => temper.metrics = lag,
            });
            let lag = durations::print(lag);
            match *what {
                "index" => format!("queries see what was up to {lag} ago, and some of what is deleted for much longer"),
                "links" => format!("a link that comes or goes is noticed after {lag}"),
                _ => format!("deployments have figures about {lag} after they were looked at"),
            }
        }
        ["skew", by] => {
            let skew = words::skew(by).map_err(CommandError::Refused)?;
            hub.set_skew(skew);
            if skew.is_zero() {
                "the hub's clock is right".to_owned()
            } else {
                format!("the hub's clock is {}: its Date header, and when tokens expire", words::ahead(skew))
            }
        }
        _ => return Ok(None),
    }))
}

/// An edition, and how many units when it is not one.
fn edition(words: &[&str]) -> Result<Edition, String> {
    let (name, units) = match words {
        ["free"] => ("F1", "1"),
        ["paid"] => ("S1", "1"),
        [name] => (*name, "1"),
        [name, units] => (*name, *units),
        _ => return Err("an edition is F1, B1, B2, B3, S1, S2 or S3, and a number of units".to_owned()),
    };
    let sku = Sku::parse(name).ok_or_else(|| {
        format!("`{}` is no edition; there are {}", name.escape_debug(), Sku::ALL.map(Sku::name).join(", "))
    })?;
    let units = units.parse().map_err(|_no_number| format!("`{}` is no number of units", units.escape_debug()))?;
    Edition::new(sku, units)
}

fn named(edition: Edition) -> String {
    let units = edition.units();
    format!("{} with {units} {}", edition.sku().name(), if units == 1 { "unit" } else { "units" })
}

/// What is in force and what was taken, each in a clause; nothing about habits that are off.
pub(super) fn in_force(status: &TemperStatus) -> Vec<String> {
    let mut clauses = vec![named(status.edition)];
    if status.temper.throttle {
        let classes = status.classes.iter().filter(|class| class.turns != crate::sim::hub::Turns::default());
        let class = |class: &crate::sim::hub::ClassStatus| {
            let turns = class.turns;
            format!("{} {} % used, {} late, {} refused", class.class.name(), class.used, turns.late, turns.refused)
        };
        let classes: Vec<String> = classes.map(class).collect();
        clauses.push(match classes.as_slice() {
            [] => "throttles".to_owned(),
            classes => format!("throttles: {}", classes.join(", ")),
        });
    }
    if status.temper.meter {
        let most = status.edition.messages_a_day();
        clauses.push(format!("{} of {most} messages used today, {} requests refused", status.used, status.over_quota));
    }
    if !status.temper.index.is_zero() {
        let lag = durations::print(status.temper.index);
        clauses.push(format!("queries are up to {lag} behind, for {} devices now", status.behind));
    }
    if !status.temper.links.is_zero() {
        clauses.push(format!("links are noticed after {}", durations::print(status.temper.links)));
    }
    if !status.skew.is_zero() {
        clauses.push(format!("its clock is {}", words::ahead(status.skew)));
    }
    clauses
}
