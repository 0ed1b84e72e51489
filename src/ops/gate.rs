//! The gate: what is refused before anything is sent. The screens hide what would be refused; this refuses it.

use serde_json::Value;

use super::intent::WriteIntent;
use super::request::Write;
use crate::domain::ids::ETag;
use crate::domain::secret::stand_in;
use crate::domain::text::Untrusted;

/// Why a write was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The console was opened read-only.
    #[error("this console is read-only; open it without --read-only, or use a context that may write")]
    ReadOnly,
    /// `$edgeAgent` and `$edgeHub` are written by deployments only (the hub answers 401100).
    #[error("{0} is part of the runtime: its desired properties are written by deployments only")]
    SystemModule(String),
    /// There is no tag to guard with, or the one that guards nothing.
    #[error("the ETag that was read is missing, so the write could overwrite somebody else's; read it again")]
    Unguarded,
    /// The patch is empty.
    #[error("there is nothing to change")]
    Empty,
    /// A mask or a placeholder would become the value at the hub.
    #[error("{0} holds what stands for a secret, not the secret: type the value again")]
    StandIn(String),
    /// The hub's limits.
    #[error("the hub would refuse it: {0}")]
    Limit(String),
    /// The typed confirmation is not what has to be typed.
    #[error("what was typed is not {0}, which confirms it")]
    NotConfirmed(String),
    /// It was asked with less than its danger needs.
    #[error("a change of this kind to {0} is confirmed by typing its name")]
    TooEasy(String),
}

impl Refusal {
    /// Whether the refusal is about rights, rules or confirmation, not about the document: worth remembering.
    #[must_use]
    pub fn is_policy(&self) -> bool {
        matches!(self, Self::ReadOnly | Self::SystemModule(_) | Self::NotConfirmed(_) | Self::TooEasy(_))
    }
}

/// Whether a tag guards anything: a missing one does not, and `*` says that it shall not.
#[must_use]
pub(super) fn guards(etag: &ETag) -> bool {
    !matches!(etag.as_str(), "" | "*")
}

