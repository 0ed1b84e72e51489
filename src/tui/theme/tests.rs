//! What every shipped theme promises: completeness, contrast, differences that survive fewer colours; and how a
//! broken file is met.

use ratatui::style::{Color, Modifier, Style};

use super::file::ThemeFile;
use super::{Colour, DEFAULT, Depth, Role, SHIPPED, Theme, Themes, contrast, shipped_text};
use crate::tui::finding::Finding;

const DEPTHS: [Depth; 4] = [Depth::None, Depth::Ansi16, Depth::Indexed256, Depth::True];

/// Roles that carry no text, or none that is not said elsewhere: 3:1 is enough for them.
const LARGE: [Role; 14] = [
    Role::TextFaint,
    Role::Border,
    Role::BorderFocus,
    Role::Spark,
    Role::BarOk,
    Role::BarWarn,
    Role::BarBad,
    Role::BarRest,
    Role::Chart1,
    Role::Chart2,
    Role::Chart3,
    Role::Chart4,
    Role::Chart5,
    Role::Chart6,
];

fn load(name: &str, depth: Depth) -> Theme {
    let (theme, findings) = Themes::shipped().load(name, depth).unwrap();
    assert_eq!(findings, [], "{name}");
    theme
}

fn own(text: &str) -> (Theme, Vec<String>) {
    let mut themes = Themes::shipped();
    themes.add("mine", text);
    let (theme, findings) = themes.load("mine", Depth::True).unwrap();
    (theme, findings.iter().map(Finding::shown).map(String::from).collect())
}

fn rgb(color: Option<Color>) -> (u8, u8, u8) {
    let colour = match color {
        Some(Color::Rgb(r, g, b)) => Colour::Rgb(r, g, b),
        Some(Color::Indexed(index)) => Colour::Index(index),
        other => panic!("{other:?} has no known value"),
    };
    colour.rgb().unwrap()
}

#[test]
fn every_shipped_theme_sets_every_role() {
    for (name, _) in SHIPPED {
        load(name, Depth::True);
        let file = Themes::shipped().gather(name, &mut Vec::new(), &mut Vec::new()).unwrap();
        let missing: Vec<_> = Role::ALL.iter().filter(|role| !file.sets(**role)).map(|role| role.name()).collect();
        assert_eq!(missing, [""; 0], "{name}");
    }
}

#[test]
fn text_can_be_read_on_every_ground() {
    let mut poor = Vec::new();
    for name in ["dark", "light", "high-contrast", "cb-dark"] {
        for depth in [Depth::Indexed256, Depth::True] {
            let theme = load(name, depth);
            let grounds = [
                Role::Bg,
                Role::CursorRow,
                Role::CursorRowUnfocused,
                Role::Dialog,
                Role::EditorLine,
                Role::EditorSelection,
            ];
            for role in Role::ALL {
                let style = theme.style(*role);
                let fg = rgb(style.fg.or(theme.base().fg));
                let under = match style.bg {
                    Some(_) => vec![*role],
                    None if LARGE.contains(role) => vec![Role::Bg],
                    None => grounds.to_vec(),
                };
                let least = if LARGE.contains(role) { 3.0 } else { 4.5 };
                for ground in under {
                    let ratio = contrast(fg, rgb(theme.style(ground).bg));
                    if ratio < least {
                        poor.push(format!("{name} {depth:?}: {} on {}: {ratio:.1}", role.name(), ground.name()));
                    }
                }
            }
        }
    }
    assert_eq!(poor, [""; 0], "{poor:#?}");
}

