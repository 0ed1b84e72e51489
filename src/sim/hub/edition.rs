//! What the simulated hub was bought as, and what that allows: operations per class, messages a day, the size of a
//! message. From the service's pages on throttling and pricing, and written apart from the console's own table on purpose,
//! so that each finds the other's mistakes.

use std::time::Duration;

/// What is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sku {
    /// Free.
    F1,
    /// Basic: no twins, methods, or configurations.
    B1,
    /// Basic, the second.
    B2,
    /// Basic, the third.
    B3,
    /// Standard.
    S1,
    /// Standard, the second.
    S2,
    /// Standard, the third.
    S3,
}

impl Sku {
    /// All, as they are listed.
    pub const ALL: [Self; 7] = [Self::F1, Self::B1, Self::B2, Self::B3, Self::S1, Self::S2, Self::S3];

    /// `F1`.
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

    /// `s1` too; nothing for what is not sold.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sku| sku.name().eq_ignore_ascii_case(text))
    }

    fn most_units(self) -> u32 {
        match self {
            Self::F1 => 1,
            Self::B1 | Self::S1 | Self::B2 | Self::S2 => 200,
            Self::B3 | Self::S3 => 10,
        }
    }
}

/// A sku and how many units of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edition {
    sku: Sku,
    units: u32,
}

impl Default for Edition {
    fn default() -> Self {
        Self { sku: Sku::S1, units: 1 }
    }
}

impl Edition {
    /// So many units.
    ///
    /// # Errors
    /// A sentence when so many are not sold.
    pub fn new(sku: Sku, units: u32) -> Result<Self, String> {
        let most = sku.most_units();
        if (1..=most).contains(&units) {
            return Ok(Self { sku, units });
        }
        let sold = if most == 1 { "one unit only".to_owned() } else { format!("1 to {most} units") };
        Err(format!("{} is sold with {sold}, not {units}", sku.name()))
    }

    /// What it is.
    #[must_use]
    pub fn sku(self) -> Sku {
        self.sku
    }

    /// How many of it.
    #[must_use]
    pub fn units(self) -> u32 {
        self.units
    }

    /// Whether it takes as few configurations as a free hub.
    pub(super) fn is_free(self) -> bool {
        self.sku == Sku::F1
    }

    /// Whether it has neither twins nor methods nor configurations.
    pub(super) fn is_basic(self) -> bool {
        matches!(self.sku, Sku::B1 | Sku::B2 | Sku::B3)
    }

    /// Messages a day, of all units together.
    #[must_use]
    pub fn messages_a_day(self) -> u64 {
        let of_one: u64 = match self.sku {
            Sku::F1 => 8_000,
            Sku::B1 | Sku::S1 => 400_000,
            Sku::B2 | Sku::S2 => 6_000_000,
            Sku::B3 | Sku::S3 => 300_000_000,
        };
        of_one.saturating_mul(self.units.into())
    }

    /// The messages a payload is counted as: each started block, and one for an empty one.
    pub(super) fn messages(self, bytes: usize) -> u64 {
        let block = if self.is_free() { 512 } else { 4_096 };
        u64::try_from(bytes.div_ceil(block).max(1)).unwrap_or(u64::MAX)
    }

    /// Scheduled jobs that may be under way or wait for their start at once.
    pub(super) fn jobs_at_once(self) -> usize {
        match self.sku {
            Sku::F1 | Sku::B1 | Sku::S1 => 1,
            Sku::B2 | Sku::S2 => 5,
            Sku::B3 | Sku::S3 => 10,
        }
    }

    /// From one device of a job to its next.
    pub(super) fn job_turn(self) -> Duration {
        let each_second = match self.sku {
            Sku::F1 | Sku::B1 | Sku::S1 => 10,
            Sku::B2 | Sku::S2 => self.units.max(10),
            Sku::B3 | Sku::S3 => self.units.saturating_mul(50),
        };
        Duration::from_secs(1) / each_second.max(1)
    }

