//! Creates, changes and deletes deployments. The content of one never changes: a new one takes its place.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Http, Line, ReadBack, Target, Words, Write, quote};
use crate::domain::change::ChangeKind;
use crate::domain::deployment::{Configuration, Deployed, Part};
use crate::domain::ids::DeploymentId;
use crate::domain::manifest::Kind;
use crate::domain::secret::stand_in;
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
}

/// What can happen to a deployment. What exists is guarded with the tag of the one that was read.
#[derive(Debug, Clone)]
pub enum DeploymentChange {
    /// It is created.
    Create {
        /// As it shall be.
        wanted: Arc<Configuration>,
        /// Edge devices its condition matches now, where that was counted.
        reaches: Option<u64>,
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
    pub fn create(wanted: Configuration, reaches: Option<u64>) -> Self {
        Self { id: wanted.id.clone(), change: DeploymentChange::Create { wanted: Arc::new(wanted), reaches } }
    }

    /// Makes `base` what `wanted` says.
    #[must_use]
    pub fn update(base: Arc<Deployed>, wanted: Configuration) -> Self {
        let id = base.configuration.id.clone();
        Self { id, change: DeploymentChange::Update { base, wanted: Arc::new(wanted) } }
    }

    /// Deletes the one that was read.
    #[must_use]
    pub fn delete(base: Arc<Deployed>) -> Self {
        Self { id: base.configuration.id.clone(), change: DeploymentChange::Delete(base) }
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

    /// What changes on how many devices decides; labels and metrics reach none.
    fn words(&self) -> Words {
        match self.change {
            DeploymentChange::Create { .. } => Words { act: "Create", done: "created" },
            DeploymentChange::Update { .. } => Words { act: "Change", done: "changed" },
            DeploymentChange::Delete(_) => Words { act: "Delete", done: "deleted" },
        }
    }

    fn least(&self) -> Level {
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
        match &self.change {
            DeploymentChange::Create { wanted, reaches } => {
                let mut lines = described(wanted);
                lines.push(Line::remark(match reaches {
                    Some(0) => "its condition matches no device now".to_owned(),
                    Some(1) => "its condition matches 1 device now".to_owned(),
                    Some(n) => format!("its condition matches {n} devices now"),
                    None => "how many devices its condition matches is not known".to_owned(),
                }));
                lines
            }
            DeploymentChange::Update { base, wanted } => differences(&base.configuration, wanted),
            DeploymentChange::Delete(base) => {
                let name = self.id.shown();
                let applied = match base.figures.applied {
                    Some(1) => "1 device".to_owned(),
                    Some(n) => format!("{n} devices"),
                    None => "an unknown number of devices".to_owned(),
                };
                let priority = base.configuration.priority;
                vec![
                    Line::new(ChangeKind::Remove, format!("- {name}, priority {priority}, applied to {applied}")),
                    Line::remark(
                        "they fall back to the next deployment that matches them; without one they keep what they have",
                    ),
                ]
            }
        }
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
        if let Value::Object(content) = wanted.content.to_value()
            && let Some(path) = stand_in(&content)
        {
            return Some(Refusal::StandIn(path.shown().into()));
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
        add(format!("+ target condition   {}", Untrusted::from(wanted.target.as_str()).shown())),
        add(format!("+ priority   {}", wanted.priority)),
    ];
    let modules: Vec<String> = wanted.modules().into_iter().map(|name| Untrusted::from(name).shown().into()).collect();
    lines.push(add(format!("+ modules   {}", if modules.is_empty() { "none".to_owned() } else { modules.join(", ") })));
    for (name, value) in &wanted.labels {
        lines.push(add(format!("+ label {}   {}", shown(name), shown(value))));
    }
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
            Part::Labels => replace(format!("~ labels   {} -> {}", pairs(&base.labels), pairs(&wanted.labels))),
            Part::Metrics => replace(format!("~ metrics   {} -> {}", pairs(&base.metrics), pairs(&wanted.metrics))),
            Part::Content => replace("~ content, which the hub would not take".to_owned()),
        })
        .collect()
}

fn pairs(map: &std::collections::BTreeMap<String, String>) -> String {
    if map.is_empty() {
        return "none".to_owned();
    }
    let pairs: Vec<String> = map.iter().map(|(name, value)| format!("{}={}", shown(name), shown(value))).collect();
    pairs.join(", ")
}

fn shown(text: &str) -> Shown {
    Untrusted::from(text).shown()
}
