//! `POST /configurations/testQueries`: is this a target condition, are these queries? Answered 200 whatever they are.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::query;
use crate::sim::hub::Call;
use crate::sim::hub::errors::HubError;
use crate::sim::hub::message::Response;

use super::target;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    target_condition: Option<String>,
    custom_metric_queries: Option<Map<String, Value>>,
}

pub(in crate::sim::hub) fn run(call: &Call<'_>) -> Result<Response, HubError> {
    let body: Body = call.object()?;
    let queries = body.custom_metric_queries.unwrap_or_default();
    let errors: Map<String, Value> = queries
        .into_iter()
        .filter(|(_, text)| !text.as_str().is_some_and(is_metric))
        .map(|(name, _)| (name, json!("BadRequest")))
        .collect();
    Ok(Response::json(&json!({
        "targetConditionError": body.target_condition.as_deref().and_then(target::fault),
        "customMetricQueryErrors": errors,
    })))
}

/// Whether a text can be a metric: a query over twins.
pub(super) fn is_metric(text: &str) -> bool {
    query::parse(text).is_ok_and(|query| query.source != query::Source::Jobs)
}
