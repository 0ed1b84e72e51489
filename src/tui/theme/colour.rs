//! Colours as theme files write them, what they become on terminals with fewer, and how far apart they are.

use std::fmt;

use ratatui::style::Color;

/// A colour of a theme file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// The terminal's own foreground or background.
    Default,
    /// One of the 16 the terminal's user chose, 0..=15.
    Ansi(u8),
    /// One of the 256; below 16 it is the user's as well.
    Index(u8),
    /// Exactly this red, green and blue.
    Rgb(u8, u8, u8),
}

const ANSI_NAMES: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/// xterm's own values of the 16 colours: a guess at what the user's are.
const ANSI_RGB: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// Blue is illegible on the usual dark grounds, and bright black is the ground in some palettes (console-ux T-14).
const NOT_FOR_TEXT: [u8; 2] = [4, 8];

impl Colour {
    /// Reads `#rrggbb`, `index:151`, `ansi:red`, `ansi:bright-red` or `default`; anything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "default" {
            Some(Self::Default)
        } else if let Some(hex) = text.strip_prefix('#') {
            let value = u32::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 6 && !hex.starts_with('+'))?;
            let [_, r, g, b] = value.to_be_bytes();
            Some(Self::Rgb(r, g, b))
        } else if let Some(number) = text.strip_prefix("index:") {
            number.parse().ok().map(Self::Index)
        } else {
            let name = text.strip_prefix("ansi:")?;
            let (name, offset) = name.strip_prefix("bright-").map_or((name, 0), |name| (name, 8));
            let position = ANSI_NAMES.iter().position(|known| *known == name)?;
            u8::try_from(position).ok().map(|position| Self::Ansi(position + offset))
        }
    }

    /// The same colour, or the nearest, among the 256 (console-ux T-12: never one of the first 16).
    #[must_use]
    pub fn to_256(self) -> Self {
        match self {
            Self::Rgb(r, g, b) => Self::Index(nearest((r, g, b), 16..=255)),
            _ => self,
        }
    }

    /// The nearest of the 16 that is fit for text.
    #[must_use]
    pub fn to_16(self) -> Self {
        match self {
            Self::Default | Self::Ansi(_) => self,
            Self::Index(index @ 0..16) => Self::Ansi(index),
            Self::Index(_) | Self::Rgb(..) => self.rgb().map_or(Self::Default, |rgb| {
                Self::Ansi(nearest(rgb, (0..16).filter(|index| !NOT_FOR_TEXT.contains(index))))
            }),
        }
    }

    /// Red, green and blue, where they are known: not for `default`; a guess for the 16.
    #[must_use]
    pub fn rgb(self) -> Option<(u8, u8, u8)> {
        match self {
            Self::Default => None,
            Self::Rgb(r, g, b) => Some((r, g, b)),
            Self::Ansi(index) | Self::Index(index) => Some(indexed_rgb(index)),
        }
    }

    pub(super) fn to_ratatui(self) -> Color {
        match self {
            Self::Default => Color::Reset,
            Self::Rgb(r, g, b) => Color::Rgb(r, g, b),
            Self::Index(index) => Color::Indexed(index),
            Self::Ansi(index) => match index {
                0 => Color::Black,
                1 => Color::Red,
                2 => Color::Green,
                3 => Color::Yellow,
                4 => Color::Blue,
                5 => Color::Magenta,
                6 => Color::Cyan,
                7 => Color::Gray,
                8 => Color::DarkGray,
                9 => Color::LightRed,
                10 => Color::LightGreen,
                11 => Color::LightYellow,
                12 => Color::LightBlue,
                13 => Color::LightMagenta,
                14 => Color::LightCyan,
                _ => Color::White,
            },
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Rgb(r, g, b) => write!(f, "#{r:02x}{g:02x}{b:02x}"),
            Self::Index(index) => write!(f, "index:{index}"),
            Self::Ansi(index) => {
                let bright = if *index >= 8 { "bright-" } else { "" };
                write!(f, "ansi:{bright}{}", ANSI_NAMES.get(usize::from(index % 8)).unwrap_or(&"white"))
            }
        }
    }
}

/// Contrast of two colours by WCAG's formula: 1 (the same) to 21 (black on white).
#[must_use]
pub fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
    let luminance = |(r, g, b)| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// What the 256 look like: the user's 16 as xterm has them, a cube of 6 levels, and 24 greys.
fn indexed_rgb(index: u8) -> (u8, u8, u8) {
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    match index {
        0..16 => ANSI_RGB.get(usize::from(index)).copied().unwrap_or_default(),
        16..232 => {
            let cube = index - 16;
            (level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

fn nearest(rgb: (u8, u8, u8), candidates: impl Iterator<Item = u8>) -> u8 {
    let wanted = oklab(rgb);
    let distance = |index: &u8| {
        let found = oklab(indexed_rgb(*index));
        wanted.iter().zip(found).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
    };
    candidates.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(7)
}

fn linear(channel: u8) -> f64 {
    let c = f64::from(channel) / 255.0;
    if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

/// Björn Ottosson's OKLab, in which distances are about those the eye sees.
fn oklab((r, g, b): (u8, u8, u8)) -> [f64; 3] {
    let (r, g, b) = (linear(r), linear(g), linear(b));
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colours_are_read_and_printed() {
        for text in ["default", "#1a2b3c", "index:151", "ansi:red", "ansi:bright-red", "ansi:bright-black"] {
            assert_eq!(Colour::parse(text).map(|colour| colour.to_string()).as_deref(), Some(text));
        }
        for text in ["", "red", "#12345", "#1234567", "#+12345", "#gggggg", "index:256", "ansi:pink", "bright-red"] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
    }

    #[test]
    fn colours_degrade_to_the_nearest() {
        for (rgb, index, ansi) in
            [("#000000", 16, 0), ("#ffffff", 231, 15), ("#5fd7af", 79, 6), ("#ff0000", 196, 9), ("#0000ee", 21, 12)]
        {
            let colour = Colour::parse(rgb).unwrap();
            assert_eq!(colour.to_256(), Colour::Index(index), "{rgb}");
            assert_eq!(colour.to_16(), Colour::Ansi(ansi), "{rgb}");
        }
        assert_eq!(Colour::Default.to_16(), Colour::Default);
        assert_eq!(Colour::Index(9).to_16(), Colour::Ansi(9));
    }

    #[test]
    fn contrast_is_wcags() {
        assert!((contrast((0, 0, 0), (255, 255, 255)) - 21.0).abs() < 1e-9);
        assert!((contrast((0x77, 0x77, 0x77), (255, 255, 255)) - 4.48).abs() < 0.01);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn mapping_keeps_away_from_colours_users_redefine(r: u8, g: u8, b: u8) {
            let mapped = Colour::Rgb(r, g, b).to_256();
            prop_assert!(matches!(mapped, Colour::Index(16..=255)));
            prop_assert!(!matches!(mapped.to_16(), Colour::Ansi(4 | 8)));
        }

        #[test]
        fn a_colour_of_the_256_maps_to_its_own_picture(index in 16_u8..) {
            let (r, g, b) = indexed_rgb(index);
            prop_assert_eq!(Colour::Rgb(r, g, b).to_256().rgb(), Some((r, g, b)));
        }
    }
}