/// Checks an intent.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn check<R: Write>(intent: &WriteIntent<R>, read_only: bool) -> Result<(), Refusal> {
    if read_only {
        return Err(Refusal::ReadOnly);
    }
    if let Some(refusal) = intent.request.refusal() {
        return Err(refusal);
    }
    // Whatever it writes: a mask that was typed, pasted or kept must not become the value at the hub.
    if let Some(Value::Object(body)) = intent.request.http().body
        && let Some(path) = stand_in(&body)
    {
        return Err(Refusal::StandIn(path.shown().into()));
    }
    if intent.level < intent.request.least() {
        return Err(Refusal::TooEasy(intent.request.target().shown().into()));
    }
    match intent.phrase() {
        Some(phrase) if intent.typed.as_deref() != Some(phrase.as_str()) => {
            Err(Refusal::NotConfirmed(Untrusted::from(phrase).shown().into()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{DeviceId, ModuleId, OpId, TwinId};
    use crate::domain::limits::SectionKind;
    use crate::domain::time::{Clock, ManualClock};
    use crate::domain::twin::{Section, Twin};
    use crate::ops::{Level, TwinWrite};
    use serde_json::{Map, json};
    use std::sync::Arc;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn intent(module: &str, etag: &str, wanted: &Value, level: Level) -> Option<WriteIntent<TwinWrite>> {
        let base = Arc::new(Twin {
            id: TwinId::module(DeviceId::from_wire("d"), ModuleId::from_wire(module)),
            etag: ETag::from_wire(etag),
            version: 3,
            status: "enabled".into(),
            connection_state: "Connected".into(),
            last_activity: None,
            tags: Map::new(),
            desired: Section { values: object(&json!({"t": 25.0})), ..Section::default() },
            reported: Section::default(),
            configurations: vec![],
        });
        let now = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()).now();
        let write = TwinWrite::new(&base, SectionKind::Desired, &object(wanted))?;
        Some(WriteIntent::new(OpId(uuid::Uuid::nil()), "h.azure-devices.net", write, level, now))
    }

    #[test]
    fn what_the_gate_refuses() {
        let good = intent("m", "AAA=", &json!({"t": 30.0}), Level::Dialog).unwrap();
        assert_eq!(check(&good, false), Ok(()));
        assert_eq!(check(&good, true), Err(Refusal::ReadOnly));
        for etag in ["", "*"] {
            assert_eq!(check(&intent("m", etag, &json!({}), Level::Dialog).unwrap(), false), Err(Refusal::Unguarded));
        }
        assert!(matches!(
            check(&intent("$edgeHub", "A", &json!({"t": 1}), Level::Dialog).unwrap(), false),
            Err(Refusal::SystemModule(_))
        ));
        assert!(matches!(
            check(&intent("m", "A", &json!({"a.b": 1}), Level::Dialog).unwrap(), false),
            Err(Refusal::Limit(_))
        ));
        for masked in ["********", "HostName=h;SharedAccessKey=********", "<kept: password>"] {
            let refused = check(&intent("m", "A", &json!({"password": masked}), Level::Dialog).unwrap(), false);
            assert_eq!(refused, Err(Refusal::StandIn("/properties/desired/password".into())), "{masked}");
        }
        let mut typed = intent("m", "A", &json!({}), Level::TypedName).unwrap();
        assert!(matches!(check(&typed, false), Err(Refusal::NotConfirmed(_))));
        typed.typed = Some("m".into());
        assert_eq!(check(&typed, false), Ok(()));
        assert!(intent("m", "A", &json!({"t": 25.0}), Level::Dialog).is_none());
    }

    #[test]
    fn a_mask_is_refused_wherever_it_stands() {
        use crate::domain::deployment::{Configuration, TargetCondition};
        use crate::domain::ids::DeploymentId;
        use crate::domain::manifest::Manifest;
        use crate::ops::{DeploymentWrite, Effects};

        let agent =
            json!({"modulesContent": {"$edgeAgent": {"properties.desired.modules.m": {"settings": {"image": "i"}}}}});
        let now = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()).now();
        let wanted = Configuration {
            id: DeploymentId::from_wire("d"),
            priority: 10,
            created: now.wall,
            target: TargetCondition::parse("tags.a = 1").unwrap(),
            content: Arc::new(Manifest::read(&agent).unwrap()),
            labels: std::collections::BTreeMap::new(),
            metrics: std::collections::BTreeMap::new(),
        };
        let of = |wanted: Configuration| {
            let write = DeploymentWrite::create(wanted, Some(1), Effects::None);
            let mut intent = WriteIntent::new(OpId(uuid::Uuid::nil()), "h", write, Level::TypedName, now);
            intent.typed = Some("d".into());
            check(&intent, false)
        };
        assert_eq!(of(wanted.clone()), Ok(()));
        let masked = "tags.apiKey = '********'".to_owned();
        let one = |name: &str, text: &str| std::collections::BTreeMap::from([(name.to_owned(), text.to_owned())]);
        for (wanted, at) in [
            (Configuration { labels: one("token", "********"), ..wanted.clone() }, "/labels/token"),
            (Configuration { target: TargetCondition::parse(&masked).unwrap(), ..wanted.clone() }, "/targetCondition"),
            (
                Configuration { metrics: one("m", &format!("SELECT * FROM devices WHERE {masked}")), ..wanted },
                "/metrics/queries/m",
            ),
        ] {
            assert_eq!(of(wanted), Err(Refusal::StandIn(at.to_owned())));
        }
    }

    #[test]
    fn an_intent_knows_its_body_its_inverse_and_its_az_command() {
        let intent = intent("m", "AAA=", &json!({"t": 30.0, "x": "it's"}), Level::Dialog).unwrap();
        assert_eq!(intent.request.patch.body(), json!({"properties": {"desired": {"t": 30.0, "x": "it's"}}}));
        assert_eq!(intent.request.inverse.body(), json!({"properties": {"desired": {"t": 25.0, "x": null}}}));
        assert_eq!(
            intent.az_equivalent(),
            r#"az iot hub module-twin update -n 'h' -d 'd' -m 'm' --desired '{"t":30.0,"x":"it'\''s"}' --etag 'AAA='"#
        );
    }
}
