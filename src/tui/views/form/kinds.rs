//! The forms there are: their fields, and the order that comes of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Field, Values};
use crate::domain::deployment::{MAX_CUSTOM_METRICS, TargetCondition};
use crate::domain::ids::{DeploymentId, DeviceId};
use crate::domain::query;
use crate::ops::{Amendment, Document, NewDeployment, Order};
use crate::tui::shell::Shell;

/// Which form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FormKind {
    /// Registers a device.
    Register,
    /// Gives a device a manifest.
    Apply(DeviceId),
    /// Cuts a device off.
    Disable(DeviceId),
    /// Creates a deployment.
    Deployment,
    /// Changes a deployment, its content excepted.
    Amend(DeploymentId),
}

const CONDITION: &str = "Which devices: tags.location.building = 'B1', or * for every edge device.";
const PRIORITY: &str = "The base with the largest wins; layers above the base, each over the smaller.";
const LABELS: &str = "name=value, separated by commas; may stay empty.";
const METRICS: &str = "Figures of your own, name=query, separated by semicolons, at most 5: hot=SELECT deviceId FROM devices WHERE \
     tags.hot = true. The hub counts the rows of each; may stay empty.";

/// A field, and what is wrong with what stands in it.
type Wrong = (usize, String);

impl FormKind {
    /// What it is for.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Register => "register a device".to_owned(),
            Self::Apply(device) => format!("apply a manifest to {}", device.shown()),
            Self::Disable(device) => format!("disable {}", device.shown()),
            Self::Deployment => "create a deployment".to_owned(),
            Self::Amend(id) => format!("change the deployment {}", id.shown()),
        }
    }

    /// What it is kept under: the command that opens it, where there is one.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Register => "register".to_owned(),
            Self::Apply(device) => format!("apply {}", device.shown()),
            Self::Disable(device) => format!("disable {}", device.shown()),
            Self::Deployment => "deploy".to_owned(),
            Self::Amend(id) => format!("amend {}", id.shown()),
        }
    }

    /// The fields; those about something that exists begin with what it is.
    pub(super) fn fields(&self, shell: &Shell) -> Vec<Field> {
        match self {
            Self::Register => vec![
                Field::text("device id", "Letters, digits and -:.+%_#*?!(),=@;$' and at most 128 of them.", ""),
                Field::choice("IoT Edge", "An IoT Edge device, with edgeAgent and edgeHub.", true),
                Field::choice("enabled", "Whether it may connect; the hub makes its keys in any case.", true),
            ],
            Self::Apply(_) => vec![Field::text(
                "manifest",
                "A deployment manifest (JSON) on this machine. It is read and shown before anything is sent.",
                "",
            )],
            Self::Disable(_) => vec![Field::text(
                "reason",
                "Kept at the hub with the device, at most 128 characters; may stay empty.",
                "",
            )],
            Self::Deployment => vec![
                Field::text("deployment id", "Small letters, digits and -+%_*!' and at most 128 of them.", ""),
                Field::text(
                    "content",
                    "A manifest (JSON) on this machine: complete for a base, keys like \
                     properties.desired.modules.NAME for a layer. It never changes afterwards.",
                    "",
                ),
                Field::text("condition", CONDITION, ""),
                Field::text("priority", PRIORITY, "10"),
                Field::text("labels", LABELS, ""),
                Field::text("metrics", METRICS, ""),
            ],
            Self::Amend(id) => {
                let now = shell.deployments.deployed(id).map(|deployed| &deployed.configuration);
                let named = |pairs: &BTreeMap<String, String>, between: &str| {
                    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    pairs.join(between)
                };
                let labels = now.map(|now| named(&now.labels, ", ")).unwrap_or_default();
                let metrics = now.map(|now| named(&now.metrics, "; ")).unwrap_or_default();
                vec![
                    Field::text("condition", CONDITION, now.map_or("", |now| now.target.as_str())),
                    Field::text("priority", PRIORITY, &now.map_or_else(String::new, |now| now.priority.to_string())),
                    Field::text("labels", LABELS, &labels),
                    Field::text("metrics", METRICS, &metrics),
                ]
            }
        }
    }

    /// What stands in the fields as an order.
    pub(super) fn order(&self, values: &Values<'_>) -> Result<Order, Wrong> {
        match self {
            Self::Register => Ok(Order::Register {
                device: DeviceId::parse(&values.text(0)).map_err(|error| (0, error.to_string()))?,
                edge: values.choice(1),
                enabled: values.choice(2),
            }),
            Self::Apply(device) => Ok(Order::Apply { device: device.clone(), manifest: file(values, 0)? }),
            Self::Disable(device) => {
                let reason = values.text(0);
                if reason.chars().count() > 128 {
                    return Err((0, format!("{} characters; a reason has at most 128", reason.chars().count())));
                }
                Ok(Order::Disable { device: device.clone(), reason: (!reason.is_empty()).then_some(reason) })
            }
            Self::Amend(id) => Ok(Order::Amend(
                id.clone(),
                Amendment {
                    target: values.changed(0).map(|_| condition(values, 0)).transpose()?,
                    priority: values.changed(1).map(|_| priority(values, 1)).transpose()?,
                    labels: values.changed(2).map(|text| pairs(&text).map_err(|why| (2, why))).transpose()?,
                    metrics: values.changed(3).map(|text| metrics(&text).map_err(|why| (3, why))).transpose()?,
                },
            )),
            Self::Deployment => Ok(Order::Create(Box::new(NewDeployment {
                id: DeploymentId::parse(&values.text(0)).map_err(|error| (0, error.to_string()))?,
                content: file(values, 1)?,
                target: Some(condition(values, 2)?),
                priority: Some(priority(values, 3)?),
                labels: pairs(&values.text(4)).map_err(|why| (4, why))?,
                metrics: metrics(&values.text(5)).map_err(|why| (5, why))?,
            }))),
        }
    }
}

