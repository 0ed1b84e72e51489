//! The sanitiser's table (console-ux X-1), the hostile vectors, and what must hold for any text.

use proptest::prelude::*;
use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

use super::sanitise::poses_as_latin;
use super::{LINE_CAP, Shown, Untrusted, VALUE_CAP};

fn shown(raw: &str) -> String {
    Untrusted::from(raw).shown().into()
}

#[test]
fn every_class_of_the_table_has_its_stand_in() {
    for (raw, expected) in [
        ("plain ASCII ~!<>^", "plain ASCII ~!<>^"),
        ("a\0b\x1fc\x7f", "a^@b^_c^?"),
        ("a\tb\nc\r\nd\re", "a^Ib^Jc^M^Jd^Me"),
        ("\u{1b}[2J", "^[[2J"),
        ("\u{9b}31m\u{9d}0;x", "<U+009B>31m<U+009D>0;x"),
        ("\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}", "<U+061C><U+200E><U+200F><U+202A><U+202E>"),
        ("\u{2066}a\u{2069}", "<U+2066>a<U+2069>"),
        ("temp\u{200b}Filter", "temp<U+200B>Filter"),
        (
            "a\u{200d}b\u{2060}c\u{feff}d\u{ad}e\u{180e}f\u{34f}",
            "a<U+200D>b<U+2060>c<U+FEFF>d<U+00AD>e<U+180E>f<U+034F>",
        ),
        ("\u{115f}\u{1160}\u{3164}\u{ffa0}", "<U+115F><U+1160><U+3164><U+FFA0>"),
        ("a\u{fe0f}b\u{e0100}c", "abc"),
        ("\u{e0041}\u{e007f}", "<U+E0041><U+E007F>"),
        ("a\u{2028}b\u{2029}c\u{85}d", "a<U+2028>b<U+2029>c<U+0085>d"),
        ("\u{e000}\u{f8ff}\u{10ffff}\u{ffff}\u{fdd0}", "<U+E000><U+F8FF><U+10FFFF><U+FFFF><U+FDD0>"),
        ("\u{378}", "<U+0378>"),
        ("\u{fff9}", "<U+FFF9>"),
        ("e\u{301}", "e\u{301}"),
        ("\u{301}e", "<U+0301>e"),
        ("\n\u{301}", "^J<U+0301>"),
        ("é ü 設備 Ω µ \u{a0} नि", "é ü 設備 Ω µ \u{a0} नि"),
        ("\u{1f1e9}\u{1f1ea}", "<U+1F1E9><U+1F1EA>"),
        ("10 kΩ 5 μs", "10 kΩ 5 μs"),
        ("gаteway ok", "gаteway[mixed] ok"),
        ("pump Насос", "pump Насос"),
    ] {
        assert_eq!(shown(raw), expected, "{raw:?}");
    }
}

#[test]
fn hostile_vectors_stay_text() {
    for (raw, expected) in [
        ("\u{1b}]52;c;QUJD\u{7}", "^[]52;c;QUJD^G"),
        ("\u{1b}]0;x\u{7}", "^[]0;x^G"),
        ("\u{1b}P$qm\u{1b}\\", "^[P$qm^[\\"),
        ("\u{1b}_x\u{1b}\\", "^[_x^[\\"),
        ("good\rbad", "good^Mbad"),
        ("abc\u{8}\u{8}\u{8}xyz", "abc^H^H^Hxyz"),
        ("id\nwith line", "id^Jwith line"),
        ("👩\u{200d}👩\u{200d}👧", "👩<U+200D>👩<U+200D>👧"),
        ("😀\u{e0067}\u{e007f}", "😀<U+E0067><U+E007F>"),
        ("]]>\"'", "]]>\"'"),
        ("..%2f", "..%2f"),
        ("a:b*?", "a:b*?"),
        ("-rf", "-rf"),
    ] {
        assert_eq!(shown(raw), expected, "{raw:?}");
    }
    let marks = format!("a{}b", "\u{301}".repeat(200));
    assert_eq!(shown(&marks), format!("a{}<+196 marks>b", "\u{301}".repeat(4)));
    let id = "x".repeat(128);
    assert_eq!(shown(&id), id);
    assert_eq!(Untrusted::from_bytes(b"a\xff\xc3(\xe2\x82").raw(), "a<FF><C3>(<E2><82>");
}

#[test]
fn long_text_is_cut_and_says_how_long_it_was() {
    let line = shown(&"y".repeat(1_234_567));
    assert_eq!(line, format!("{}.. 1.2 MB", "y".repeat(LINE_CAP)));
    let lines = Untrusted::from("0123456789\n".repeat(10_000)).shown_lines();
    assert_eq!(lines.last().map(Shown::as_str), Some(".. 110.0 KB"));
    assert!(lines.iter().map(|line| line.as_str().len()).sum::<usize>() <= VALUE_CAP);
    // A cut never falls inside a character.
    assert!(shown(&"é".repeat(LINE_CAP)).starts_with("éé"));
}

