//! From what somebody wants to a request: reads the objects it is about as they are now, so that the request is guarded
//! with what was read, and can be looked at before anything is sent. Console and command line prepare alike.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use serde_json::Value;

use super::order::{Amendment, Document, NewDeployment, Order};
use super::request::{DeploymentWrite, DeviceChange, DeviceWrite, ManifestWrite, MethodCall, Request};
use crate::domain::deployment::{Configuration, Deployed, Listed, TargetCondition};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{DeploymentId, DeviceId, TwinId};
use crate::domain::manifest::Manifest;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::time::Now;
use crate::domain::twin::Twin;
use crate::hub::HubRead;

/// More than any manifest has: 50 modules with twins of 32 KB each.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// A request that can be looked at and sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What would be sent.
    pub request: Request,
    /// What is worth knowing and hinders nothing.
    pub warnings: Vec<String>,
}

/// Why there is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unprepared {
    /// What it is about could not be read.
    #[error("{fault}; {advice}", fault = .0, advice = .0.advice())]
    Hub(Fault),
    /// The document cannot be used.
    #[error("{0}")]
    Document(String),
    /// What was asked for cannot be, whoever asks.
    #[error("{0}")]
    Unusable(String),
    /// All of it is so already.
    #[error("{0}; nothing was sent")]
    Nothing(String),
}

impl From<Fault> for Unprepared {
    fn from(fault: Fault) -> Self {
        Self::Hub(fault)
    }
}

/// Reads what `order` is about and makes its request.
///
/// # Errors
/// [`Unprepared`]: the hub's faults, a document that is none, and what there is no need or no way to do.
pub async fn prepare(read: &HubRead, order: &Order, now: Now) -> Result<Prepared, Unprepared> {
    let plain = |request| Ok(Prepared { request, warnings: Vec::new() });
    match order {
        Order::Register { device, edge, enabled } => {
            let change = DeviceChange::Create { edge: *edge, enabled: *enabled };
            match existing(read.device(device).await)? {
                None => plain(device_write(device, change)),
                Some(_) => Err(Unprepared::Unusable(format!("{} is registered already", device.shown()))),
            }
        }
        Order::Enable(device) => {
            let base = Arc::new(read.device(device).await?);
            if base.enabled {
                return Err(Unprepared::Nothing(format!("{} is enabled already", device.shown())));
            }
            plain(device_write(device, DeviceChange::Enable(base)))
        }
        Order::Disable { device, reason } => {
            let base = Arc::new(read.device(device).await?);
            if !base.enabled {
                return Err(Unprepared::Nothing(format!("{} is disabled already", device.shown())));
            }
            plain(device_write(device, DeviceChange::Disable { base, reason: reason.clone() }))
        }
        Order::DeleteDevice(device) => {
            let base = Arc::new(read.device(device).await?);
            // A disabled device does not show its modules to a policy; that is no reason to keep it.
            let modules = match read.modules(device).await {
                Ok(modules) => modules.into_iter().map(|module| module.id).collect(),
                Err(_) if !base.enabled => Vec::new(),
                Err(fault) => return Err(fault.into()),
            };
            plain(device_write(device, DeviceChange::Delete { base, modules }))
        }
        Order::Restart { device, module } => {
            plain(Request::Method(MethodCall::restart(device.clone(), module.clone())))
        }
        Order::Apply { device, manifest } => apply(read, device, manifest).await,
        Order::Create(new) => create(read, new, now).await,
        Order::Amend(id, amendment) => {
            let base = deployed(read, id).await?;
            let wanted = amended(&base.configuration, amendment)?;
            if base.configuration.differences(&wanted).is_empty() {
                return Err(Unprepared::Nothing(format!("{} is so already", id.shown())));
            }
            tested(read, &wanted).await?;
            let mut warnings = Vec::new();
            if amendment.target.is_some() {
                warnings.push(reach_words(reach(read, &wanted.target).await));
            }
            Ok(Prepared { request: Request::Deployment(DeploymentWrite::update(Arc::new(base), wanted)), warnings })
        }
        Order::DeleteDeployment(id) => {
            let base = deployed(read, id).await?;
            plain(Request::Deployment(DeploymentWrite::delete(Arc::new(base))))
        }
    }
}

fn device_write(device: &DeviceId, change: DeviceChange) -> Request {
    Request::Device(DeviceWrite { id: device.clone(), change })
}

