//! What a request takes: operations of its class, before it is served, and messages of the day, afterwards.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::sim::hub::edition::{Class, Edition};
use crate::sim::hub::message::{Request, Response};
use crate::sim::hub::router::Operation;

/// Direct methods are throttled in steps of so many bytes of their requests.
const METHOD_STEP: usize = 4_096;

impl Operation<'_> {
    /// What it is throttled with.
    pub(in crate::sim::hub) fn class(&self) -> Class {
        match self {
            Self::ListDevices
            | Self::Bulk
            | Self::GetDevice(_)
            | Self::PutDevice(_)
            | Self::DeleteDevice(_)
            | Self::ListModules(_)
            | Self::GetModule(..)
            | Self::PutModule(..)
            | Self::DeleteModule(..)
            | Self::DeviceStatistics
            | Self::ServiceStatistics
            // No rate of its own is written for it.
            | Self::PurgeCommands(_) => Class::Registry,
            Self::GetTwin(..) => Class::TwinRead,
            Self::WriteTwin(..) => Class::TwinWrite,
            Self::Method(..) => Class::Method,
            Self::Query => Class::Query,
            Self::ListJobs | Self::GetJob(_) | Self::PutJob(_) | Self::CancelJob(_) => Class::Job,
            Self::ListConfigurations
            | Self::TestQueries
            | Self::GetConfiguration(_)
            | Self::PutConfiguration(_)
            | Self::DeleteConfiguration(_)
            | Self::ApplyContent(_) => Class::Configuration,
        }
    }

    /// How many operations of its class it is, and whether they are taken as a whole.
    pub(super) fn operations(&self, request: &Request) -> (u32, bool) {
        let count = |count: usize| u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        match self {
            Self::Bulk => {
                let items = serde_json::from_slice::<Vec<IgnoredAny>>(&request.body);
                (count(items.map_or(1, |items| items.len())), true)
            }
            Self::Method(..) => (count(payload_bytes(&request.body).div_ceil(METHOD_STEP)), false),
            _ => (1, false),
        }
    }

    /// How many messages it costs. Whether a refused one costs any is not written: here it is charged for what was sent,
    /// as far as it got to the twins.
    pub(super) fn messages(&self, edition: Edition, request: &Request, answer: Option<&Response>) -> u64 {
        let served = answer.map(|answer| answer.body.as_slice()).unwrap_or_default();
        match self {
            Self::GetTwin(..) => edition.messages(served.len()),
            Self::Query if answer.is_some_and(is_of_jobs) => 0,
            Self::Query => edition.messages(served.len()),
            Self::WriteTwin(..) | Self::ApplyContent(_) => edition.messages(request.body.len()),
            // Somebody who is offline, or silent, costs a message in place of an answer.
            Self::Method(..) => {
                edition.messages(payload_bytes(&request.body)).saturating_add(edition.messages(payload_bytes(served)))
            }
            _ => 0,
        }
    }
}

fn is_of_jobs(answer: &Response) -> bool {
    answer.headers.iter().any(|(name, value)| name == "x-ms-item-type" && value == "DeviceJob")
}

/// What a method carries, without what is around it.
fn payload_bytes(body: &[u8]) -> usize {
    #[derive(Deserialize)]
    struct Carried {
        #[serde(default)]
        payload: Value,
    }
    match serde_json::from_slice::<Carried>(body) {
        Ok(Carried { payload: Value::Null }) | Err(_) => 0,
        Ok(Carried { payload }) => payload.to_string().len(),
    }
}
