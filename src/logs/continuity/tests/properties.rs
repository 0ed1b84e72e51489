//! Whatever happens to log, clock, requests and answers.

use proptest::prelude::*;

use super::*;

/// Something happens to the log, or somebody asks.
#[derive(Debug, Clone)]
enum Turn {
    Happens(Event),
    Poll(Fate, Vec<Event>),
}

fn writing() -> impl Strategy<Value = Event> {
    let every = prop_oneof![3 => Just(0), 3 => 1_i64..1_000, 4 => 1_000..SECOND];
    let few = (0_u16..12, every.clone(), 0_u16..60, any::<bool>());
    let many = (50_u16..400, every, prop_oneof![3 => 0_u16..60, 2 => 500_u16..3_000], any::<bool>());
    let event = |(lines, every, length, plain)| Event::Write { lines, every, length, plain };
    prop_oneof![8 => few.prop_map(event), 1 => many.prop_map(event)]
}

fn happening() -> impl Strategy<Value = Event> + Clone {
    prop_oneof![
        12 => writing(),
        2 => (1..10 * SECOND).prop_map(Event::Pass),
        1 => (1..4 * SECOND).prop_map(Event::Back),
        1 => (1..4_000 * SECOND).prop_map(Event::Back),
        1 => (1..4_000 * SECOND).prop_map(Event::Forward),
        1 => prop_oneof![0_u16..4, 0_u16..200].prop_map(Event::Rotate),
        1 => Just(Event::Recreate),
        1 => Just(Event::Vanish),
        1 => Just(Event::Return),
    ]
    .boxed()
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![10 => Just(Fate::Delivered), 1 => Just(Fate::NotSent), 1 => Just(Fate::Lost), 1 => Just(Fate::Stale)]
}

fn turns(event: impl Strategy<Value = Event> + Clone + 'static, most: usize) -> impl Strategy<Value = Vec<Turn>> {
    let poll = (fate(), proptest::collection::vec(event.clone(), 0..2));
    let turn =
        prop_oneof![3 => event.prop_map(Turn::Happens), 2 => poll.prop_map(|(fate, events)| Turn::Poll(fate, events))];
    proptest::collection::vec(turn, 1..most)
}

/// Lets it all happen, writes a last line, and asks until it is there.
fn follow(following: Following, turns: &[Turn]) -> Bench {
    let mut bench = Bench::new(following);
    for turn in turns {
        match turn {
            Turn::Happens(event) => bench.device.happen(event),
            Turn::Poll(fate, meanwhile) => drop(bench.poll(*fate, meanwhile)),
        }
    }
    bench.device.happen(&Event::Write { lines: 1, every: 2 * SECOND, length: 0, plain: false });
    (0..4).for_each(|_| drop(bench.ask()));
    bench
}

/// As many as `PROPTEST_CASES` says, and fewer than usual without it: each case is a whole story.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig { max_shrink_iters: 3_000, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { usual } else { ProptestConfig { cases: 64, ..usual } }
}

proptest! {
    #![proptest_config(cases())]

    /// The heart: line by line in order, what was followed is what was written, and a line is missing only where a gap
    /// is drawn between the two lines it lies between.
    #[test]
    fn nothing_is_missing_but_in_a_gap(opening in 1_u32..200, turns in turns(happening(), 40)) {
        let bench = follow(tail(opening), &turns);
        prop_assert_eq!(bench.check(None), Ok(()));
    }

    /// And a gap is not drawn for nothing: clocks, lost answers and absent modules are no reason.
    #[test]
    fn no_gap_without_a_loss(turns in turns(gentle(), 40)) {
        let bench = follow(tail(50), &turns);
        prop_assert_eq!(bench.check(None), Ok(()));
        prop_assert_eq!(bench.gaps(), vec![]);
    }

    /// By time, as long as the clock is not set back.
    #[test]
    fn nothing_is_missing_from_a_narrowed_log(turns in turns(forward(), 40)) {
        let following = Following { opening: Opening::Last(Duration::from_secs(60)), regex: Some("[02468] x*$".into()) };
        let regex = following.regex.clone();
        let mut bench = follow(following, &turns);
        // The last line may not match.
        bench.device.happen(&Event::Write { lines: 2, every: SECOND / 2, length: 0, plain: false });
        (0..4).for_each(|_| drop(bench.ask()));
        prop_assert_eq!(bench.check(regex.as_deref()), Ok(()));
    }
}

/// What loses no line, and no more of them than one answer holds.
fn gentle() -> impl Strategy<Value = Event> + Clone {
    let every = prop_oneof![1 => Just(0), 3 => 1_i64..SECOND];
    prop_oneof![
        6 => (0_u16..10, every, 0_u16..40, any::<bool>()).prop_map(|(lines, every, length, plain)| Event::Write { lines, every, length, plain }),
        1 => (1..10 * SECOND).prop_map(Event::Pass),
        1 => (1..4 * SECOND).prop_map(Event::Back),
        1 => (1..4_000 * SECOND).prop_map(Event::Back),
        1 => (1..4_000 * SECOND).prop_map(Event::Forward),
        1 => Just(Event::Vanish),
        1 => Just(Event::Return),
    ]
    .boxed()
}

/// Everything but a clock that is set back.
fn forward() -> impl Strategy<Value = Event> + Clone {
    happening().prop_map(|event| if let Event::Back(ticks) = event { Event::Forward(ticks) } else { event }).boxed()
}
