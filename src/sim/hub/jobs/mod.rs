//! Scheduled jobs: a twin update or a direct method for every device that meets a condition, `/jobs/v2/{id}`.
//!
//! Here is what is stored, and the four operations. `request` reads and refuses what is sent, `work` lets jobs begin, carry
//! on and end on the world's clock, `wire` writes them out, a row for each device of theirs included.

mod request;
#[cfg(test)]
mod tests;
mod wire;
mod work;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Call;
use super::entropy::Entropy;
use super::errors::{Code, HubError};
use super::message::Response;
use super::methods::Invocation;
use super::page::Start;
use super::state::State;

/// From the answer to the PUT until the job is scheduled or begins.
const ENQUEUED: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(1_500));
/// For how long a GET still shows what a cancelled job was. The service was seen to; for how long is not known.
const SHOWN_AS_BEFORE: Duration = Duration::from_secs(1);
/// Jobs that have ended are remembered for thirty days.
const HISTORY: Duration = Duration::from_secs(30 * 24 * 3_600);

/// All jobs of the hub that it remembers.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// In the order of their creation, which is that of the list.
    known: Vec<Job>,
    /// How many there ever were.
    made: u64,
}

/// One job.
#[derive(Debug)]
struct Job {
    id: String,
    /// Counts up from job to job: what pages go by.
    number: u64,
    work: Work,
    /// As sent.
    condition: String,
    created: Timestamp,
    start: Timestamp,
    /// How long it may take.
    longest: Duration,
    phase: Phase,
    /// Nothing before it begins.
    devices: Vec<DeviceJob>,
    /// The first of the devices that is pending.
    next: usize,
    /// Those that are running.
    running: Vec<usize>,
}

/// What is done to each device, and how it was sent.
#[derive(Debug)]
enum Work {
    /// Desired properties and tags are merged.
    Twin(Map<String, Value>),
    /// A direct method is called.
    Method(Map<String, Value>, Invocation),
}

/// How far a job is.
#[derive(Debug)]
enum Phase {
    /// The service has not looked at it yet; until then.
    Queued(Timestamp),
    /// It waits for its start.
    Scheduled,
    /// It began, and does no device before the second instant.
    Running(Timestamp, Timestamp),
    /// All its devices are done with; some may have failed.
    Completed(Timestamp),
    /// It could not begin or took too long; why.
    Failed(Timestamp, String),
    /// It was cancelled; what it was before.
    Cancelled(Timestamp, &'static str),
}

/// What a job does to one device.
#[derive(Debug)]
struct DeviceJob {
    device: String,
    module: Option<String>,
    /// When it was its turn.
    started: Option<Timestamp>,
    updated: Timestamp,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    Pending,
    /// It was called, and is asked again then; nothing is expected after the second instant.
    Running(Timestamp, Timestamp),
    /// What a method answered; nothing for a twin.
    Completed(Option<Value>),
    Failed(Code, String),
}

impl Work {
    fn name(&self) -> &'static str {
        match self {
            Self::Twin(_) => "scheduleUpdateTwin",
            Self::Method(..) => "scheduleDeviceMethod",
        }
    }
}

impl Job {
    fn status(&self, now: Timestamp) -> &'static str {
        match self.phase {
            Phase::Queued(_) => "queued",
            Phase::Scheduled => "scheduled",
            Phase::Running(..) => "running",
            Phase::Completed(_) => "completed",
            Phase::Failed(..) => "failed",
            Phase::Cancelled(at, before) if now < work::after(at, SHOWN_AS_BEFORE) => before,
            Phase::Cancelled(..) => "cancelled",
        }
    }

    /// Whether no other job may be made. A cancelled one lets others in once it is shown as such: that it might before is
    /// not known.
    fn is_active(&self, now: Timestamp) -> bool {
        matches!(self.status(now), "queued" | "scheduled" | "running")
    }

    fn ended(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Queued(_) | Phase::Scheduled | Phase::Running(..) => None,
            Phase::Completed(at) | Phase::Failed(at, _) | Phase::Cancelled(at, _) => Some(at),
        }
    }
}

impl Jobs {
    fn find(&self, id: &str) -> Option<&Job> {
        self.known.iter().find(|job| job.id == id)
    }
}

