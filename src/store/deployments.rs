//! The deployments of the hub, and the devices behind the figure that is on screen.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::details::Fetched;
use crate::domain::deployment::{Deployed, Listed};
use crate::domain::ids::{DeploymentId, DeviceId, ModuleId, natural_cmp};
use crate::domain::json::compact;
use crate::domain::secret::mask_json;

/// Everything read of deployments.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeploymentBoard {
    /// Counts changes.
    pub generation: u64,
    /// The hub's configurations, deployments and others, in natural order of their ids.
    pub list: Fetched<Arc<[Listed]>>,
    /// Rows of queries, by the query's text.
    pub behind: BTreeMap<Arc<str>, Fetched<Arc<Behind>>>,
}

/// The rows of one query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// What was found, each once, in natural order.
    pub found: Vec<Found>,
    /// How much of it there is.
    pub extent: Extent,
}

/// How much of a query's answer was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// These pages so far.
    Pages(usize),
    /// More rows than are kept; the rest was not asked for.
    Cut,
}

/// A row: the device it names, and its module where it names one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Found {
    /// The device; `None` in a row of an author's own metric that names none.
    pub device: Option<DeviceId>,
    /// The module.
    pub module: Option<ModuleId>,
    /// The row as JSON, secrets masked, when it names no device.
    pub text: Option<String>,
}

impl Found {
    /// Reads a row.
    #[must_use]
    pub fn read(row: &Value) -> Self {
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let Some(device) = text("deviceId") else {
            let mut row = row.clone();
            mask_json(&mut row);
            return Self { device: None, module: None, text: Some(compact(&row)) };
        };
        Self {
            device: Some(DeviceId::from_wire(device)),
            module: text("moduleId").map(ModuleId::from_wire),
            text: None,
        }
    }

    /// Puts rows into the order in which people read ids, each once.
    #[must_use]
    pub fn sorted(mut rows: Vec<Self>) -> Vec<Self> {
        let id = |found: &Self| found.device.as_ref().map(|device| device.as_str().to_owned()).unwrap_or_default();
        rows.sort_by(|a, b| natural_cmp(&id(a), &id(b)).then_with(|| a.cmp(b)));
        rows.dedup();
        rows
    }
}

impl DeploymentBoard {
    /// The configuration with this id.
    #[must_use]
    pub fn get(&self, id: &DeploymentId) -> Option<&Listed> {
        self.list.get()?.iter().find(|listed| listed.id() == id)
    }

    /// The deployment with this id; nothing for configurations of another kind.
    #[must_use]
    pub fn deployed(&self, id: &DeploymentId) -> Option<&Deployed> {
        self.edge().find(|deployed| deployed.configuration.id == *id)
    }

    /// Every deployment that can be read.
    pub fn edge(&self) -> impl Iterator<Item = &Deployed> {
        self.list.get().into_iter().flat_map(|list| list.iter()).filter_map(|listed| match listed {
            Listed::Edge(deployed) => Some(&**deployed),
            Listed::Other(_) => None,
        })
    }

    /// Keeps the rows of `keep` queries: `wanted`, which may not have been read yet, and those that were read last.
    pub fn prune(&mut self, keep: usize, wanted: &str) {
        let others = self.behind.iter().filter(|(query, _)| query.as_ref() != wanted);
        let mut by_age: Vec<_> =
            others.map(|(query, read)| (read.as_of().map(|at| at.mono), Arc::clone(query))).collect();
        by_age.sort_by_key(|(read, _)| std::cmp::Reverse(*read));
        for (_, query) in by_age.into_iter().skip(keep.saturating_sub(1)) {
            self.behind.remove(&query);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_name_devices_or_show_themselves_without_secrets() {
        let rows = [
            json!({"deviceId": "gw-10"}),
            json!({"deviceId": "gw-9", "moduleId": "filter"}),
            json!({"deviceId": "gw-10"}),
            json!({"count": 3, "apiToken": "hunter2"}),
        ];
        let sorted = Found::sorted(rows.iter().map(Found::read).collect());
        let shown: Vec<_> = sorted
            .iter()
            .map(|found| (found.device.as_ref().map(DeviceId::as_str), found.module.is_some(), found.text.as_deref()))
            .collect();
        let masked = Some("{\"count\":3,\"apiToken\":\"********\"}");
        assert_eq!(shown, [(None, false, masked), (Some("gw-9"), true, None), (Some("gw-10"), false, None)]);
    }
}
