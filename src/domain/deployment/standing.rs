//! How a deployment stands, in one word, by what the hub counted last.

use std::time::Duration;

use jiff::Timestamp;

use super::listed::Deployed;
use crate::domain::time::HubTime;

/// How often the hub evaluates deployments and counts. A new or changed one is evaluated within seconds, as a rule;
/// this is what can be relied on.
pub const BEAT: Duration = Duration::from_secs(300);

/// How a deployment stands, the worst first. None of them says that a module runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Agents answered with another code than 200.
    Rejected,
    /// The hub should have counted by now, and has not.
    Overdue(Timestamp),
    /// Agents have yet to answer for the version they have now.
    Unanswered,
    /// The condition matches devices, and none has it: another one wins everywhere, or it was just made.
    Unapplied,
    /// Some devices that the condition matches do not have it.
    Partial,
    /// Written so lately that the hub has not counted; it should by then.
    Waiting(Timestamp),
    /// Every device that the condition matches has it, and its agent took it.
    Accepted,
    /// The condition matches no device.
    Nobody,
}

impl Standing {
    /// In a word or two.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Overdue(_) => "late",
            Self::Unanswered => "no answer",
            Self::Unapplied => "unapplied",
            Self::Partial => "partly",
            Self::Waiting(_) => "fresh",
            Self::Accepted => "accepted",
            Self::Nobody => "for nobody",
        }
    }

    /// Whether somebody should look.
    #[must_use]
    pub fn is_fault(self) -> bool {
        matches!(self, Self::Rejected | Self::Overdue(_))
    }
}

impl Deployed {
    /// When the hub's figures should show what was written last.
    #[must_use]
    pub fn counted_by(&self) -> Timestamp {
        let written = self.updated.and_then(HubTime::instant).unwrap_or(self.configuration.created);
        written.saturating_add(BEAT).unwrap_or(written)
    }

    /// How it stands at `now`.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        let figures = &self.figures;
        let (Some(targeted), Some(applied)) = (figures.targeted, figures.applied) else {
            let by = self.counted_by();
            return if now > by { Standing::Overdue(by) } else { Standing::Waiting(by) };
        };
        let (accepted, rejected) = (figures.successful.unwrap_or(0), figures.failed.unwrap_or(0));
        if rejected > 0 {
            Standing::Rejected
        } else if accepted < applied {
            Standing::Unanswered
        } else if targeted > 0 && applied == 0 {
            Standing::Unapplied
        } else if applied < targeted {
            Standing::Partial
        } else if targeted == 0 {
            Standing::Nobody
        } else {
            Standing::Accepted
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::deployment::{Configuration, Figures, TargetCondition};
    use crate::domain::ids::{DeploymentId, ETag};
    use crate::domain::manifest::Manifest;

    fn deployed(figures: [Option<u64>; 4]) -> Deployed {
        let [targeted, applied, successful, failed] = figures;
        Deployed {
            configuration: Configuration {
                id: DeploymentId::from_wire("d"),
                priority: 1,
                created: "2026-03-04T10:00:00Z".parse().unwrap(),
                target: TargetCondition::from_wire("*"),
                content: std::sync::Arc::new(Manifest::from_modules(Vec::new())),
                labels: Default::default(),
                metrics: Default::default(),
            },
            etag: ETag::from_wire("MQ=="),
            updated: HubTime::parse("2026-03-04T11:00:00Z"),
            schema_version: None,
            figures: Figures { targeted, applied, successful, failed, ..Figures::default() },
        }
    }

    #[test]
    fn not_counted_is_not_zero_and_accepted_is_not_the_absence_of_answers() {
        let by: Timestamp = "2026-03-04T11:05:00Z".parse().unwrap();
        let counted = |a, b, c, d| [Some(a), Some(b), Some(c), Some(d)];
        for (figures, expected) in [
            (counted(3, 3, 2, 1), Standing::Rejected),
            (counted(3, 3, 2, 0), Standing::Unanswered),
            (counted(3, 2, 2, 0), Standing::Partial),
            (counted(3, 0, 0, 0), Standing::Unapplied),
            (counted(3, 3, 3, 0), Standing::Accepted),
            (counted(0, 0, 0, 0), Standing::Nobody),
            ([None; 4], Standing::Waiting(by)),
            // A result that is left out is nobody's answer.
            ([Some(3), Some(3), None, None], Standing::Unanswered),
        ] {
            let standing = deployed(figures).standing("2026-03-04T11:04:00Z".parse().unwrap());
            assert_eq!(standing, expected, "{figures:?}");
        }
        let late = deployed([None; 4]).standing("2026-03-04T11:06:00Z".parse().unwrap());
        assert_eq!(late, Standing::Overdue(by), "it counts from the last write, not from the creation");
    }
}