#[test]
fn what_must_differ_differs_at_every_depth_with_colours() {
    use Role::*;
    let groups: [&[Role]; 9] = [
        &[StatusOk, StatusProgress, StatusWarn, StatusBad, StatusPaused, StatusNone],
        &[DiffAdd, DiffDel, DiffChange, DiffContext, DiffConflict],
        &[ModeReadonly, ModeReadwrite, ModeProduction, ModeSim, ModePaused],
        &[Fresh, Stale, Dead],
        &[Source1, Source2, Source3, Source4, Source5, Source6, Source7, Source8],
        &[ToastInfo, ToastWarn, ToastError],
        &[BarOk, BarWarn, BarBad, BarRest],
        &[Bg, CursorRow],
        &[Bg, EditorSelection],
    ];
    for (name, _) in SHIPPED.iter().filter(|(name, _)| *name != "mono") {
        for depth in [Depth::Ansi16, Depth::Indexed256, Depth::True] {
            let theme = load(name, depth);
            for group in groups {
                for (index, a) in group.iter().enumerate() {
                    for b in group.iter().skip(index + 1) {
                        assert!(theme.style(*a) != theme.style(*b), "{name} {depth:?}: {} is {}", a.name(), b.name());
                    }
                }
            }
        }
    }
}

#[test]
fn no_theme_uses_what_a_depth_does_not_have() {
    for (name, _) in SHIPPED {
        for depth in DEPTHS {
            let theme = load(name, depth);
            for role in Role::ALL {
                let style = theme.style(*role);
                for color in [style.fg, style.bg].into_iter().flatten() {
                    let fits = match color {
                        Color::Rgb(..) => depth == Depth::True,
                        Color::Indexed(index) => depth >= Depth::Indexed256 && index >= 16,
                        // Illegible on some palettes (console-ux T-14).
                        Color::Blue | Color::DarkGray => false,
                        _ => depth >= Depth::Ansi16,
                    };
                    assert!(fits && name != "mono", "{name} {depth:?} {}: {color:?}", role.name());
                }
                let meaningless = Modifier::DIM | Modifier::ITALIC | Modifier::SLOW_BLINK | Modifier::RAPID_BLINK;
                assert!(!style.add_modifier.intersects(meaningless), "{name} {}", role.name());
            }
        }
    }
}

#[test]
fn without_colours_attributes_say_it() {
    for (name, _) in SHIPPED {
        let theme = load(name, Depth::None);
        for (role, attrs) in [
            (Role::CursorRow, Modifier::REVERSED),
            (Role::ButtonFocus, Modifier::REVERSED),
            (Role::EditorCursor, Modifier::REVERSED),
            (Role::StatusBad, Modifier::BOLD),
            (Role::Mark, Modifier::BOLD),
            (Role::Match, Modifier::UNDERLINED),
            (Role::BorderFocus, Modifier::BOLD),
        ] {
            assert!(theme.style(role).add_modifier.contains(attrs), "{name} {}", role.name());
        }
    }
}

#[test]
fn at_16_colours_the_cursor_row_is_reverse() {
    for (name, _) in SHIPPED {
        let style = load(name, Depth::Ansi16).style(Role::CursorRow);
        assert!(style.add_modifier.contains(Modifier::REVERSED) && style.bg.is_none(), "{name}");
    }
}

#[test]
fn a_theme_with_known_grounds_brings_its_whole_palette() {
    let names = |name: &str| -> Vec<String> {
        let table: toml::Table = shipped_text(name).unwrap().parse().unwrap();
        table["palette"].as_table().unwrap().keys().cloned().collect()
    };
    for name in ["light", "high-contrast", "cb-dark"] {
        assert_eq!(names(name), names("dark"), "{name}");
    }
}

#[test]
fn roles_are_told_apart_in_snapshots() {
    let theme = Theme::roles_only();
    for role in Role::ALL {
        assert_eq!(Role::parse(role.name()), Some(*role));
        assert_eq!(Role::from_style(theme.style(*role)), Some(*role));
        let on_cursor = theme.style(Role::CursorRow).patch(theme.style(*role));
        assert_eq!(Role::from_style(on_cursor), Some(*role));
        let ground = if role.is_ground() { *role } else { Role::CursorRow };
        assert_eq!(Role::ground_from_style(on_cursor), Some(ground));
    }
    assert_eq!(Role::from_style(Style::new().fg(Color::Rgb(1, 2, 3))), None);
    assert_eq!(Role::from_style(Style::new()), None);
}