/// `PUT /jobs/v2/{id}`: makes a job, and never changes one.
pub(super) fn put(state: &mut State, call: &Call<'_>, id: &str) -> Result<Response, HubError> {
    let body: Map<String, Value> = call.object()?;
    let sent = request::Sent::read(&body, id, call.now)?;
    if state.jobs.find(id).is_some() {
        return Err(HubError::new(Code::JobAlreadyExists, format!("Job with id '{id}' already exists.")));
    }
    let active = state.jobs.known.iter().filter(|job| job.is_active(call.now)).count();
    if active >= state.service.edition().jobs_at_once() {
        return Err(HubError::new(Code::ThrottlingMaxActiveJobCountExceeded, "429"));
    }
    let job = state.jobs.add(sent, id, call.now, &mut state.entropy);
    Ok(Response::json(&json!({"jobId": id, "type": job.work.name(), "status": "queued"})))
}

impl Jobs {
    fn add(&mut self, sent: request::Sent, id: &str, now: Timestamp, entropy: &mut Entropy) -> &Job {
        self.made += 1;
        let request::Sent { work, condition, start, longest } = sent;
        let phase = Phase::Queued(work::after(now, entropy.between(ENQUEUED)));
        let job = Job {
            id: id.to_owned(),
            number: self.made,
            work,
            condition,
            created: now,
            start,
            longest,
            phase,
            devices: Vec::new(),
            next: 0,
            running: Vec::new(),
        };
        self.known.push_mut(job)
    }
}

/// `GET /jobs/v2/{id}`: 200 whatever the id, as the service does.
pub(super) fn get(state: &State, call: &Call<'_>, id: &str) -> Response {
    match state.jobs.find(id) {
        Some(job) => Response::json(&job.to_value(call.now)),
        None => Response::json(&json!({"type": "unknown", "status": "unknown"})),
    }
}

/// `POST /jobs/v2/{id}/cancel`: only before a job begins.
pub(super) fn cancel(state: &mut State, call: &Call<'_>, id: &str) -> Result<Response, HubError> {
    let job = state.jobs.known.iter_mut().find(|job| job.id == id);
    let job = job.ok_or_else(|| HubError::new(Code::JobNotFound, format!("Job with id '{id}' does not exist.")))?;
    let before = match job.phase {
        Phase::Queued(_) => "queued",
        Phase::Scheduled => "scheduled",
        // Of jobs that failed or were cancelled already it is not known.
        Phase::Running(..) | Phase::Completed(_) | Phase::Failed(..) | Phase::Cancelled(..) => {
            let text = format!("Job '{id}' is {} and cannot be cancelled.", job.status(call.now));
            return Err(HubError::new(Code::OperationNotAllowedInCurrentState, text));
        }
    };
    job.phase = Phase::Cancelled(call.now, before);
    let shown = work::after(call.now, SHOWN_AS_BEFORE);
    Ok(Response::json(&job.to_value(shown)))
}

/// `GET /jobs/v2/query`: an array, whatever the published document says.
pub(super) fn list(state: &State, call: &Call<'_>) -> Result<Response, HubError> {
    let filter = |name: &str, known: &[&str]| match call.parameter(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        // What the service says to a type or status it does not have is not known.
        Some(text) => match known.iter().find(|known| known.eq_ignore_ascii_case(text)) {
            Some(known) => Ok(Some((*known).to_owned())),
            None => Err(HubError::argument(format!("{name} '{text}' is unknown."))),
        },
    };
    let (kind, status) = (filter("jobType", &wire::TYPES)?, filter("jobStatus", &wire::STATUSES)?);
    let question = json!(["jobs", kind, status]).to_string();
    let start: Start<u64> = Start::of(call, &question, None)?;
    let after = start.after.unwrap_or(0);
    let jobs = state.jobs.known.iter().filter(|job| job.number > after);
    let jobs = jobs.filter(|job| kind.as_deref().is_none_or(|kind| kind == job.work.name()));
    let jobs = jobs.filter(|job| status.as_deref().is_none_or(|status| status == job.status(call.now)));
    Ok(start.answer(jobs.map(|job| (job.number, job.to_value(call.now))), "JobResponse"))
}