    /// How many operations of a class it serves in how much time.
    pub(super) fn rate(self, class: Class) -> Rate {
        const SECOND: Duration = Duration::from_secs(1);
        const MINUTE: Duration = Duration::from_secs(60);
        // Of the first, the second and the third of each tier.
        let pick = |first: u32, second: u32, third: u32| match self.sku {
            Sku::F1 | Sku::B1 | Sku::S1 => first,
            Sku::B2 | Sku::S2 => second,
            Sku::B3 | Sku::S3 => third,
        };
        let each = |count: u32| count.saturating_mul(self.units);
        let (count, per) = match class {
            Class::Registry => (each(pick(100, 100, 5_000)), MINUTE),
            Class::Query => (each(pick(20, 20, 1_000)), MINUTE),
            Class::Job => (each(pick(100, 100, 5_000)), MINUTE),
            Class::Configuration => (each(20), MINUTE),
            Class::TwinRead => (pick(100, each(10).max(100), each(500)), SECOND),
            Class::TwinWrite => (pick(50, each(5).max(50), each(250)), SECOND),
            // 160 KB, 480 KB and 24 MB of requests in steps of 4 KB.
            Class::Method => (each(pick(40, 120, 6_000)), SECOND),
        };
        Rate { count, per }
    }
}

/// Operations that are throttled together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Identities, one by one and in bulk. Whether statistics count is not written; here they do.
    Registry,
    /// Each page of a query.
    Query,
    /// Twins by id.
    TwinRead,
    /// Changes of twins.
    TwinWrite,
    /// Direct methods, in steps of 4 KB of their requests.
    Method,
    /// Configurations, the list and what is applied to one device included.
    Configuration,
    /// Scheduled jobs: created, listed, read, cancelled.
    Job,
}

impl Class {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 7] =
        [Self::Registry, Self::Query, Self::TwinRead, Self::TwinWrite, Self::Method, Self::Configuration, Self::Job];

    /// `twin reads`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Query => "queries",
            Self::TwinRead => "twin reads",
            Self::TwinWrite => "twin writes",
            Self::Method => "methods",
            Self::Configuration => "configurations",
            Self::Job => "jobs",
        }
    }
}

/// So many in such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) count: u32,
    pub(super) per: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edition_allows_what_the_pages_say() {
        let of = |sku, units| Edition::new(sku, units).expect("sold");
        for (edition, class, count, seconds) in [
            (of(Sku::F1, 1), Class::Registry, 100, 60),
            (of(Sku::S1, 3), Class::Query, 60, 60),
            (of(Sku::S2, 2), Class::Query, 40, 60),
            (of(Sku::S3, 2), Class::Query, 2_000, 60),
            (of(Sku::S1, 9), Class::TwinRead, 100, 1),
            (of(Sku::S2, 20), Class::TwinRead, 200, 1),
            (of(Sku::S2, 2), Class::TwinWrite, 50, 1),
            (of(Sku::S3, 2), Class::TwinWrite, 500, 1),
            (of(Sku::S2, 1), Class::Method, 120, 1),
            (of(Sku::S3, 1), Class::Configuration, 20, 60),
            (of(Sku::S1, 2), Class::Job, 200, 60),
            (of(Sku::S3, 1), Class::Job, 5_000, 60),
        ] {
            let expected = Rate { count, per: Duration::from_secs(seconds) };
            assert_eq!(edition.rate(class), expected, "{edition:?} {}", class.name());
        }
        let days = [of(Sku::F1, 1), of(Sku::B2, 1), of(Sku::S1, 200)].map(Edition::messages_a_day);
        assert_eq!(days, [8_000, 6_000_000, 80_000_000]);
        for (sku, bytes, messages) in
            [(Sku::S1, 0, 1), (Sku::S1, 4_096, 1), (Sku::S1, 4_097, 2), (Sku::F1, 512, 1), (Sku::F1, 61_440, 120)]
        {
            assert_eq!(of(sku, 1).messages(bytes), messages, "{} {bytes}", sku.name());
        }
        for (edition, at_once, turn) in [
            (of(Sku::F1, 1), 1, 100),
            (of(Sku::S1, 9), 1, 100),
            (of(Sku::S2, 4), 5, 100),
            (of(Sku::S2, 50), 5, 20),
            (of(Sku::S3, 2), 10, 10),
        ] {
            let found = (edition.jobs_at_once(), edition.job_turn());
            assert_eq!(found, (at_once, Duration::from_millis(turn)), "{edition:?}");
        }
        for (sku, units) in [(Sku::F1, 2), (Sku::S1, 0), (Sku::S1, 201), (Sku::S3, 11)] {
            assert!(Edition::new(sku, units).is_err(), "{} {units}", sku.name());
        }
    }
}