fn condition(values: &Values<'_>, field: usize) -> Result<String, Wrong> {
    let target = values.text(field);
    TargetCondition::parse(&target).map_err(|error| (field, error.to_string()))?;
    if target.is_empty() {
        return Err((field, "an empty condition is for nobody; * is for every edge device".to_owned()));
    }
    Ok(target)
}

fn priority(values: &Values<'_>, field: usize) -> Result<u32, Wrong> {
    values.text(field).parse().map_err(|_not_whole| (field, "a whole number from 0 on".to_owned()))
}

/// A file by its path. A leading `~/` is the home folder only to a shell: said, not guessed.
fn file(values: &Values<'_>, field: usize) -> Result<Document, Wrong> {
    let path = values.text(field);
    if path.is_empty() {
        return Err((field, "which file? a path from the folder edgedeck was started in, or from /".to_owned()));
    }
    if path.starts_with('~') {
        return Err((field, "~ is the shell's; write the path out".to_owned()));
    }
    Ok(Document::File(PathBuf::from(path)))
}

/// `a=b, c=d`.
fn pairs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut pairs = BTreeMap::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                if pairs.insert(name.trim().to_owned(), value.trim().to_owned()).is_some() {
                    return Err(format!("{} is named twice", name.trim()));
                }
            }
            _ => return Err("labels are name=value, separated by commas".to_owned()),
        }
    }
    Ok(pairs)
}

/// `a=SELECT …; b=SELECT …`. Each query is read here: a hub that refuses one does not say why.
fn metrics(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut metrics = BTreeMap::new();
    for part in statements(text).into_iter().map(str::trim).filter(|part| !part.is_empty()) {
        let Some((name, query)) = part.split_once('=').map(|(name, query)| (name.trim(), query.trim())) else {
            return Err("metrics are name=query, separated by semicolons".to_owned());
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(format!("{part}: a name without blanks stands before the first =, the query after it"));
        }
        query::parse(query).map_err(|error| format!("{name}: {error}"))?;
        if metrics.insert(name.to_owned(), query.to_owned()).is_some() {
            return Err(format!("{name} is named twice"));
        }
    }
    if metrics.len() > MAX_CUSTOM_METRICS {
        return Err(format!("{} metrics; a deployment has at most {MAX_CUSTOM_METRICS}", metrics.len()));
    }
    Ok(metrics)
}

/// What stands between semicolons outside of quotes.
fn statements(text: &str) -> Vec<&str> {
    let mut quote = None;
    text.split(move |c: char| {
        match quote {
            Some(open) if open == c => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            _ => {}
        }
        c == ';' && quote.is_none()
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_as_they_are_typed() {
        let of = |text: &str| metrics(text).map(|metrics| metrics.into_iter().collect::<Vec<_>>());
        let owned = |name: &str, query: &str| (name.to_owned(), query.to_owned());
        assert_eq!(of(" ; "), Ok(vec![]));
        let (a, b) = ("SELECT deviceId FROM devices WHERE tags.a = 'x;y'", "SELECT * FROM devices.modules");
        assert_eq!(of(&format!("a = {a}; b={b};")), Ok(vec![owned("a", a), owned("b", b)]));
        for (wrong, why) in [
            ("SELECT deviceId", "metrics are name=query, separated by semicolons"),
            ("hot=SELEC deviceId FROM devices", "hot: expected SELECT, but SELEC stands here (at character 1)"),
            (
                "SELECT deviceId FROM devices WHERE a = 1",
                "SELECT deviceId FROM devices WHERE a = 1: a name without blanks stands before the first =, the query after it",
            ),
            ("a=SELECT * FROM devices; a=SELECT * FROM devices", "a is named twice"),
        ] {
            assert_eq!(of(wrong), Err(why.to_owned()));
        }
        let six: Vec<String> = (0..6).map(|n| format!("m{n}=SELECT * FROM devices")).collect();
        assert!(of(&six.join(";")).is_err());
    }

    #[test]
    fn labels_as_they_are_typed() {
        let of = |text: &str| pairs(text).map(|pairs| pairs.into_iter().collect::<Vec<_>>());
        let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(of(""), Ok(vec![]));
        assert_eq!(of(" a=b , c = d=e,"), Ok(vec![owned("a", "b"), owned("c", "d=e")]));
        assert!(of("a").is_err() && of("=b").is_err() && of("a=1,a=2").is_err());
    }
}