async fn apply(read: &HubRead, device: &DeviceId, document: &Document) -> Result<Prepared, Unprepared> {
    let manifest = manifest(document).await?;
    let identity = read.device(device).await?;
    if !identity.edge {
        let why = format!("{} is not an IoT Edge device: only those take manifests", device.shown());
        return Err(Unprepared::Unusable(why));
    }
    let seen = twins(read, device, &manifest).await?;
    let warnings = warnings(&manifest);
    let request = ManifestWrite { device: device.clone(), manifest: Arc::new(manifest), seen };
    if request.applied().is_nothing() {
        return Err(Unprepared::Nothing(format!("{} has all of it already", device.shown())));
    }
    Ok(Prepared { request: Request::Manifest(request), warnings })
}

/// The twins that the manifest writes to, as they are now; a module that does not exist yet has none.
async fn twins(read: &HubRead, device: &DeviceId, manifest: &Manifest) -> Result<Vec<Arc<Twin>>, Fault> {
    let mut twins = Vec::new();
    for (module, _) in &manifest.modules {
        let id = TwinId::module(device.clone(), module.clone());
        twins.extend(existing(read.twin(&id).await)?.map(Arc::new));
    }
    Ok(twins)
}

async fn create(read: &HubRead, new: &NewDeployment, now: Now) -> Result<Prepared, Unprepared> {
    let content = manifest(&new.content).await?;
    let beside = |member: &str| content.beside.get(member);
    let target = match &new.target {
        Some(target) => target.clone(),
        None => beside("targetCondition").and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
            Unprepared::Unusable(
                "no target condition: without one it would be for nobody, and a star is for every edge device"
                    .to_owned(),
            )
        })?,
    };
    let priority = new
        .priority
        .or_else(|| beside("priority").and_then(Value::as_u64).and_then(|priority| u32::try_from(priority).ok()));
    let texts = |value: Option<&Value>| {
        let members = value.and_then(Value::as_object).into_iter().flatten();
        members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    let mut labels: BTreeMap<String, String> = texts(beside("labels"));
    labels.extend(new.labels.clone());
    let mut metrics: BTreeMap<String, String> = texts(beside("metrics").and_then(|metrics| metrics.get("queries")));
    metrics.extend(new.metrics.clone());
    let wanted = Configuration {
        id: new.id.clone(),
        priority: priority.unwrap_or(0),
        created: now.wall,
        target: target_condition(&target)?,
        content: Arc::new(Manifest::from_modules(content.modules)),
        labels,
        metrics,
    };
    if existing(read.configuration(&new.id).await)?.is_some() {
        let why = format!(
            "there is a deployment {} already; its content never changes, so create another with a higher priority",
            new.id.shown()
        );
        return Err(Unprepared::Unusable(why));
    }
    tested(read, &wanted).await?;
    let warnings = warnings(&wanted.content);
    let reaches = reach(read, &wanted.target).await.ok();
    Ok(Prepared { request: Request::Deployment(DeploymentWrite::create(wanted, reaches)), warnings })
}

fn amended(base: &Configuration, amendment: &Amendment) -> Result<Configuration, Unprepared> {
    let mut wanted = base.clone();
    if let Some(target) = &amendment.target {
        wanted.target = target_condition(target)?;
    }
    if let Some(priority) = amendment.priority {
        wanted.priority = priority;
    }
    if let Some(labels) = &amendment.labels {
        wanted.labels.clone_from(labels);
    }
    if let Some(metrics) = &amendment.metrics {
        wanted.metrics.clone_from(metrics);
    }
    Ok(wanted)
}

fn target_condition(text: &str) -> Result<TargetCondition, Unprepared> {
    TargetCondition::parse(text).map_err(|error| {
        Unprepared::Unusable(format!("the target condition cannot be read: {}", Shown::sanitise(&error.to_string())))
    })
}

/// Has the hub look at condition and metrics, which costs nothing, before anything is created.
async fn tested(read: &HubRead, wanted: &Configuration) -> Result<(), Unprepared> {
    let trial = read.test_queries(&wanted.target, &wanted.metrics).await?;
    let unusable =
        |what: &str, why: &Untrusted| Err(Unprepared::Unusable(format!("the hub refuses {what}: {}", why.shown())));
    if let Some(why) = &trial.target {
        return unusable("the target condition", why);
    }
    match trial.metrics.iter().next() {
        Some((name, why)) => unusable(&format!("the metric {}", Untrusted::from(name.as_str()).shown()), why),
        None => Ok(()),
    }
}

