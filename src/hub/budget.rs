//! The hub is shared and metered: every call asks here first. A bucket per class of operations keeps us at a share of
//! the hub's rate, and one more keeps our part of the day's messages. The core is pure; time is the `Clock`'s.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::time::{Now, SharedClock, age_text};

use super::bucket::Bucket;
use super::sku::{OpClass, Sku};

const DAY_SECONDS: u64 = 86_400;
/// How long a used-up hub is left alone before one call looks again: adding units lifts the quota at once.
const QUOTA_PROBE: Duration = Duration::from_secs(600);

/// May a call be made?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Yes, and its estimated messages are taken.
    Go,
    /// Not for this long.
    Wait(Duration),
    /// Not today, and why.
    Refused(String),
}

/// Leave for one call, from [`Budget::acquire`]. Dropped without a [`charge`](Permit::charge) (a cancelled call), the
/// estimate stays spent: the hub may have counted it.
#[derive(Debug)]
#[must_use = "charge it with what the call cost"]
pub struct Permit {
    budget: Budget,
    class: OpClass,
    reserved: u32,
}

/// Everything the screen shows about the budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetView {
    /// Messages we allow ourselves between 00:00 and 24:00 UTC.
    pub allowed_today: u64,
    /// Messages spent since 00:00 UTC, by this process.
    pub spent_today: u64,
    /// What is left of `allowed_today`.
    pub left_today: u64,
    /// Messages that could be spent at once, now.
    pub available_now: u32,
    /// Until the day begins anew.
    pub resets_in: Duration,
    /// The hub said that its own messages are used up (403002).
    pub quota_exceeded: bool,
    /// One per class, in the order of [`OpClass::ALL`].
    pub classes: Vec<ClassView>,
}

/// One class of operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassView {
    /// The class.
    pub class: OpClass,
    /// Our share of the hub's limit, in operations a minute.
    pub per_minute: u32,
    /// Operations that could be made at once, now.
    pub available_now: u32,
    /// Operations made since the start.
    pub calls: u64,
    /// Messages spent since 00:00 UTC.
    pub messages_today: u64,
    /// The hub answered 429 and the class rests for this long.
    pub throttled_for: Option<Duration>,
}

/// The shared budget of one hub; cheap to clone.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    core: Mutex<Core>,
    clock: SharedClock,
    // First come, first served: whoever waits for a class holds its queue.
    queues: Lanes<tokio::sync::Mutex<()>>,
}

impl Budget {
    /// A budget for a hub of `units` units of `sku`: `rate_share` of its rates and `message_share` of its messages a day,
    /// both between 0 and 1.
    #[must_use]
    pub fn new(sku: Sku, units: u32, rate_share: f64, message_share: f64, clock: SharedClock) -> Self {
        let core = Core::new(sku, units, rate_share, message_share, clock.now());
        Self(Arc::new(Shared {
            core: Mutex::new(core),
            clock,
            queues: Lanes::from_fn(|_| tokio::sync::Mutex::default()),
        }))
    }

    /// Whether a call of `class` that should cost `messages` may be made now. [`Admission::Go`] takes both; give the
    /// real cost to [`Permit::charge`] afterwards. Estimates may be low: a bucket goes into debt and the next wait is longer.
    pub fn admit(&self, class: OpClass, messages: u32) -> Admission {
        let now = self.0.clock.now();
        self.core().admit(now, class, messages)
    }

    /// Waits for a call of `class` to be admitted, at most `patience`, behind those who waited before.
    ///
    /// # Errors
    /// A sentence saying what is used up and when it is not.
    pub async fn acquire(&self, class: OpClass, messages: u32, patience: Duration) -> Result<Permit, String> {
        let started = self.0.clock.now();
        let queue = self.0.queues.get(class);
        let Ok(_turn) = tokio::time::timeout(patience, queue.lock()).await else {
            return Err(format!("too many {} are waiting for their turn", class.name()));
        };
        let mut slept = Duration::ZERO;
        loop {
            match self.admit(class, messages) {
                Admission::Go => return Ok(Permit { budget: self.clone(), class, reserved: messages }),
                Admission::Refused(why) => return Err(why),
                Admission::Wait(wait) => {
                    let now = self.0.clock.now();
                    // By both measures: a clock that stands still must not make this wait for ever.
                    if now.since(started).max(slept).saturating_add(wait) > patience {
                        return Err(self.core().why_wait(now, class, wait));
                    }
                    tokio::time::sleep(wait).await;
                    slept = slept.saturating_add(wait);
                }
            }
        }
    }

