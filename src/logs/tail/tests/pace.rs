//! How often it asks, and what that costs: never more than the day's messages last for, and it says which pace it is.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_it_costs_is_what_was_spent() {
    let bench = Bench::new(&["filter"]);
    for _ in 0..30 {
        bench.write("filter", 1, 20);
        bench.pass(2).await;
    }
    let cost = bench.picture().cost;
    let requests = u64::try_from(bench.requests()).unwrap();
    assert_eq!(cost.spent, requests * 2, "a block each way");
    // Two messages every 2 s.
    assert!((3_580..=3_600).contains(&cost.per_hour), "{cost:?}");
}

/// A free hub: forty messages at once, then one every four minutes. The log is followed as far as that goes.
#[tokio::test(start_paused = true)]
async fn a_small_budget_slows_it_down_and_is_our_own_doing() {
    let bench = Bench::of(Sku::F1, &["filter"]);
    for _ in 0..600 {
        bench.write("filter", 1, 20);
        bench.pass(2).await;
    }
    let picture = bench.picture();
    // The lines themselves are some eighty blocks of half a kilobyte; at two seconds it would be 1,200 and more.
    assert!(picture.cost.spent <= 100, "{:?}", picture.cost);
    assert!(picture.every > Duration::from_secs(10), "{:?}", picture.every);
    assert!(picture.fault.as_ref().is_none_or(|(fault, _)| fault.kind == FaultKind::Budget));
}

/// A paid hub of one unit, whose messages we may use a twentieth of: twenty thousand a day.
#[tokio::test(start_paused = true)]
async fn a_quiet_module_is_followed_for_hours_within_the_share() {
    let bench = Bench::of(Sku::S1, &["filter"]);
    bench.write("filter", 5, 20);
    let (mut slowed, mut last) = (None, 0);
    for hour in 1..=6_u64 {
        for _ in 0..60 {
            bench.write("filter", 2, 20);
            bench.pass(60).await;
            let picture = bench.picture();
            assert_eq!(picture.fault, None, "it slows down before the budget has to say no");
            if slowed.is_none() && picture.every > picture.usual {
                slowed = Some(hour);
            }
        }
        last = bench.picture().cost.spent;
        // A tenth at once, and the rest evenly.
        assert!(last <= 2_000 + 750 * hour + 100, "{last} messages after {hour} h");
    }
    bench.check();
    assert_eq!(slowed, Some(1));
    let picture = bench.picture();
    assert_eq!(picture.usual, Duration::from_secs(2));
    assert!(picture.cost.per_hour <= 850, "{:?} every {:?}", picture.cost, picture.every);
    assert!(last > 5_000, "and no slower than it has to be: {last}");
}

#[tokio::test(start_paused = true)]
async fn a_dark_device_is_asked_ever_more_seldom() {
    let bench = Bench::of(Sku::S1, &["filter"]);
    bench.pass(3).await;
    bench.mood(Mood::Refuses(404, "DeviceNotOnline"));
    bench.pass(125).await;
    let before = bench.requests();
    bench.pass(3_600).await;
    assert!((59..=61).contains(&(bench.requests() - before)), "{} in an hour", bench.requests() - before);
    bench.mood(Mood::Good);
    bench.tail.now();
    bench.pass(1).await;
    assert_eq!((bench.picture().fault.clone(), bench.picture().every), (None, Duration::from_secs(2)));
}

/// A free hub: a retry every minute would be more than the whole share, and then our own refusal would hide why.
#[tokio::test(start_paused = true)]
async fn a_dark_device_is_not_asked_more_often_than_the_share_lasts() {
    let bench = Bench::of(Sku::F1, &["filter"]);
    bench.pass(3).await;
    bench.mood(Mood::Refuses(404, "DeviceNotOnline"));
    for _ in 0..360 {
        bench.pass(60).await;
        let kind = bench.picture().fault.as_ref().map(|(fault, _)| fault.kind.clone());
        assert_eq!(kind, Some(FaultKind::DeviceOffline));
    }
    assert!(bench.picture().cost.spent <= 40 + 90 + 10, "{:?}", bench.picture().cost);
}

/// Two seconds are two seconds from one question to the next, and not from an answer.
#[tokio::test(start_paused = true)]
async fn the_pace_that_is_told_is_the_pace() {
    let bench = Bench::new(&["filter"]);
    bench.pass(60).await;
    let asked: Vec<Duration> = bench.agent.asked.lock().unwrap().iter().map(|(at, _)| *at).collect();
    let apart: Vec<Duration> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(apart.iter().all(|apart| apart.as_millis().abs_diff(2_000) <= 2), "{apart:?}");
    bench.agent.takes(Duration::from_secs(5));
    bench.pass(60).await;
    assert_eq!(bench.picture().every, Duration::from_secs(6), "an answer takes five, and a breath is drawn");
}
