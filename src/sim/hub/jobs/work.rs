//! What jobs do as time passes. There is no thread: a job says when it has something to do next, and does it as of that
//! instant before the next request is answered, in between what configurations and machines do.
//!
//! Devices have their turns one by one, ten in a second. A device that is away or silent is asked again until its time is
//! up, while others have theirs.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::query::{self, Condition, Item, Path, Projection, Query, QueryError, Select, Source};
use crate::sim::device::MethodOutcome;
use crate::sim::hub::errors::{Code, HubError};
use crate::sim::hub::methods::{AGAIN, Invocation, MAX_PAYLOAD};
use crate::sim::hub::query::selected;
use crate::sim::hub::state::State;
use crate::sim::hub::twin::TwinWrite;

use super::{DeviceJob, HISTORY, Job, Jobs, Phase, Progress, Work};

pub(super) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

impl State {
    /// Lets everything happen that is due by `now`, each thing as of its instant.
    pub(in crate::sim::hub) fn live_until(&mut self, now: Timestamp) {
        while let Some(at) = self.jobs.due().filter(|at| *at <= now) {
            // What a job looks at is what the hub and the machines have made of it by then.
            self.pass(at);
            let mut jobs = std::mem::take(&mut self.jobs);
            jobs.work(self, at);
            self.jobs = jobs;
        }
        self.pass(now);
    }

    fn pass(&mut self, now: Timestamp) {
        self.happen_due(now);
        self.evaluate_due(now);
        self.advance(now);
    }
}

impl Jobs {
    /// When the next of them has something to do.
    fn due(&self) -> Option<Timestamp> {
        self.known.iter().filter_map(Job::due).min()
    }

    fn work(&mut self, state: &mut State, at: Timestamp) {
        self.known.retain(|job| job.ended().is_none_or(|ended| after(ended, HISTORY) > at));
        for job in self.known.iter_mut().filter(|job| job.due().is_some_and(|due| due <= at)) {
            job.work(state, at);
        }
    }
}

impl Job {
    fn due(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Queued(until) => Some(until),
            Phase::Scheduled => Some(self.start),
            Phase::Running(since, free) => {
                let turn = (self.next < self.devices.len()).then_some(free);
                let again = self.running.iter().filter_map(|place| self.devices.get(*place)?.again());
                // With nothing left to do it ends at once.
                let next = again.chain(turn).min().unwrap_or(free);
                Some(next.min(after(since, self.longest)))
            }
            Phase::Completed(at) | Phase::Failed(at, _) | Phase::Cancelled(at, _) => Some(after(at, HISTORY)),
        }
    }

    fn work(&mut self, state: &mut State, at: Timestamp) {
        match self.phase {
            Phase::Queued(_) if self.start > at => self.phase = Phase::Scheduled,
            Phase::Queued(_) | Phase::Scheduled => self.begin(state, at),
            Phase::Running(since, _) if at >= after(since, self.longest) => self.expire(at),
            Phase::Running(..) => self.carry_on(state, at),
            Phase::Completed(_) | Phase::Failed(..) | Phase::Cancelled(..) => {}
        }
    }

    /// Finds out for whom it is. A condition that is none was taken, and fails now.
    fn begin(&mut self, state: &State, at: Timestamp) {
        let selection = match selection(&self.condition) {
            Ok(selection) => selection,
            Err(error) => {
                let reason = format!("SQL query parse failed due to following errors: {error}");
                self.phase = Phase::Failed(at, reason);
                return;
            }
        };
        if selection.source == Source::Modules && matches!(self.work, Work::Twin(_)) {
            // Methods of modules are known to be called by jobs; of twins it is not known.
            self.phase = Phase::Failed(at, "Twins of modules cannot be updated by a job.".to_owned());
            return;
        }
        let keys = selected(state, &selection, at).into_iter();
        self.devices = keys
            .map(|(device, module)| DeviceJob {
                device,
                module,
                started: None,
                updated: at,
                progress: Progress::Pending,
            })
            .collect();
        self.phase = Phase::Running(at, at);
    }

    /// Whoever is not done with will not be. How the service calls such a job is not known; here it has failed, so that
    /// nobody takes it for done.
    fn expire(&mut self, at: Timestamp) {
        for device in &mut self.devices {
            if matches!(device.progress, Progress::Pending | Progress::Running(..)) {
                let text = "The job's maximum execution time has passed.";
                device.settle(Progress::Failed(Code::GenericTimeout, text.to_owned()), at);
            }
        }
        self.running.clear();
        self.next = self.devices.len();
        let seconds = self.longest.as_secs();
        self.phase = Phase::Failed(at, format!("The job did not end within {seconds} seconds."));
    }

    fn carry_on(&mut self, state: &mut State, at: Timestamp) {
        let Phase::Running(since, mut free) = self.phase else { return };
        let mut now: Vec<usize> = std::mem::take(&mut self.running);
        if free <= at && self.next < self.devices.len() {
            now.push(self.next);
            self.next += 1;
            free = after(at, state.service.edition().job_turn());
        }
        for place in now {
            let Some(device) = self.devices.get_mut(place) else { continue };
            if device.again().is_none_or(|again| again <= at) {
                device.started.get_or_insert(at);
                let progress = match &self.work {
                    Work::Twin(twin) => update(state, &device.device, &Value::Object(twin.clone()), at),
                    Work::Method(_, invocation) => device.invoke(state, invocation, at),
                };
                device.settle(progress, at);
            }
            if device.again().is_some() {
                self.running.push(place);
            }
        }
        let is_over = self.running.is_empty() && self.next >= self.devices.len();
        self.phase = if is_over { Phase::Completed(at) } else { Phase::Running(since, free) };
    }
}

