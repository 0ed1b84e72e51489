//! The editions of IoT Hub. The data plane does not tell which one a hub is; the configuration does.

/// A hub's edition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sku {
    /// Free: one unit, 8,000 messages a day, metered per 0.5 KB.
    F1,
    /// Basic 1; no twins, methods or deployments.
    B1,
    /// Basic 2.
    B2,
    /// Basic 3.
    B3,
    /// Standard 1: 400,000 messages a day and unit.
    S1,
    /// Standard 2: 6,000,000 messages a day and unit.
    S2,
    /// Standard 3: 300,000,000 messages a day and unit.
    S3,
}

impl Sku {
    /// Every edition, the smallest first.
    pub const ALL: [Self; 7] = [Self::F1, Self::B1, Self::B2, Self::B3, Self::S1, Self::S2, Self::S3];

    /// Reads `F1`, `s1`, …; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sku| sku.name().eq_ignore_ascii_case(text.trim()))
    }

    /// Its name as Microsoft writes it: `S1`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F1 => "F1",
            Self::B1 => "B1",
            Self::B2 => "B2",
            Self::B3 => "B3",
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(Sku::parse(" s2 "), Some(Sku::S2));
        assert_eq!(Sku::parse("S9"), None);
        assert!(Sku::ALL.iter().all(|sku| Sku::parse(sku.name()) == Some(*sku)));
    }
}
