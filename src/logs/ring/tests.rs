//! A ring against the plainest model of one: a sorted list.

use proptest::prelude::*;

use super::*;
use crate::logs::continuity::{Gap, GapCause};
use crate::logs::entry::{Severity, Stream};

fn row(ring: &mut Ring, module: &str, at: i64, arrival: u64, level: u8, text: &str) -> Row {
    let source = ring.source(&ModuleId::from_wire(module)).unwrap();
    let level = Level::new(level).unwrap();
    let entry = Entry { time: None, stream: Stream::Out, severity: Severity::Said(level), text: text.into() };
    let content = Content::Line { entry, continues: false };
    Row {
        id: LineId { at, source, arrival },
        source,
        arrived: Timestamp::UNIX_EPOCH,
        late: false,
        level,
        polling: false,
        content,
    }
}

fn filled(lines: u64, caps: Caps) -> Ring {
    let mut ring = Ring::new(caps);
    for number in 0..lines {
        let row = row(&mut ring, "m", i64::try_from(number).unwrap(), number, 6, &format!("line {number}"));
        ring.add(row);
    }
    ring
}

fn ids(picture: &Picture) -> Vec<u64> {
    picture.all(Filter::default()).map(|row| row.id.arrival).collect()
}

#[test]
fn the_caps_are_kept_and_what_went_is_counted() {
    let caps = Caps { rows: 1_000, bytes: usize::MAX };
    let picture = filled(5_000, caps).picture();
    assert!((750..=1_000).contains(&picture.rows()), "{}", picture.rows());
    assert_eq!(picture.dropped() + u64::try_from(picture.rows()).unwrap(), 5_000);
    assert_eq!(picture.last().unwrap().text(), "line 4999");
    let source = picture.source(&ModuleId::from_wire("m")).unwrap();
    assert_eq!(picture.lines(source)[6], picture.rows());

    let small = filled(1_000, Caps { rows: 100, bytes: usize::MAX }).picture();
    assert!(small.dropped() > 0 && small.dropped() + u64::try_from(small.rows()).unwrap() == 1_000, "{}", small.rows());

    let mut ring = Ring::new(Caps { rows: usize::MAX, bytes: 1024 * 1024 });
    for number in 0..2_000 {
        let row = row(&mut ring, "m", i64::try_from(number).unwrap(), number, 6, &"x".repeat(4_096));
        ring.add(row);
        assert!(ring.totals.bytes <= 1024 * 1024);
    }
    assert!(ring.totals.rows > 200);
}

/// What the design asks of memory: two hundred thousand rows and 64 MiB, and short lines reach the one before the other.
#[test]
fn bytes_are_those_of_memory() {
    assert_eq!(Caps::default(), Caps { rows: 200_000, bytes: 64 * 1024 * 1024 });
    let ring = filled(10_000, Caps::default());
    let per_row = ring.totals.bytes / 10_000;
    assert!(per_row >= size_of::<Row>() + "line 1234".len(), "{per_row}");
    assert!(per_row * Caps::default().rows < Caps::default().bytes, "they fit: {per_row} bytes each");
}

#[test]
fn a_picture_stays_as_it_was_and_shares_all_chunks_but_one() {
    let mut ring = filled(2_000, Caps::default());
    let before = ring.picture();
    for number in 2_000..2_010 {
        let row = row(&mut ring, "m", number, u64::try_from(number).unwrap(), 6, "new");
        ring.add(row);
    }
    let after = ring.picture();
    assert_eq!((before.rows(), after.rows()), (2_000, 2_010));
    let shared = before.chunks().iter().zip(after.chunks()).filter(|(old, new)| Arc::ptr_eq(old, new)).count();
    assert_eq!(shared, before.chunks().len() - 1);
}

#[test]
fn a_reader_that_stopped_keeps_its_place_and_hears_what_it_missed() {
    let mut ring = filled(1_000, Caps { rows: 1_000, bytes: usize::MAX });
    let picture = ring.picture();
    let mark = picture.bookmark(LineId { at: 500, source: Source(0), arrival: 500 });
    let mut number = 1_000;
    let mut lost = Vec::new();
    for _ in 0..4 {
        for _ in 0..250 {
            let row = row(&mut ring, "m", number, u64::try_from(number).unwrap(), 6, "new");
            ring.add(row);
            number += 1;
        }
        let picture = ring.picture();
        lost.push(picture.lost(mark));
        if picture.lost(mark) > 0 {
            assert_eq!(picture.get(mark.id()), None);
            assert_eq!(picture.first().unwrap().id.arrival - 500, picture.lost(mark), "exactly those");
        } else {
            assert_eq!(picture.get(mark.id()).map(Row::text), Some("line 500"));
        }
    }
    assert_eq!((lost[0], lost.is_sorted(), lost[3] > 0), (0, true, true));
}

