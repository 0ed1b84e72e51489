//! The budget under a clock that is turned by hand, and its queue under tokio's paused time.

use super::*;
use crate::domain::time::{Clock, ManualClock};
use crate::hub::fake::TokioClock;
use proptest::prelude::*;

const START: &str = "2026-03-04T10:00:00Z";

fn budget(sku: Sku, rate: f64, messages: f64) -> (Budget, Arc<ManualClock>) {
    let clock = ManualClock::at(START.parse().unwrap());
    (Budget::new(sku, 1, rate, messages, clock.clone()), clock)
}

fn charged(budget: &Budget, class: OpClass, reserved: u32, messages: u32) {
    Permit { budget: budget.clone(), class, reserved }.charge(messages);
}

#[test]
fn half_of_the_rate_and_five_per_cent_of_the_day() {
    let (budget, _clock) = budget(Sku::S1, 0.5, 0.05);
    let view = budget.view();
    assert_eq!((view.allowed_today, view.spent_today, view.left_today), (20_000, 0, 20_000));
    assert_eq!(view.available_now, 2_000);
    assert_eq!(view.resets_in, Duration::from_secs(14 * 3_600));
    let rates: Vec<_> = view.classes.iter().map(|c| (c.class, c.per_minute, c.available_now)).collect();
    assert_eq!(
        rates,
        [
            (OpClass::Registry, 50, 25),
            (OpClass::Query, 10, 5),
            (OpClass::TwinRead, 3_000, 50),
            (OpClass::TwinWrite, 1_500, 25),
            (OpClass::Method, 1_200, 20),
            (OpClass::Configuration, 10, 5),
            (OpClass::Jobs, 50, 25),
        ]
    );
}

#[test]
fn queries_come_in_a_burst_and_then_at_the_rate() {
    let (budget, clock) = budget(Sku::S1, 0.5, 0.05);
    for _ in 0..5 {
        assert_eq!(budget.admit(OpClass::Query, 1), Admission::Go);
    }
    assert_eq!(budget.admit(OpClass::Query, 1), Admission::Wait(Duration::from_secs(6)));
    assert_eq!(budget.admit(OpClass::TwinRead, 1), Admission::Go, "other classes are not held back");
    clock.advance(Duration::from_secs(6));
    assert_eq!(budget.admit(OpClass::Query, 1), Admission::Go);
}

#[test]
fn the_real_cost_replaces_the_estimate() {
    let (budget, clock) = budget(Sku::S1, 0.5, 0.05);
    assert_eq!(budget.admit(OpClass::Query, 1), Admission::Go);
    charged(&budget, OpClass::Query, 1, 2_500);
    let view = budget.view();
    assert_eq!((view.spent_today, view.available_now), (2_500, 0));
    // 501 messages of debt at 18,000 a day.
    let Admission::Wait(wait) = budget.admit(OpClass::TwinRead, 1) else { panic!("the burst is spent") };
    assert_eq!(wait.as_secs(), 501 * 86_400 / 18_000);
    assert_eq!(budget.admit(OpClass::Registry, 0), Admission::Go, "the registry is free");
    clock.advance(wait);
    assert_eq!(budget.admit(OpClass::TwinRead, 1), Admission::Go);
}

#[test]
fn a_call_that_never_arrived_costs_nothing() {
    let (budget, _clock) = budget(Sku::S1, 0.5, 0.05);
    assert_eq!(budget.admit(OpClass::TwinRead, 1), Admission::Go);
    charged(&budget, OpClass::TwinRead, 1, 0);
    assert_eq!(budget.view().spent_today, 0);
}

#[test]
fn a_spent_day_refuses_reads_until_midnight_but_never_a_decision() {
    let (budget, clock) = budget(Sku::F1, 1.0, 0.05);
    assert_eq!(budget.view().allowed_today, 400);
    assert_eq!(budget.admit(OpClass::Query, 1), Admission::Go);
    charged(&budget, OpClass::Query, 1, 400);
    let Admission::Refused(why) = budget.admit(OpClass::TwinRead, 1) else { panic!("the day is spent") };
    assert_eq!(why, "our share of the day, 400 messages, is spent; it begins anew at 00:00 UTC, in 14 h");
    assert_eq!(budget.admit(OpClass::TwinWrite, 3), Admission::Go);
    assert_eq!(budget.admit(OpClass::Configuration, 9), Admission::Go);
    assert_eq!(budget.view().spent_today, 412);
    clock.advance(Duration::from_secs(14 * 3_600));
    assert_eq!(budget.view().spent_today, 0);
    assert_eq!(budget.admit(OpClass::TwinRead, 1), Admission::Go);
}

