//! Creates, changes and deletes deployments. The content of one never changes: a new one takes its place.

use std::sync::Arc;

use serde_json::{Value, json};

use super::effects::Effects;
use super::{Http, Line, ReadBack, Target, Words, Write, quote};
use crate::domain::change::ChangeKind;
use crate::domain::deployment::{Configuration, Deployed, Part};
use crate::domain::ids::DeploymentId;
use crate::domain::manifest::Kind;
use crate::domain::secret::shown;
use crate::domain::text::{Shown, Untrusted};
use crate::hub::configuration_json;
use crate::ops::gate::{Refusal, guards};
use crate::ops::intent::Level;

/// A change of one deployment.
#[derive(Debug, Clone)]
pub struct DeploymentWrite {
    /// Which one.
    pub id: DeploymentId,
    /// What happens to it.
    pub change: DeploymentChange,
    /// Edge devices its condition matches afterwards, where it has one and they were counted.
    pub reaches: Option<u64>,
    /// What that does to devices.
    pub effects: Effects,
}

/// What can happen to a deployment. What exists is guarded with the tag of the one that was read.
#[derive(Debug, Clone)]
pub enum DeploymentChange {
    /// It is created.
    Create {
        /// As it shall be.
        wanted: Arc<Configuration>,
    },
    /// Anything but its content changes.
    Update {
        /// As it was read.
        base: Arc<Deployed>,
        /// As it shall be.
        wanted: Arc<Configuration>,
    },
    /// It goes; its devices fall back to the next deployment that matches them.
    Delete(Arc<Deployed>),
}

impl DeploymentWrite {
    /// Creates `wanted`, which matches that many devices now.
    #[must_use]
    pub fn create(wanted: Configuration, reaches: Option<u64>, effects: Effects) -> Self {
        let id = wanted.id.clone();
        Self { id, change: DeploymentChange::Create { wanted: Arc::new(wanted) }, reaches, effects }
    }

    /// Makes `base` what `wanted` says, which matches that many devices now.
    #[must_use]
    pub fn update(base: Arc<Deployed>, wanted: Configuration, reaches: Option<u64>, effects: Effects) -> Self {
        let id = base.configuration.id.clone();
        Self { id, change: DeploymentChange::Update { base, wanted: Arc::new(wanted) }, reaches, effects }
    }

    /// Deletes the one that was read.
    #[must_use]
    pub fn delete(base: Arc<Deployed>, effects: Effects) -> Self {
        Self { id: base.configuration.id.clone(), change: DeploymentChange::Delete(base), reaches: None, effects }
    }

    fn deleted(&self, base: &Deployed) -> (Vec<Line>, Option<String>) {
        let applied = match base.figures.applied {
            Some(1) => "1 device".to_owned(),
            Some(n) => format!("{n} devices"),
            None => "an unknown number of devices".to_owned(),
        };
        let (name, priority) = (self.id.shown(), base.configuration.priority);
        let head = Line::new(ChangeKind::Remove, format!("- {name}, priority {priority}, applied to {applied}"));
        // Where it is worked out, it is said of each.
        let fall = "they fall back to the next deployment that matches them; without one they keep what they have";
        (vec![head], matches!(self.effects, Effects::Unknown(_)).then(|| fall.to_owned()))
    }

    fn base(&self) -> Option<&Deployed> {
        match &self.change {
            DeploymentChange::Create { .. } => None,
            DeploymentChange::Update { base, .. } | DeploymentChange::Delete(base) => Some(base),
        }
    }

    /// Weighs what was read back; `None` when there is no such deployment. What is there as asked counts as done.
    pub(in crate::ops) fn weigh(&self, found: Option<&Deployed>) -> ReadBack {
        match (&self.change, found) {
            (DeploymentChange::Create { .. }, None) => ReadBack::Unchanged,
            (DeploymentChange::Delete(_), None) => ReadBack::Happened,
            (DeploymentChange::Update { .. }, None) => ReadBack::Undecidable("the deployment is gone"),
            (DeploymentChange::Create { wanted, .. }, Some(found)) => {
                if found.configuration.differences(wanted).is_empty() {
                    ReadBack::Happened
                } else {
                    ReadBack::Overtaken
                }
            }
            (DeploymentChange::Update { base, .. } | DeploymentChange::Delete(base), Some(found))
                if found.etag == base.etag =>
            {
                ReadBack::Unchanged
            }
            // Tags begin anew with every creation: another instant is another deployment of the same id.
            (DeploymentChange::Update { base, .. } | DeploymentChange::Delete(base), Some(found))
                if found.configuration.created != base.configuration.created =>
            {
                ReadBack::Undecidable("the deployment was deleted and made anew since it was read")
            }
            (DeploymentChange::Update { wanted, .. }, Some(found))
                if found.configuration.differences(wanted).is_empty() =>
            {
                ReadBack::Happened
            }
            _ => ReadBack::Overtaken,
        }
    }
}