impl DeviceJob {
    /// When it is asked again.
    fn again(&self) -> Option<Timestamp> {
        match self.progress {
            Progress::Running(again, _) => Some(again),
            Progress::Pending | Progress::Completed(_) | Progress::Failed(..) => None,
        }
    }

    fn settle(&mut self, progress: Progress, at: Timestamp) {
        self.progress = progress;
        self.updated = at;
    }

    /// Calls the method, for the first time or again.
    fn invoke(&self, state: &mut State, invocation: &Invocation, at: Timestamp) -> Progress {
        let failed = |error: HubError| Progress::Failed(error.code, error.text);
        let (device, module) = (self.device.as_str(), self.module.as_deref());
        let known = state.device(device).filter(|known| known.enabled);
        if known.is_none_or(|known| module.is_some_and(|module| !known.modules.contains_key(module))) {
            return failed(HubError::no_such_target(device, known.and(module)));
        }
        let started = self.started.unwrap_or(at);
        let until = after(started, invocation.overall);
        if let Progress::Running(_, last) = self.progress
            && last <= at
        {
            // It was carried out, and no answer will come.
            return failed(HubError::method_timed_out());
        }
        let Invocation { name, payload, connect, .. } = invocation;
        match state.world(|world, side| world.method(device, module, name, payload, at, side)) {
            MethodOutcome::Answer(_, payload) if payload.to_string().len() > MAX_PAYLOAD => {
                failed(HubError::method_timed_out())
            }
            // Whatever status it answers with, the device has answered.
            MethodOutcome::Answer(status, payload) => {
                Progress::Completed(Some(json!({"status": status, "payload": payload})))
            }
            MethodOutcome::NotOnline if at >= after(started, *connect) => failed(HubError::not_online()),
            MethodOutcome::NotOnline => {
                Progress::Running(after(at, AGAIN).min(after(started, *connect)), Timestamp::MAX)
            }
            MethodOutcome::Silent if at >= until => failed(HubError::method_timed_out()),
            MethodOutcome::Silent => Progress::Running(after(at, AGAIN).min(until), Timestamp::MAX),
            MethodOutcome::Lost => Progress::Running(until, until),
        }
    }
}

/// Merges into the twin of a device, which may be gone by now.
fn update(state: &mut State, device: &str, twin: &Value, at: Timestamp) -> Progress {
    let Some(known) = state.devices.get_mut(device) else {
        return Progress::Failed(Code::DeviceNotFound, device.to_owned());
    };
    let written = TwinWrite::of(twin).and_then(|write| known.twin.patch(write, at).map_err(|limit| limit.to_string()));
    match written {
        Ok(()) => Progress::Completed(None),
        Err(text) => Progress::Failed(Code::ArgumentInvalid, text),
    }
}

/// Reads `*`, what may follow `WHERE`, or `FROM devices.modules WHERE …`, which clients use to reach modules. Jobs are
/// said to go by ids, tags and reported properties; anything else is refused, as it is not known to work.
fn selection(text: &str) -> Result<Query, QueryError> {
    let text = text.trim();
    let (source, condition) = if text == "*" {
        (Source::Devices, None)
    } else if text.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("from")) {
        let query = query::parse(&format!("SELECT * {text}"))?;
        if query.source == Source::Jobs {
            return Err(QueryError { message: "a job is for devices or modules".to_owned(), offset: 0 });
        }
        (query.source, query.condition)
    } else {
        (Source::Devices, Some(query::parse_condition(text)?))
    };
    if let Some(path) = condition.iter().flat_map(Condition::paths).find(|path| !is_selectable(path, source)) {
        return Err(QueryError { message: format!("a job cannot select by {path}"), offset: 0 });
    }
    let id = Item { value: Projection::Path(Path::new(vec!["deviceId".to_owned()])), alias: None };
    Ok(Query { top: None, select: Select::Items(vec![id]), source, condition, group_by: None })
}

fn is_selectable(path: &Path, source: Source) -> bool {
    let segments: Vec<&str> = path.segments().iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["deviceId"] => true,
        ["moduleId"] => source == Source::Modules,
        ["tags", _, ..] | ["properties", "reported", _, ..] => true,
        _ => false,
    }
}