#[test]
fn filters_take_levels_modules_and_every_mark() {
    let mut ring = Ring::new(Caps::default());
    for (number, (module, level)) in [("a", 3), ("b", 6), ("a", 7), ("b", 4)].into_iter().enumerate() {
        let number = u64::try_from(number).unwrap();
        let row = row(&mut ring, module, 0, number, level, module);
        ring.add(row);
    }
    let gap = Gap { after: None, before: None, cause: GapCause::Anew };
    let mark = Row { content: Content::Mark(Mark::Gap(gap)), ..row(&mut ring, "b", 0, 4, 6, "") };
    ring.add(mark);
    let picture = ring.picture();
    let [a, b] = ["a", "b"].map(|name| picture.source(&ModuleId::from_wire(name)).unwrap());
    let shown = |filter: Filter| picture.all(filter).map(|row| row.id.arrival).collect::<Vec<_>>();
    let mut filter = Filter::down_to(Level::WARNING);
    assert_eq!(shown(filter), [0, 3, 4]);
    filter.toggle(a);
    assert_eq!((shown(filter), filter.shows(a), filter.shows(b)), (vec![3, 4], false, true));
    filter.toggle(a);
    filter.toggle(b);
    assert_eq!(shown(filter), [0]);
    assert_eq!((picture.lines(a), picture.lines(b)), ([0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0, 1, 0]));
}

#[test]
fn there_is_no_sixty_fifth_module() {
    let mut ring = Ring::new(Caps::default());
    let known = (0..100).filter(|number| ring.source(&ModuleId::from_wire(format!("m{number}"))).is_some()).count();
    assert_eq!(known, Source::MOST);
    assert_eq!(ring.source(&ModuleId::from_wire("m7")).map(Source::index), Some(7));
}

#[test]
fn a_search_reads_in_slices_and_never_twice() {
    let mut ring = filled(5_000, Caps::default());
    let mut search = Search::literal("line 4").unwrap();
    let picture = ring.picture();
    let mut slices = 0;
    let progress = loop {
        let progress = search.step(&picture, 10_000);
        slices += 1;
        if progress.done {
            break progress;
        }
    };
    assert_eq!(progress.hits, 1_111);
    let text: usize = picture.chunks().iter().map(|chunk| chunk.text()).sum();
    assert!(slices >= text / 20_000, "{slices} slices for {text} bytes");
    assert_eq!(search.step(&picture, 1), Progress { hits: 1_111, done: true });

    let row = row(&mut ring, "m", 5_000, 5_000, 6, "line 4 again");
    let id = row.id;
    ring.add(row);
    let picture = ring.picture();
    assert_eq!(search.step(&picture, 1), Progress { hits: 1_112, done: true }, "one chunk is new");
    assert_eq!(search.previous(&picture, id, Filter::default()).map(|id| id.arrival), Some(4_999));
    assert_eq!(
        search
            .next(&picture, LineId { at: 499, source: Source(0), arrival: 499 }, Filter::default())
            .map(|id| id.arrival),
        Some(4_000)
    );
    assert_eq!(search.next(&picture, id, Filter::default()), None);
    assert_eq!(
        (search.rank(&picture, id), search.rank(&picture, LineId { at: 4, source: Source(0), arrival: 4 })),
        (1_112, 1)
    );
}

#[test]
fn case_and_expressions() {
    let mut ring = Ring::new(Caps::default());
    let row = row(&mut ring, "m", 0, 0, 6, "Segfault (signal 11)");
    ring.add(row.clone());
    let hits = |search: Result<Search, SearchError>| search.unwrap().step(&ring.picture(), 1).hits;
    for (search, expected) in [
        (Search::literal("segfault ("), 1),
        (Search::literal("Segfault"), 1),
        (Search::literal("SEGFAULT"), 0),
        (Search::regex("signal [0-9]+"), 1),
        (Search::regex("^signal"), 0),
    ] {
        assert_eq!(hits(search), expected);
    }
    let ranges: Vec<_> = Search::regex("[0-9]*").unwrap().ranges(&row).collect();
    assert_eq!(ranges, vec![std::ops::Range { start: 17, end: 19 }]);
    assert_eq!(Search::regex("(a").unwrap_err().to_string(), "unclosed group");
    assert!(Search::regex("(a{1000}){1000}").is_err(), "what would fill the memory");
}