impl Write for DeploymentWrite {
    fn target(&self) -> Target {
        Target::Deployment(self.id.clone())
    }

    fn verb(&self) -> &'static str {
        match self.change {
            DeploymentChange::Create { .. } => "deployment.create",
            DeploymentChange::Update { .. } => "deployment.update",
            DeploymentChange::Delete(_) => "deployment.delete",
        }
    }

    fn words(&self) -> Words {
        match self.change {
            DeploymentChange::Create { .. } => Words { act: "Create", done: "created" },
            DeploymentChange::Update { .. } => Words { act: "Change", done: "changed" },
            DeploymentChange::Delete(_) => Words { act: "Delete", done: "deleted" },
        }
    }

    /// What changes on how many devices decides; labels and metrics reach none.
    fn least(&self) -> Level {
        if self.effects.is_far(&self.id) {
            return Level::TypedHub;
        }
        match &self.change {
            DeploymentChange::Create { .. } => Level::TypedName,
            DeploymentChange::Update { base, wanted } => {
                let reaching = base.configuration.differences(wanted);
                let reaching = reaching.iter().any(|part| matches!(part, Part::Target | Part::Priority));
                if reaching { Level::TypedName } else { Level::Dialog }
            }
            DeploymentChange::Delete(base) => match base.figures.applied {
                Some(0) => Level::TypedName,
                // Not counted is not none.
                Some(_) | None => Level::TypedHub,
            },
        }
    }

    fn http(&self) -> Http {
        let (method, body) = match &self.change {
            DeploymentChange::Create { wanted, .. } => ("PUT", Some(configuration_json(wanted, None))),
            DeploymentChange::Update { base, wanted } => {
                ("PUT", Some(configuration_json(wanted, base.schema_version.as_ref())))
            }
            DeploymentChange::Delete(_) => ("DELETE", None),
        };
        let path = Shown::composed(format!("/configurations/{}", self.id.shown().as_str()));
        Http { method, path, if_match: self.base().map(|base| base.etag.clone()), body }
    }

    fn lines(&self) -> Vec<Line> {
        let (mut lines, remark) = match &self.change {
            DeploymentChange::Create { wanted } => (described(wanted), Some(matched(self.reaches))),
            DeploymentChange::Update { base, wanted } => {
                let is_for_others = base.configuration.target != wanted.target;
                (differences(&base.configuration, wanted), is_for_others.then(|| matched(self.reaches)))
            }
            DeploymentChange::Delete(base) => self.deleted(base),
        };
        lines.extend(self.effects.lines(&self.id));
        lines.extend(remark.map(Line::remark));
        lines
    }

    /// Of a new one its kind and whom it is for; what it does to devices must not be pushed out by what is in it.
    fn summary(&self) -> Vec<Line> {
        let DeploymentChange::Create { wanted } = &self.change else { return self.lines() };
        let kind = if wanted.kind() == Some(Kind::Layer) { "a layer" } else { "a base" };
        let (priority, target) = (wanted.priority, shown(wanted.target.as_str()));
        let mut lines = vec![Line::new(ChangeKind::Add, format!("+ {kind}, priority {priority}, for {target}"))];
        lines.extend(self.effects.lines(&self.id));
        lines.push(Line::remark(matched(self.reaches)));
        lines
    }

    fn inverse(&self) -> Option<Value> {
        Some(match &self.change {
            DeploymentChange::Create { .. } => json!({ "delete": self.id }),
            DeploymentChange::Update { base, .. } | DeploymentChange::Delete(base) => {
                configuration_json(&base.configuration, base.schema_version.as_ref())
            }
        })
    }

    fn az(&self, hub: &str) -> String {
        let (hub, id) = (quote(hub), quote(self.id.as_str()));
        match &self.change {
            DeploymentChange::Create { wanted, .. } => {
                let layered = if wanted.kind() == Some(Kind::Layer) { " --layered" } else { "" };
                let file = quote(&format!("./{}.json", self.id.as_str()));
                let condition = quote(wanted.target.as_str());
                format!(
                    "az iot edge deployment create -n {hub} -d {id} -k {file} --target-condition {condition} --priority {}{layered}",
                    wanted.priority
                )
            }
            DeploymentChange::Update { base, wanted } => {
                let mut set = String::new();
                for part in base.configuration.differences(wanted) {
                    set.push_str(&match part {
                        Part::Target => format!(" targetCondition={}", quote(wanted.target.as_str())),
                        Part::Priority => format!(" priority={}", wanted.priority),
                        Part::Labels => format!(" labels={}", quote(&json!(wanted.labels).to_string())),
                        Part::Metrics => format!(" metrics.queries={}", quote(&json!(wanted.metrics).to_string())),
                        Part::Content => continue,
                    });
                }
                let etag = quote(base.etag.as_str());
                format!("az iot edge deployment update -n {hub} -d {id} --etag {etag} --set{set}")
            }
            DeploymentChange::Delete(base) => {
                format!("az iot edge deployment delete -n {hub} -d {id} --etag {}", quote(base.etag.as_str()))
            }
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        if self.base().is_some_and(|base| !guards(&base.etag)) {
            return Some(Refusal::Unguarded);
        }
        let wanted = match &self.change {
            DeploymentChange::Delete(_) => return None,
            DeploymentChange::Create { wanted, .. } | DeploymentChange::Update { wanted, .. } => wanted,
        };
        if let DeploymentChange::Update { base, .. } = &self.change {
            let differences = base.configuration.differences(wanted);
            if differences.contains(&Part::Content) {
                let why = "the content of a deployment never changes; create another with a higher priority";
                return Some(Refusal::Limit(why.to_owned()));
            }
            if differences.is_empty() {
                return Some(Refusal::Empty);
            }
        }
        if let Err(error) = DeploymentId::parse(self.id.as_str()) {
            return Some(Refusal::Limit(error.to_string()));
        }
        if let Some(finding) = wanted.content.findings().into_iter().find(|finding| finding.refused()) {
            return Some(Refusal::Limit(finding.to_string()));
        }
        wanted.refusals().first().map(|refusal| Refusal::Limit(refusal.to_string()))
    }
}