/// Edge devices that a condition matches now: one aggregate, one message.
async fn reach(read: &HubRead, target: &TargetCondition) -> Result<u64, Fault> {
    let condition = match target.as_str().trim() {
        "" => return Ok(0),
        _ if target.is_everyone() => String::new(),
        condition => format!(" AND ({condition})"),
    };
    let query = format!("SELECT COUNT() AS devices FROM devices WHERE capabilities.iotEdge = true{condition}");
    let rows = read.query(&query, Some(1)).await?;
    // No row is no device.
    Ok(rows.first().and_then(|row| row.get("devices")).and_then(Value::as_u64).unwrap_or(0))
}

fn reach_words(reach: Result<u64, Fault>) -> String {
    match reach {
        Ok(1) => "its condition will match 1 device".to_owned(),
        Ok(n) => format!("its condition will match {n} devices"),
        Err(fault) => format!("how many devices its condition will match is not known: {fault}"),
    }
}

async fn deployed(read: &HubRead, id: &DeploymentId) -> Result<Deployed, Unprepared> {
    match read.configuration(id).await? {
        Listed::Edge(deployed) => Ok(*deployed),
        Listed::Other(_) => {
            Err(Unprepared::Unusable(format!("{} is no IoT Edge deployment; edgedeck leaves it alone", id.shown())))
        }
    }
}

/// Reads a manifest, away from whoever waits for it.
async fn manifest(document: &Document) -> Result<Manifest, Unprepared> {
    let name = document.shown();
    let text = match document {
        Document::Text(text) => Ok(text.clone()),
        Document::File(path) => {
            let path = path.clone();
            let read = tokio::task::spawn_blocking(move || {
                let mut text = String::new();
                std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text)).map(|_| text)
            });
            read.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
        }
    };
    let text = text.map_err(|error| Unprepared::Document(format!("could not read {name}: {error}")))?;
    Manifest::parse(&text).map_err(|error| {
        let error = Untrusted::from(error.to_string()).shown();
        Unprepared::Document(format!("{name} is no deployment manifest: {error}"))
    })
}

fn warnings(manifest: &Manifest) -> Vec<String> {
    manifest.findings().iter().filter(|finding| !finding.refused()).map(ToString::to_string).collect()
}

fn existing<T>(read: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match read {
        Ok(object) => Ok(Some(object)),
        Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ModuleId;
    use crate::domain::time::{Clock, ManualClock};

    #[tokio::test]
    async fn documents_that_are_none_name_their_place() {
        let wrong = Document::Text("{\"modulesContent\": {\"$edgeAgent\": 3}}".to_owned());
        let Err(Unprepared::Document(why)) = manifest(&wrong).await else { panic!("taken") };
        assert_eq!(
            why,
            "standard input is no deployment manifest: /modulesContent/$edgeAgent: a number stands where an object is needed"
        );
        let missing = Document::File("/nowhere/at/all.json".into());
        let Err(Unprepared::Document(why)) = manifest(&missing).await else { panic!("read") };
        assert!(why.starts_with("could not read /nowhere/at/all.json: "), "{why}");
    }

    #[test]
    fn an_amendment_changes_what_it_names() {
        let base = Configuration {
            id: DeploymentId::from_wire("d"),
            priority: 10,
            created: ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()).now().wall,
            target: TargetCondition::from_wire("tags.a = 1"),
            content: Arc::new(Manifest::from_modules(vec![(ModuleId::edge_agent(), Default::default())])),
            labels: [("a".to_owned(), "b".to_owned())].into(),
            metrics: Default::default(),
        };
        let of = |amendment: Amendment| amended(&base, &amendment);
        assert_eq!(of(Amendment::default()).unwrap(), base);
        let wanted = of(Amendment { priority: Some(20), ..Amendment::default() }).unwrap();
        assert_eq!((wanted.priority, wanted.target.as_str(), wanted.labels.len()), (20, "tags.a = 1", 1));
        let wanted = of(Amendment { labels: Some(Default::default()), ..Amendment::default() }).unwrap();
        assert_eq!((wanted.priority, wanted.labels.len()), (10, 0));
        assert!(matches!(
            of(Amendment { target: Some("tags.a IN ['x']".to_owned()), ..Amendment::default() }),
            Err(Unprepared::Unusable(_))
        ));
    }
}
