//! Jobs as answers: the job itself, and rows of `devices.jobs`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sim::hub::stamp;

use super::{DeviceJob, Job, Jobs, Phase, Progress, Work};

/// Types the list can be filtered by; all but two are never made here.
pub(super) const TYPES: [&str; 14] = [
    "unknown",
    "export",
    "import",
    "backup",
    "readDeviceProperties",
    "writeDeviceProperties",
    "updateDeviceConfiguration",
    "rebootDevice",
    "factoryResetDevice",
    "firmwareUpdate",
    "scheduleDeviceMethod",
    "scheduleUpdateTwin",
    "restoreFromBackup",
    "failoverDataCopy",
];

/// What a job can be.
pub(super) const STATUSES: [&str; 8] =
    ["unknown", "enqueued", "queued", "scheduled", "running", "completed", "failed", "cancelled"];

/// A row of `devices.jobs`: the job's number, and which of its devices.
type RowKey = (u64, usize);

impl Job {
    pub(super) fn to_value(&self, now: Timestamp) -> Value {
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        let status = self.status(now);
        put("jobId", json!(self.id));
        put("queryCondition", json!(self.condition));
        put("createdTime", json!(stamp::instant(self.created)));
        put("startTime", json!(stamp::instant(self.start)));
        // Of a job that is shown as it was before it was cancelled, nobody knows the end.
        if let Some(at) = self.ended().filter(|_| !matches!(status, "queued" | "scheduled")) {
            put("endTime", json!(stamp::instant(at)));
        }
        put("maxExecutionTimeInSeconds", json!(self.longest.as_secs()));
        put("type", json!(self.work.name()));
        match &self.work {
            Work::Twin(twin) => {
                let whose = [("deviceId".to_owned(), Value::Null)].into_iter();
                put("updateTwin", Value::Object(whose.chain(twin.clone()).collect()));
            }
            Work::Method(method, _) => {
                put("cloudToDeviceMethod", Value::Object(method.clone()));
            }
        }
        put("status", json!(status));
        if let Phase::Failed(_, reason) = &self.phase {
            put("failureReason", json!(reason));
        }
        // Nobody has been counted before it begins.
        if matches!(status, "running" | "completed") || !self.devices.is_empty() {
            put("deviceJobStatistics", self.statistics());
        }
        Value::Object(out)
    }

    fn statistics(&self) -> Value {
        let (mut failed, mut succeeded, mut running, mut pending) = (0_u32, 0_u32, 0_u32, 0_u32);
        for device in &self.devices {
            match device.progress {
                Progress::Pending => pending += 1,
                Progress::Running(..) => running += 1,
                Progress::Completed(_) => succeeded += 1,
                Progress::Failed(..) => failed += 1,
            }
        }
        json!({
            "deviceCount": self.devices.len(),
            "failedCount": failed,
            "succeededCount": succeeded,
            "runningCount": running,
            "pendingCount": pending,
        })
    }

    fn row(&self, device: &DeviceJob) -> Value {
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
        put("deviceId", json!(device.device));
        if let Some(module) = &device.module {
            put("moduleId", json!(module));
        }
        put("jobId", json!(self.id));
        put("jobType", json!(self.work.name()));
        put("status", json!(device.status()));
        if let Some(at) = device.started {
            put("startTimeUtc", json!(stamp::instant(at)));
        }
        if matches!(device.progress, Progress::Completed(_) | Progress::Failed(..)) {
            put("endTimeUtc", json!(stamp::instant(device.updated)));
        }
        put("createdDateTimeUtc", json!(stamp::instant(self.created)));
        put("lastUpdatedDateTimeUtc", json!(stamp::instant(device.updated)));
        match &device.progress {
            Progress::Completed(answer) => {
                put("outcome", json!({ "deviceMethodResponse": answer }));
            }
            Progress::Failed(code, text) => {
                put("error", json!({"code": code.name(), "description": text}));
            }
            Progress::Pending | Progress::Running(..) => {}
        }
        Value::Object(out)
    }
}

impl DeviceJob {
    fn status(&self) -> &'static str {
        match self.progress {
            Progress::Pending => "pending",
            Progress::Running(..) => "running",
            Progress::Completed(_) => "completed",
            Progress::Failed(..) => "failed",
        }
    }
}

impl Jobs {
    /// The rows of `devices.jobs` behind `after`, in the order of the jobs. There are none of a job that has not begun:
    /// nobody knows yet which devices it is for.
    pub(in crate::sim::hub) fn rows(&self, after: Option<RowKey>) -> impl Iterator<Item = (RowKey, Value)> {
        let from = after.map_or(0, |(number, _)| number);
        self.known.iter().filter(move |job| job.number >= from).flat_map(move |job| {
            // Devices of a job keep their places for as long as there is the job.
            let skipped =
                after.filter(|(number, _)| *number == job.number).map_or(0, |(_, last)| last.saturating_add(1));
            let devices = job.devices.iter().enumerate().skip(skipped);
            devices.map(|(place, device)| ((job.number, place), job.row(device)))
        })
    }
}