#[test]
fn names_to_the_left_of_a_dot_stand_in() {
    let (theme, findings) = own("inherits = \"none\"\n[roles]\nfg = \"#010203\"\nstatus = \"#040506\"\n");
    assert_eq!(findings, [""; 0]);
    assert_eq!(theme.style(Role::StatusBad).fg, Some(Color::Rgb(4, 5, 6)));
    assert_eq!(theme.style(Role::LogBad).fg, Some(Color::Rgb(1, 2, 3)));
    assert_eq!(theme.style(Role::CursorRow), Style::new());
}

#[test]
fn a_broken_file_is_named_line_by_line_and_the_rest_applies() {
    let text = r##"appearance = "dusk"
flavour = 1
[palette]
deep = "#00"
blood = { color = "#aa0000", ansi = "#ff0000" }
[roles]
"status.bda" = "blood"
"status.bad" = { fg = "blood", attrs = ["bold", "blink"] }
"status.ok" = "gren"
status.warn = "blood"
fg = 7
"##;
    let (theme, findings) = own(text);
    assert_eq!(
        findings,
        [
            "mine.toml:1:14: warning: appearance dusk: it is dark, light or any; ignored",
            "mine.toml:2:1: warning: unknown key flavour; there are name, appearance, inherits, palette, roles; ignored",
            "mine.toml:4:8: warning: no colour #00: it is #rrggbb, index:N, ansi:NAME or default; ignored",
            "mine.toml:5:37: warning: ansi #ff0000: it is ansi:NAME, ansi:bright-NAME or default; ignored",
            "mine.toml:7:1: warning: unknown role status.bda; ignored",
            "mine.toml:8:49: warning: unknown attribute blink; there are bold, underline, reverse, dim, italic, strike; ignored",
            "mine.toml:10:8: warning: unknown member warn; there are fg, bg, attrs, ansi; dotted role names stand in quotes; ignored",
            "mine.toml:11:6: warning: a colour is integer, it should be a string; ignored",
            "mine.toml:9:15: warning: no colour gren: not in the palette, nor #rrggbb, index:N, ansi:NAME or default",
        ]
    );
    let bad = Style::new().fg(Color::Rgb(0xaa, 0, 0)).add_modifier(Modifier::BOLD);
    assert_eq!(theme.style(Role::StatusBad), bad);
    assert_eq!(theme.style(Role::Title), load(DEFAULT, Depth::True).style(Role::Title));
}

#[test]
fn syntax_errors_lose_only_their_line() {
    let (theme, findings) = own("[roles]\nfg = \"#010203\"\nbg = = 3\ntitle = \"#040506\"\n");
    assert!(findings.iter().any(|finding| finding.starts_with("mine.toml:3:")), "{findings:?}");
    assert_eq!(theme.style(Role::Fg).fg, Some(Color::Rgb(1, 2, 3)));
    assert_eq!(theme.style(Role::Title).fg, Some(Color::Rgb(4, 5, 6)));
}

#[test]
fn themes_inherit_and_never_in_circles() {
    let mut themes = Themes::shipped();
    themes.add("dark", "inherits = \"dark\"\n[palette]\nred = \"#ff0000\"\n");
    let (theme, findings) = themes.load("dark", Depth::True).unwrap();
    assert_eq!(findings, []);
    assert_eq!(theme.style(Role::StatusBad).fg, Some(Color::Rgb(0xff, 0, 0)));
    assert_eq!(theme.style(Role::StatusOk), load("dark", Depth::True).style(Role::StatusOk));

    themes.add("a", "inherits = \"b\"\n[roles]\nfg = \"#010203\"\n");
    themes.add("b", "inherits = \"a\"\n");
    let (theme, findings) = themes.load("a", Depth::True).unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(theme.style(Role::Fg).fg, Some(Color::Rgb(1, 2, 3)));
    assert!(ThemeFile::read("x", "").0.inherits.is_none());

    let error = themes.load("no\u{1b}pe", Depth::True).unwrap_err().to_string();
    assert_eq!(error, "no theme no^[pe; there are terminal, dark, light, high-contrast, cb-dark, mono, a, b");
}