fn matched(reaches: Option<u64>) -> String {
    match reaches {
        Some(0) => "its condition matches no device now".to_owned(),
        Some(1) => "its condition matches 1 device now".to_owned(),
        Some(n) => format!("its condition matches {n} devices now"),
        None => "how many devices its condition matches is not known".to_owned(),
    }
}

/// A new deployment, line by line.
fn described(wanted: &Configuration) -> Vec<Line> {
    let kind = match wanted.kind() {
        Some(Kind::Base) => "a base deployment: the complete set of modules",
        Some(Kind::Layer) => "a layer: on top of the base that applies",
        None => "no IoT Edge deployment",
    };
    let add = |text: String| Line::new(ChangeKind::Add, text);
    let mut lines = vec![
        add(format!("+ {kind}")),
        add(format!("+ target condition   {}", shown(wanted.target.as_str()))),
        add(format!("+ priority   {}", wanted.priority)),
    ];
    let modules: Vec<String> = wanted.modules().into_iter().map(|name| Untrusted::from(name).shown().into()).collect();
    lines.push(add(format!("+ modules   {}", if modules.is_empty() { "none".to_owned() } else { modules.join(", ") })));
    lines.extend(wanted.shown_labels().into_iter().map(|label| add(format!("+ label   {label}"))));
    for (name, query) in &wanted.metrics {
        lines.push(add(format!("+ metric {}   {}", shown(name), shown(query))));
    }
    lines
}

fn differences(base: &Configuration, wanted: &Configuration) -> Vec<Line> {
    let replace = |text: String| Line::new(ChangeKind::Replace, text);
    let parts = base.differences(wanted).into_iter();
    parts
        .map(|part| match part {
            Part::Target => replace(format!(
                "~ target condition   {} -> {}",
                shown(base.target.as_str()),
                shown(wanted.target.as_str())
            )),
            Part::Priority => replace(format!("~ priority   {} -> {}", base.priority, wanted.priority)),
            Part::Labels => {
                replace(format!("~ labels   {} -> {}", listed(&base.shown_labels()), listed(&wanted.shown_labels())))
            }
            Part::Metrics => replace(format!(
                "~ metrics   {} -> {}",
                listed(&metrics(&base.metrics)),
                listed(&metrics(&wanted.metrics))
            )),
            Part::Content => replace("~ content, which the hub would not take".to_owned()),
        })
        .collect()
}

fn metrics(queries: &std::collections::BTreeMap<String, String>) -> Vec<String> {
    queries.iter().map(|(name, query)| format!("{}={}", shown(name), shown(query))).collect()
}

fn listed(parts: &[String]) -> String {
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}
