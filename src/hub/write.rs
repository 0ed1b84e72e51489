//! Everything that changes something at the hub. `ops` is the only caller; in read-only mode there is no [`HubWrite`].

use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderValue, IF_MATCH};
use serde_json::Value;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::ids::{ETag, TwinId};
use crate::domain::twin::Twin;

use super::client::{Call, Client, Meter};
use super::read::{HubRead, Manner, twin_route};
use super::retry::Effect;
use super::route::Route;
use super::sku::OpClass;
use super::transport::Method;
use super::wire;

/// Writes to one hub; cheap to clone. Nothing is sent twice once it may have happened.
#[derive(Debug, Clone)]
pub struct HubWrite(pub(super) Arc<Client>);

impl HubWrite {
    /// Merges `patch` into the twin, if its tag is still `if_match`. `patch` has `tags` and `properties.desired` at most;
    /// objects merge, `null` deletes, everything else replaces. Costs the patch in blocks, and again at each device or
    /// module that is told.
    ///
    /// # Errors
    /// [`FaultKind::PreconditionFailed`] when the twin changed since, [`FaultKind::SystemModule`] for the runtime's own
    /// modules, [`FaultKind::Rejected`] for a patch or tag that is not sent at all, and the faults of every call. After
    /// [`Fault::may_have_happened`], read the twin back before anything else.
    pub async fn patch_twin(&self, id: &TwinId, patch: &Value, if_match: &ETag) -> Result<Twin, Fault> {
        let doing = format!("change the twin of {}", id.shown());
        check_patch(patch).map_err(|why| Fault::new(FaultKind::Rejected, doing.as_str(), why))?;
        let call = Call::writes(&doing, OpClass::TwinWrite, Meter::Request, Method::PATCH, twin_route(id));
        let reply = self.0.call(call.if_match(if_match)?.with_body(patch)).await?;
        wire::twin(&doing, &reply.body)
    }

    /// For what is looked at before or after a write.
    pub(super) fn reader(&self) -> HubRead {
        HubRead(Arc::clone(&self.0), Manner::Patient)
    }
}

impl Call {
    /// A write without tag and body.
    pub(super) fn writes(doing: &str, class: OpClass, meter: Meter, method: Method, route: Option<Route>) -> Self {
        let (doing, effect, headers) = (doing.to_owned(), Effect::Writes, HeaderMap::new());
        Self { doing, class, meter, effect, limits: None, account: None, method, route, headers, body: None }
    }

    /// The same, if what it changes still has this tag.
    pub(super) fn if_match(mut self, etag: &ETag) -> Result<Self, Fault> {
        let tag = quoted(etag).map_err(|why| Fault::new(FaultKind::Rejected, self.doing.as_str(), why))?;
        self.headers.insert(IF_MATCH, tag);
        Ok(self)
    }
}

/// `"tag"`: unquoted, the hub ignores it for twins and configurations and writes over whatever is there or refuses what
/// is there; `*` would write over it by design.
fn quoted(etag: &ETag) -> Result<HeaderValue, &'static str> {
    let tag = etag.as_str();
    if tag.is_empty() || tag.contains(['*', '"']) {
        return Err("without the tag of what was read nothing is written; read it again");
    }
    HeaderValue::from_str(&format!("\"{tag}\""))
        .map_err(|_not_visible| "the tag holds characters that HTTP cannot carry")
}

/// The hub ignores what it does not know in a patch: a misspelt section would succeed and do nothing.
fn check_patch(patch: &Value) -> Result<(), &'static str> {
    const SHAPE: &str = "a twin patch has `tags` and `properties.desired`, objects both, and nothing else";
    let Value::Object(patch) = patch else { return Err(SHAPE) };
    let mut sections = 0;
    for (name, value) in patch {
        match (name.as_str(), value) {
            ("tags", Value::Object(_)) => sections += 1,
            ("properties", Value::Object(properties)) => {
                for (name, value) in properties {
                    if name != "desired" || !value.is_object() {
                        return Err(SHAPE);
                    }
                    sections += 1;
                }
            }
            _ => return Err(SHAPE),
        }
    }
    if sections == 0 { Err("the patch changes nothing") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn patches_of_another_shape_are_not_sent() {
        for (patch, good) in [
            (json!({"tags": {"a": 1}}), true),
            (json!({"properties": {"desired": {"x": null}}}), true),
            (json!({"tags": {}, "properties": {"desired": {}}}), true),
            (json!({}), false),
            (json!({"properties": {}}), false),
            (json!({"desired": {"x": 1}}), false),
            (json!({"properties": {"reported": {"x": 1}}}), false),
            (json!({"properties": {"desired": 7}}), false),
            (json!({"tags": null}), false),
            (json!([]), false),
        ] {
            assert_eq!(check_patch(&patch).is_ok(), good, "{patch}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Whatever the tag is, what is sent is quoted once and is no star.
        #[test]
        fn a_tag_is_quoted_or_refused(tag in "[ -~]{0,12}|\\*|\"\\*\"|W/\"x\"|\\PC{0,4}") {
            if let Ok(value) = quoted(&ETag::from_wire(tag.clone())) {
                let expected = format!("\"{tag}\"");
                prop_assert_eq!(value.as_bytes(), expected.as_bytes());
                prop_assert!(!tag.is_empty() && !tag.contains('*') && !tag.contains('"'));
            }
        }
    }
}
