//! What becomes of a twin's desired properties when the hub evaluates its deployments again.

use serde_json::{Map, Value};

use super::merge::{place, remove};
use super::{Effective, MergedTwin};

impl Effective {
    /// The desired properties of a module's twin after the evaluation; equal to `current` when there is nothing to
    /// write.
    ///
    /// A whole section replaces everything. Otherwise what deployments own is set, what they owned `before` and own no
    /// longer is removed, and what somebody put beside it stays. A device without a base keeps its twins as they are,
    /// and so does a module that no deployment names any longer. That single paths are removed while others stay owned
    /// is inferred.
    #[must_use]
    pub fn desired_after(
        &self,
        before: Option<&Self>,
        module: &str,
        current: &Map<String, Value>,
    ) -> Map<String, Value> {
        match self.twin(module) {
            Some(twin) => take_over(current, before.and_then(|before| before.twin(module)), twin),
            None => current.clone(),
        }
    }
}

impl MergedTwin {
    /// The desired properties after one content was applied to a twin that no deployment owned.
    #[must_use]
    pub fn applied_to(&self, current: &Map<String, Value>) -> Map<String, Value> {
        take_over(current, None, self)
    }
}

fn take_over(current: &Map<String, Value>, before: Option<&MergedTwin>, after: &MergedTwin) -> Map<String, Value> {
    if after.is_whole() {
        return after.desired.clone();
    }
    let owned = after.owned();
    let mut desired = current.clone();
    for path in before.map(MergedTwin::owned).unwrap_or_default() {
        // What stays owned is set below, and keeps its place among the members.
        if !owned.iter().any(|now| path.keys().starts_with(now.keys())) {
            remove(&mut desired, path.keys());
        }
    }
    for path in owned {
        match path.of_map(&after.desired) {
            Some(value) => place(&mut desired, path.keys(), value.clone()),
            None => remove(&mut desired, path.keys()),
        }
    }
    desired
}
