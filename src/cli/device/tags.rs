//! `edgedeck device set-tags`: tags by name, without writing a merge patch.

use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value};

use crate::cli::answer::{Answer, Failure};
use crate::cli::ask::Asker;
use crate::cli::site::Site;
use crate::cli::target::device_id;
use crate::cli::write::{self, WriteArgs};
use crate::domain::ids::{DeviceId, TwinId};
use crate::domain::json::parse_strict;
use crate::domain::limits::SectionKind;
use crate::domain::patch::apply;
use crate::domain::text::Shown;
use crate::ops::TwinWrite;

/// What `device set-tags` takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
A dot goes one level down. A value that reads as a JSON number, true, false, list or object is that; anything else is text.

Examples:
  edgedeck device set-tags edge-gateway-001 location.building=B1 role=gateway
  edgedeck device set-tags edge-gateway-001 floor=\\\"3\\\" old-")]
pub struct TagsArgs {
    /// The device
    #[arg(value_name = "ID", value_parser = device_id)]
    pub device: DeviceId,
    /// Tags to set, or with a trailing - to remove
    #[arg(value_name = "PATH=VALUE | PATH-", required = true, value_parser = tag)]
    pub tags: Vec<Tag>,
    /// How it is confirmed and recorded.
    #[command(flatten)]
    pub write: WriteArgs,
}

/// One tag as it was typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Tag {
    path: Vec<String>,
    /// `null` removes.
    value: Value,
}

pub(super) async fn run(site: &Site, args: &TagsArgs, asker: Asker) -> Result<Answer, Failure> {
    let base = Arc::new(site.hub.read.twin(&TwinId::device(args.device.clone())).await?);
    let mut wanted = base.tags.clone();
    apply(&mut wanted, &merged(&args.tags)?);
    let Some(request) = TwinWrite::new(&base, SectionKind::Tags, &wanted) else {
        asker.say(&format!("{} has these tags already; nothing was sent", args.device.shown()));
        let table = format!("{} has these tags already\n", args.device.shown());
        return Ok(Answer::new("DeviceChange", site.clock.now().wall, vec![], table));
    };
    let intent = write::intent(site, &args.write, request);
    let ended = write::carry_out(site, &args.write, intent.clone(), asker, write::plainly).await?;
    Ok(write::answer(site, "DeviceChange", "DEVICE", &intent, &ended))
}

/// All of them as one merge patch.
fn merged(tags: &[Tag]) -> Result<Map<String, Value>, Failure> {
    let mut patch = Map::new();
    for tag in tags {
        let clash = || {
            let path = Shown::sanitise(&tag.path.join("."));
            Failure::usage(format!("{path} is named twice, as a value and with something below it"))
        };
        let mut at = &mut patch;
        let Some((last, above)) = tag.path.split_last() else { continue };
        for key in above {
            let below = at.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
            at = below.as_object_mut().ok_or_else(clash)?;
        }
        if at.insert(last.clone(), tag.value.clone()).is_some() {
            return Err(clash());
        }
    }
    Ok(patch)
}

fn tag(text: &str) -> Result<Tag, String> {
    let (path, value) = match text.split_once('=') {
        Some((path, value)) => (
            path,
            parse_strict(value)
                .ok()
                .filter(|value| !value.is_null() && !value.is_string())
                .unwrap_or_else(|| literal(value)),
        ),
        None => match text.strip_suffix('-') {
            Some(path) => (path, Value::Null),
            None => return Err("a tag is PATH=VALUE, or PATH- to remove it".to_owned()),
        },
    };
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        return Err("a path has a name before, between and after its dots".to_owned());
    }
    Ok(Tag { path, value })
}

/// Text as it was typed; in quotes it is text whatever is in it.
fn literal(text: &str) -> Value {
    match parse_strict(text) {
        Ok(Value::String(quoted)) => Value::String(quoted),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tags_as_they_are_typed() {
        for (typed, path, value) in [
            ("role=gateway", "role", json!("gateway")),
            ("location.building=B1", "location.building", json!("B1")),
            ("n=3", "n", json!(3)),
            ("n=\"3\"", "n", json!("3")),
            ("on=true", "on", json!(true)),
            ("list=[1,2]", "list", json!([1, 2])),
            ("empty=", "empty", json!("")),
            ("word=null", "word", json!("null")),
            ("eq=a=b", "eq", json!("a=b")),
            ("old-", "old", Value::Null),
            ("a-b=c-", "a-b", json!("c-")),
        ] {
            let tag = tag(typed).unwrap();
            assert_eq!((tag.path.join(".").as_str(), &tag.value), (path, &value), "{typed}");
        }
        for wrong in ["role", "", "=x", "a..b=1", ".a=1", "a.=1", "-"] {
            assert!(tag(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn together_they_are_one_patch() {
        let of = |typed: &[&str]| merged(&typed.iter().map(|text| tag(text).unwrap()).collect::<Vec<_>>());
        let patch = of(&["location.building=B1", "location.floor=3", "old-"]).unwrap();
        assert_eq!(Value::Object(patch), json!({"location": {"building": "B1", "floor": 3}, "old": null}));
        for clash in [&["a=1", "a=2"][..], &["a=1", "a.b=2"], &["a.b=2", "a=1"]] {
            assert!(of(clash).is_err(), "{clash:?}");
        }
    }
}