#[test]
fn a_throttled_class_rests_alone() {
    let (budget, clock) = budget(Sku::S1, 0.5, 0.05);
    budget.throttled(OpClass::Configuration, Duration::from_secs(10));
    assert_eq!(budget.admit(OpClass::Configuration, 0), Admission::Wait(Duration::from_secs(10)));
    assert_eq!(budget.admit(OpClass::Query, 1), Admission::Go);
    let resting = |view: BudgetView| view.classes.iter().filter_map(|c| c.throttled_for).collect::<Vec<_>>();
    assert_eq!(resting(budget.view()), [Duration::from_secs(10)]);
    clock.advance(Duration::from_secs(10));
    assert_eq!(budget.admit(OpClass::Configuration, 0), Admission::Go);
    assert!(resting(budget.view()).is_empty());
}

#[test]
fn a_used_up_hub_is_looked_at_every_ten_minutes() {
    let (budget, clock) = budget(Sku::S1, 0.5, 0.05);
    budget.quota_exceeded();
    assert!(matches!(budget.admit(OpClass::TwinRead, 1), Admission::Refused(_)));
    assert_eq!(budget.admit(OpClass::Registry, 0), Admission::Go);
    assert!(budget.view().quota_exceeded);
    clock.advance(Duration::from_secs(600));
    assert_eq!(budget.admit(OpClass::TwinRead, 1), Admission::Go);
    charged(&budget, OpClass::TwinRead, 1, 1);
    assert!(!budget.view().quota_exceeded);
}

#[test]
fn a_wall_clock_that_is_set_back_does_not_hand_the_day_out_twice() {
    let later = ManualClock::at("2026-03-05T00:00:01Z".parse().unwrap()).now();
    let earlier = Now { wall: "2026-03-04T23:59:00Z".parse().unwrap(), mono: later.mono };
    let mut core = Core::new(Sku::S1, 1, 0.5, 0.05, later);
    assert_eq!(core.admit(later, OpClass::Query, 7), Admission::Go);
    assert_eq!(core.view(earlier).spent_today, 7);
    assert_eq!(core.view(later).spent_today, 7);
}

#[test]
fn nonsense_shares_are_the_least() {
    for (given, expected) in [(0.0, 0.001), (-1.0, 0.001), (f64::NAN, 0.001), (7.0, 1.0), (0.05, 0.05)] {
        assert!((share(given) - expected).abs() < f64::EPSILON);
    }
    assert_eq!(share_of(400_000, 0.05), 20_000);
}

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_turn_and_in_time() {
    let clock = TokioClock::at(START);
    let budget = Budget::new(Sku::S1, 1, 0.5, 0.05, clock.clone());
    let started = clock.now();
    for call in 0_u64..8 {
        let permit = budget.acquire(OpClass::Query, 1, Duration::from_secs(60)).await.unwrap();
        permit.charge(1);
        let expected = call.saturating_sub(4) * 6;
        assert_eq!(clock.now().since(started).as_secs(), expected, "call {call}");
    }
}

#[tokio::test(start_paused = true)]
async fn patience_ends_with_the_time_of_the_next_chance() {
    let clock = TokioClock::at(START);
    let budget = Budget::new(Sku::S1, 1, 0.5, 0.05, clock.clone());
    let started = clock.now();
    budget.throttled(OpClass::Query, Duration::from_secs(300));
    let why = budget.acquire(OpClass::Query, 1, Duration::from_secs(60)).await.unwrap_err();
    assert_eq!(why, "the hub asked to slow down; queries rest for 5 m");
    assert_eq!(clock.now(), started, "hopeless waits are not begun");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_stands_still_does_not_wait_for_ever() {
    let (budget, _stands_still) = budget(Sku::S1, 0.5, 0.05);
    for _ in 0..5 {
        budget.acquire(OpClass::Query, 1, Duration::ZERO).await.unwrap().charge(1);
    }
    assert!(budget.acquire(OpClass::Query, 1, Duration::from_secs(60)).await.is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Over a whole day, reads never spend more than the share and the overdraft of the last call.
    #[test]
    fn a_day_of_reads_stays_within_the_share(costs in proptest::collection::vec(1_u32..400, 8), gap in 1_u64..90) {
        let clock = ManualClock::at("2026-03-04T00:00:00Z".parse().unwrap());
        let budget = Budget::new(Sku::S1, 1, 1.0, 0.05, clock.clone());
        let mut elapsed = 0;
        for cost in costs.iter().cycle() {
            if elapsed + gap >= 86_400 {
                break;
            }
            if budget.admit(OpClass::TwinRead, 1) == Admission::Go {
                charged(&budget, OpClass::TwinRead, 1, *cost);
            }
            clock.advance(Duration::from_secs(gap));
            elapsed += gap;
        }
        let view = budget.view();
        prop_assert!(view.spent_today <= view.allowed_today + 400, "{}", view.spent_today);
    }
}
