//! What an IoT Hub of a given edition allows: operations per class (iot-hub throttling page) and messages a day
//! (iot-hub pricing page). The data plane tells neither edition nor units; both come from configuration.

use std::time::Duration;

pub use crate::domain::sku::Sku;

impl Sku {
    /// Messages a day and unit.
    #[must_use]
    pub fn messages_per_day(self) -> u64 {
        match self {
            Self::F1 => 8_000,
            Self::B1 | Self::S1 => 400_000,
            Self::B2 | Self::S2 => 6_000_000,
            Self::B3 | Self::S3 => 300_000_000,
        }
    }

    /// Bytes of payload that one message holds.
    #[must_use]
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F1 => 512,
            Self::B1 | Self::B2 | Self::B3 | Self::S1 | Self::S2 | Self::S3 => 4096,
        }
    }

    /// The messages a metered payload costs: every started block, and one for an empty payload.
    #[must_use]
    pub fn messages(self, payload_bytes: usize) -> u32 {
        u32::try_from(payload_bytes.div_ceil(self.block_bytes()).max(1)).unwrap_or(u32::MAX)
    }

    /// The operations of `class` that a hub of `units` units takes.
    #[must_use]
    pub fn limit(self, class: OpClass, units: u32) -> Limit {
        let third = matches!(self, Self::B3 | Self::S3);
        let second = matches!(self, Self::B2 | Self::S2);
        let units = units.max(1);
        match class {
            OpClass::Registry | OpClass::Jobs => {
                Limit::per_minute(if third { 5_000_u32 } else { 100 }.saturating_mul(units))
            }
            OpClass::Query => Limit::per_minute(if third { 1_000_u32 } else { 20 }.saturating_mul(units)),
            OpClass::Configuration => Limit::per_minute(20_u32.saturating_mul(units)),
            OpClass::TwinRead if third => Limit::per_second(500_u32.saturating_mul(units)),
            OpClass::TwinRead if second => Limit::per_second(10_u32.saturating_mul(units).max(100)),
            OpClass::TwinRead => Limit::per_second(100),
            OpClass::TwinWrite if third => Limit::per_second(250_u32.saturating_mul(units)),
            OpClass::TwinWrite if second => Limit::per_second(5_u32.saturating_mul(units).max(50)),
            OpClass::TwinWrite => Limit::per_second(50),
            // Metered by request payload, 160 KB/s, 480 KB/s and 24 MB/s a unit; counted here as calls of up to 4 KB.
            OpClass::Method => {
                let calls: u32 = if third {
                    6_000
                } else if second {
                    120
                } else {
                    40
                };
                Limit::per_second(calls.saturating_mul(units))
            }
        }
    }
}

/// The classes of operations that IoT Hub throttles separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OpClass {
    /// Device and module identities, statistics.
    Registry,
    /// `POST /devices/query`, every page of it.
    Query,
    /// `GET` of device and module twins.
    TwinRead,
    /// `PATCH` of twins.
    TwinWrite,
    /// Direct methods.
    Method,
    /// Configurations and deployments, reads included.
    Configuration,
    /// Scheduled jobs.
    Jobs,
}

impl OpClass {
    /// All of them, in the order of the screen.
    pub const ALL: [Self; 7] =
        [Self::Registry, Self::Query, Self::TwinRead, Self::TwinWrite, Self::Method, Self::Configuration, Self::Jobs];

    /// As on the screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Query => "queries",
            Self::TwinRead => "twin reads",
            Self::TwinWrite => "twin writes",
            Self::Method => "methods",
            Self::Configuration => "deployments",
            Self::Jobs => "jobs",
        }
    }

    /// Whether calls of the class are somebody's decision to change the fleet. Those are counted, but the share of the
    /// day's messages never holds them back: what the console's own polling used up must not stand between an operator
    /// and a halt.
    #[must_use]
    pub fn is_decision(self) -> bool {
        matches!(self, Self::TwinWrite | Self::Configuration)
    }
}

/// So many operations in such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Operations …
    pub count: u32,
    /// … in this time: a second or a minute.
    pub per: Duration,
}

impl Limit {
    fn per_second(count: u32) -> Self {
        Self { count, per: Duration::from_secs(1) }
    }

    fn per_minute(count: u32) -> Self {
        Self { count, per: Duration::from_secs(60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_cost_started_blocks() {
        for (sku, bytes, messages) in [
            (Sku::S1, 0, 1),
            (Sku::S1, 1, 1),
            (Sku::S1, 4_096, 1),
            (Sku::S1, 4_097, 2),
            (Sku::S1, 8_192, 2),
            (Sku::S3, 12 * 1024, 3),
            (Sku::F1, 512, 1),
            (Sku::F1, 60 * 1024, 120),
        ] {
            assert_eq!(sku.messages(bytes), messages, "{} {bytes}", sku.name());
        }
    }

    #[test]
    fn limits_follow_edition_and_units() {
        for (sku, units, class, count, seconds) in [
            (Sku::S1, 1, OpClass::Query, 20, 60),
            (Sku::S1, 3, OpClass::Query, 60, 60),
            (Sku::S3, 2, OpClass::Query, 2_000, 60),
            (Sku::F1, 1, OpClass::Registry, 100, 60),
            (Sku::S1, 5, OpClass::TwinRead, 100, 1),
            (Sku::S2, 20, OpClass::TwinRead, 200, 1),
            (Sku::S2, 2, OpClass::TwinWrite, 50, 1),
            (Sku::S3, 1, OpClass::Configuration, 20, 60),
            (Sku::S1, 0, OpClass::Method, 40, 1),
        ] {
            assert_eq!(
                sku.limit(class, units),
                Limit { count, per: Duration::from_secs(seconds) },
                "{} x{units} {}",
                sku.name(),
                class.name()
            );
        }
    }

    #[test]
    fn editions_are_read_without_case() {}
}