#[test]
fn views_of_many_lines_break_and_tabulate() {
    for (raw, expected) in [
        ("a\nb\r\nc\n", vec!["a", "b", "c"]),
        ("a\n\nb", vec!["a", "", "b"]),
        ("a\rb", vec!["a^Mb"]),
        ("\ta\tbcd\tefgh\ti", vec!["    a   bcd efgh    i"]),
        ("設\tx", vec!["設  x"]),
        ("\u{1b}\tx", vec!["^[  x"]),
        ("", vec![]),
    ] {
        let lines = Untrusted::from(raw).shown_lines();
        assert_eq!(lines.iter().map(Shown::as_str).collect::<Vec<_>>(), expected, "{raw:?}");
    }
}

#[test]
fn stand_ins_are_told_from_text() {
    let text = Shown::sanitise("^[ \u{1b}[31mred\u{202e}");
    let pieces: Vec<_> = text.pieces().collect();
    assert_eq!(pieces, [("^[ ", false), ("^[", true), ("[31mred", false), ("<U+202E>", true)]);
    let cut: Vec<_> = Shown::sanitise("\u{202e}abc").fit(6).pieces().map(|(p, e)| (p.to_owned(), e)).collect();
    assert_eq!(cut, [("<U+2".to_owned(), true), ("..".to_owned(), false)]);
}

#[test]
fn terminals_without_unicode_get_numbers() {
    let text = Shown::sanitise("gäte\u{1b}設 ok").to_ascii();
    assert_eq!(text.as_str(), "g<U+00E4>te^[<U+8A2D> ok");
    let escapes: Vec<_> = text.pieces().filter_map(|(piece, escape)| escape.then_some(piece)).collect();
    assert_eq!(escapes, ["<U+00E4>", "^[", "<U+8A2D>"]);
}

#[test]
fn text_is_cut_to_fit() {
    for (raw, width, end, middle) in [
        ("edge-gateway-00231", 18, "edge-gateway-00231", "edge-gateway-00231"),
        ("edge-gateway-00231", 10, "edge-gat..", "edge..0231"),
        ("edge-gateway-00231", 9, "edge-ga..", "edg..0231"),
        ("edge", 3, "e..", "..e"),
        ("edge", 2, "..", ".."),
        ("edge", 1, ".", "."),
        ("edge", 0, "", ""),
        ("設備設備", 7, "設備 ..", "設.. 備"),
        ("e\u{301}xyz", 3, "e\u{301}..", "..z"),
    ] {
        let text = Shown::sanitise(raw);
        assert_eq!(text.fit(width).as_str(), end, "{raw} to {width}");
        assert_eq!(text.fit_middle(width).as_str(), middle, "{raw} to {width}");
    }
}

/// The rule as the reference writes it, not as the sanitiser's table has it.
fn forbidden(c: char) -> bool {
    let number = u32::from(c);
    c.is_control()
        || number & 0xfffe == 0xfffe
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}' | '\u{180e}' | '\u{34f}' | '\u{115f}' | '\u{1160}'
            | '\u{3164}' | '\u{ffa0}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e01ef}' | '\u{e000}'..='\u{f8ff}'
            | '\u{f0000}'..='\u{10ffff}' | '\u{fdd0}'..='\u{fdef}')
}

fn most_marks_on_a_base(text: &str) -> usize {
    let is_mark = |c: char| matches!(c, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20f0}');
    text.split(|c| !is_mark(c)).map(|run| run.chars().count()).max().unwrap_or(0)
}

/// Text with more than its share of what the sanitiser is for.
fn nasty() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<char>().prop_map(String::from),
        "[ -~]{0,8}",
        "[\\x00-\\x1f\u{7f}-\u{9f}]",
        "[\u{300}-\u{36f}]{1,9}",
        "[\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{e0000}-\u{e01ef}\u{fe00}-\u{fe0f}]",
        "[\u{4e00}-\u{4e10}\u{1f600}-\u{1f610}\u{ff9e}\u{ff76}\u{1100}-\u{11ff}\u{430}-\u{440}]",
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_forbidden_comes_out(raw in nasty()) {
        let whole = Untrusted::from(raw.as_str());
        for line in whole.shown_lines().iter().chain([&whole.shown()]) {
            prop_assert!(!line.as_str().chars().any(forbidden), "{:?}", line);
            prop_assert!(most_marks_on_a_base(line.as_str()) <= 4, "{:?}", line);
            prop_assert_eq!(line.pieces().map(|(piece, _)| piece).collect::<String>(), line.as_str());
            for (piece, escape) in line.pieces() {
                prop_assert!(!escape || piece.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
            }
        }
    }

    #[test]
    fn what_was_shown_is_shown_unchanged(raw in nasty()) {
        // Caret notation beside a Cyrillic letter is itself a word of two scripts.
        let once = shown(&raw.chars().filter(|c| !poses_as_latin(*c)).collect::<String>());
        prop_assert_eq!(shown(&once), once);
    }

    #[test]
    fn printable_ascii_passes_unchanged(raw in "[ -~]{0,200}") {
        prop_assert_eq!(shown(&raw), raw);
    }

    #[test]
    fn widths_are_those_the_screen_uses(raw in nasty(), width in 0_usize..30) {
        let text = Shown::sanitise(&raw);
        let cells: usize = text.as_str().graphemes(true).map(|g| usize::from(g.cell_width())).sum();
        prop_assert_eq!(text.width(), cells);
        prop_assert_eq!(text.fit(width).width(), width.min(text.width()));
        prop_assert_eq!(text.fit_middle(width).width(), width.min(text.width()));
        prop_assert_eq!(text.fit(width).fit(width), text.fit(width));
    }
}