    /// The hub answered 429: no call of `class` for `rest`.
    pub fn throttled(&self, class: OpClass, rest: Duration) {
        let now = self.0.clock.now();
        let mut core = self.core();
        let lane = core.lanes.get_mut(class);
        lane.paused_until = lane.paused_until.max(now.mono.saturating_add(rest));
    }

    /// The hub answered 403002: metered reads stop until 00:00 UTC, but for one look every ten minutes.
    pub fn quota_exceeded(&self) {
        let now = self.0.clock.now();
        let rest = QUOTA_PROBE.min(until_midnight(now));
        self.core().quota_until = Some(now.mono.saturating_add(rest));
    }

    /// The present state for the screen.
    #[must_use]
    pub fn view(&self) -> BudgetView {
        let now = self.0.clock.now();
        self.core().view(now)
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        self.0.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Replaces the estimate by the messages that the call really cost; 0 when it never reached the hub.
    pub fn charge(self, messages: u32) {
        let now = self.budget.0.clock.now();
        self.budget.core().charge(now, self.class, self.reserved, messages);
    }
}

/// One `T` per class: a total map.
#[derive(Debug)]
struct Lanes<T> {
    registry: T,
    query: T,
    twin_read: T,
    twin_write: T,
    method: T,
    configuration: T,
    jobs: T,
}

impl<T> Lanes<T> {
    fn from_fn(make: impl Fn(OpClass) -> T) -> Self {
        Self {
            registry: make(OpClass::Registry),
            query: make(OpClass::Query),
            twin_read: make(OpClass::TwinRead),
            twin_write: make(OpClass::TwinWrite),
            method: make(OpClass::Method),
            configuration: make(OpClass::Configuration),
            jobs: make(OpClass::Jobs),
        }
    }

    fn get(&self, class: OpClass) -> &T {
        match class {
            OpClass::Registry => &self.registry,
            OpClass::Query => &self.query,
            OpClass::TwinRead => &self.twin_read,
            OpClass::TwinWrite => &self.twin_write,
            OpClass::Method => &self.method,
            OpClass::Configuration => &self.configuration,
            OpClass::Jobs => &self.jobs,
        }
    }

    fn get_mut(&mut self, class: OpClass) -> &mut T {
        match class {
            OpClass::Registry => &mut self.registry,
            OpClass::Query => &mut self.query,
            OpClass::TwinRead => &mut self.twin_read,
            OpClass::TwinWrite => &mut self.twin_write,
            OpClass::Method => &mut self.method,
            OpClass::Configuration => &mut self.configuration,
            OpClass::Jobs => &mut self.jobs,
        }
    }
}

#[derive(Debug)]
struct Lane {
    bucket: Bucket,
    paused_until: Duration,
    calls: u64,
    messages_today: u64,
}

#[derive(Debug)]
struct Core {
    lanes: Lanes<Lane>,
    messages: Bucket,
    allowed_today: u64,
    spent_today: u64,
    day: i64,
    quota_until: Option<Duration>,
}

impl Core {
    fn new(sku: Sku, units: u32, rate_share: f64, message_share: f64, now: Now) -> Self {
        let rate_share = share(rate_share);
        let lanes = Lanes::from_fn(|class| {
            let limit = sku.limit(class, units);
            let step = limit.per.div_f64(f64::from(limit.count) * rate_share);
            // Half a minute's worth at once, or one second's: in no minute more than one and a half shares.
            let burst_time = if limit.per > Duration::from_secs(1) { limit.per / 2 } else { limit.per };
            Lane {
                bucket: Bucket::holding_for(burst_time, step),
                paused_until: Duration::ZERO,
                calls: 0,
                messages_today: 0,
            }
        });
        let allowed = share_of(sku.messages_per_day().saturating_mul(u64::from(units.max(1))), message_share);
        // A tenth at once, the rest evenly over the day: together the day's share, not more.
        let burst = u32::try_from(allowed / 10).unwrap_or(u32::MAX).max(1);
        let refilled = allowed.saturating_sub(u64::from(burst)).max(1);
        let step = Duration::from_nanos(DAY_SECONDS.saturating_mul(1_000_000_000).div_ceil(refilled));
        Self {
            lanes,
            messages: Bucket::new(burst, step),
            allowed_today: allowed,
            spent_today: 0,
            day: day_of(now),
            quota_until: None,
        }
    }