#[derive(Debug, Clone)]
enum Change {
    Add { back: u16, level: u8, module: u8, text: u8 },
    Look,
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let back = prop_oneof![6 => Just(0_u16), 2 => 0_u16..20, 1 => any::<u16>()];
    let add = (back, 0_u8..8, 0_u8..3, any::<u8>()).prop_map(|(back, level, module, text)| Change::Add {
        back,
        level,
        module,
        text,
    });
    proptest::collection::vec(prop_oneof![40 => add, 1 => Just(Change::Look)], 1..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Wherever rows are put, they stand in order, the youngest of them are kept, pictures do not change, and a search in
    /// slices finds what reading everything finds.
    #[test]
    fn a_ring_is_the_end_of_a_sorted_list(changes in changes(), rows in 4_usize..200, level in 0_u8..8, hide in any::<bool>()) {
        let mut ring = Ring::new(Caps { rows, bytes: usize::MAX });
        let mut model: Vec<(LineId, u8, u8, String)> = Vec::new();
        let mut search = Search::literal("7").unwrap();
        let mut old: Option<(Picture, Vec<u64>)> = None;
        let mut filter = Filter::down_to(Level::new(level).unwrap());
        if hide && let Some(source) = ring.source(&ModuleId::from_wire("0")) {
            filter.toggle(source);
        }
        for (number, change) in changes.into_iter().enumerate() {
            let arrival = u64::try_from(number).unwrap();
            match change {
                Change::Add { back, level, module, text } => {
                    let at = i64::try_from(number).unwrap() - i64::from(back);
                    let text = text.to_string();
                    let row = row(&mut ring, &module.to_string(), at, arrival, level, &text);
                    let place = model.partition_point(|(id, ..)| *id < row.id);
                    model.insert(place, (row.id, level, module, text));
                    ring.add(row);
                    prop_assert!(ring.totals.rows <= rows);
                    model.drain(..model.len() - ring.totals.rows);
                }
                Change::Look => {
                    let picture = ring.picture();
                    let kept: Vec<u64> = model.iter().map(|(id, ..)| id.arrival).collect();
                    prop_assert_eq!(&ids(&picture), &kept);
                    search.step(&picture, 40);
                    if let Some((picture, expected)) = old.replace((picture, kept)) {
                        prop_assert_eq!(ids(&picture), expected);
                    }
                }
            }
        }
        let picture = ring.picture();
        let expected: Vec<LineId> = model.iter().filter(|(_, of, module, _)| *of <= level && !(hide && *module == 0)).map(|(id, ..)| *id).collect();
        prop_assert_eq!(&picture.all(filter).map(|row| row.id).collect::<Vec<_>>(), &expected);
        for (index, (id, ..)) in model.iter().enumerate() {
            prop_assert_eq!(picture.index(*id), index);
            prop_assert_eq!(picture.get(*id).map(|row| row.id), Some(*id));
            prop_assert_eq!(picture.from(*id, filter).next().map(|row| row.id), expected.iter().find(|shown| *shown >= id).copied());
            prop_assert_eq!(picture.before(*id, filter).next().map(|row| row.id), expected.iter().rev().find(|shown| *shown < id).copied());
            prop_assert_eq!(picture.lost(picture.bookmark(*id)), 0);
        }
        while !search.step(&picture, 40).done {}
        let hits: Vec<LineId> = model.iter().filter(|(.., text)| text.contains('7')).map(|(id, ..)| *id).collect();
        let everything = Filter::default();
        let mut found = Vec::new();
        let mut at = LineId { at: i64::MIN, source: Source(0), arrival: 0 };
        while let Some(hit) = search.next(&picture, at, everything) {
            found.push(hit);
            at = hit;
        }
        prop_assert_eq!(found, hits);
    }
}

/// Not a clock but the count of copies: rows put within the last seconds touch their own chunk and nothing else.
#[test]
fn a_row_put_among_the_last_ones_copies_one_chunk() {
    let mut ring = filled(10_000, Caps::default());
    let before = ring.picture();
    let row = row(&mut ring, "m", 9_900, 20_000, 6, "late");
    ring.add(row);
    let after = ring.picture();
    let shared = after.chunks().iter().filter(|new| before.chunks().iter().any(|old| Arc::ptr_eq(old, new))).count();
    assert!(after.chunks().len() - shared <= 2, "one chunk, or the two halves of one");
    assert_eq!(after.rows(), 10_001);
}