    fn admit(&mut self, now: Now, class: OpClass, messages: u32) -> Admission {
        self.begin_day(now);
        let metered = messages > 0 && !class.is_decision();
        if metered {
            if let Some(until) = self.quota_until.filter(|until| *until > now.mono) {
                return Admission::Refused(format!(
                    "the hub's messages of the day are used up; {} rest, the next look is in {}",
                    class.name(),
                    age_text(until - now.mono)
                ));
            }
            if self.spent_today >= self.allowed_today {
                return Admission::Refused(format!(
                    "our share of the day, {} messages, is spent; it begins anew at 00:00 UTC, in {}",
                    self.allowed_today,
                    age_text(until_midnight(now))
                ));
            }
        }
        let lane = self.lanes.get_mut(class);
        let pause = lane.paused_until.saturating_sub(now.mono);
        let rate = lane.bucket.wait(now.mono, 1);
        let share = if metered { self.messages.wait(now.mono, messages) } else { Duration::ZERO };
        let wait = pause.max(rate).max(share);
        if !wait.is_zero() {
            return Admission::Wait(wait);
        }
        lane.bucket.take(now.mono, 1);
        lane.calls += 1;
        lane.messages_today += u64::from(messages);
        self.messages.take(now.mono, messages);
        self.spent_today += u64::from(messages);
        Admission::Go
    }

    /// Why `class` has to wait for `wait`, for whoever will not.
    fn why_wait(&self, now: Now, class: OpClass, wait: Duration) -> String {
        let lane = self.lanes.get(class);
        let name = class.name();
        let next = age_text(wait.max(Duration::from_secs(1)));
        if lane.paused_until > now.mono {
            format!("the hub asked to slow down; {name} rest for {next}")
        } else if lane.bucket.wait(now.mono, 1).is_zero() {
            format!("our share of the day's messages comes back evenly; there is enough for {name} in {next}")
        } else {
            format!("our share of the hub's rate for {name} is used up; the next is due in {next}")
        }
    }

    fn charge(&mut self, now: Now, class: OpClass, reserved: u32, messages: u32) {
        self.begin_day(now);
        self.messages.give_back(reserved);
        self.messages.take(now.mono, messages);
        let settle = |spent: u64| spent.saturating_sub(u64::from(reserved)).saturating_add(u64::from(messages));
        self.spent_today = settle(self.spent_today);
        let lane = self.lanes.get_mut(class);
        lane.messages_today = settle(lane.messages_today);
        if messages > 0 && reserved > 0 {
            // A metered call was answered: the quota is not, or no longer, exhausted.
            self.quota_until = None;
        }
    }

    fn begin_day(&mut self, now: Now) {
        let today = day_of(now);
        // A wall clock that is set back does not hand the day out twice.
        if today > self.day {
            self.day = today;
            self.spent_today = 0;
            self.quota_until = None;
            // The hub's meter starts anew, and with it ours: yesterday's debt is nobody's.
            self.messages.refill();
            for class in OpClass::ALL {
                self.lanes.get_mut(class).messages_today = 0;
            }
        }
    }

    fn view(&mut self, now: Now) -> BudgetView {
        self.begin_day(now);
        let classes = OpClass::ALL.map(|class| {
            let lane = self.lanes.get(class);
            let pause = lane.paused_until.saturating_sub(now.mono);
            ClassView {
                class,
                per_minute: lane.bucket.per(Duration::from_secs(60)),
                available_now: lane.bucket.available(now.mono),
                calls: lane.calls,
                messages_today: lane.messages_today,
                throttled_for: (!pause.is_zero()).then_some(pause),
            }
        });
        BudgetView {
            allowed_today: self.allowed_today,
            spent_today: self.spent_today,
            left_today: self.allowed_today.saturating_sub(self.spent_today),
            available_now: self.messages.available(now.mono),
            resets_in: until_midnight(now),
            quota_exceeded: self.quota_until.is_some(),
            classes: classes.into(),
        }
    }
}

/// A share between one per mille and the whole; nonsense counts as the least.
fn share(of_one: f64) -> f64 {
    if of_one.is_finite() { of_one.clamp(0.001, 1.0) } else { 0.001 }
}

/// `share` of `total`, in steps of one hundredth of a per cent, at least 1.
fn share_of(total: u64, of_one: f64) -> u64 {
    // Through a Duration: the one exact way from a fraction to an integer without a truncating cast.
    let basis_points = Duration::from_secs(10_000).mul_f64(share(of_one)).as_secs();
    (total.saturating_mul(basis_points) / 10_000).max(1)
}

fn day_of(now: Now) -> i64 {
    now.wall.as_second().div_euclid(86_400)
}

fn until_midnight(now: Now) -> Duration {
    let into_day = u64::try_from(now.wall.as_second().rem_euclid(86_400)).unwrap_or(0);
    Duration::from_secs(DAY_SECONDS.saturating_sub(into_day))
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
