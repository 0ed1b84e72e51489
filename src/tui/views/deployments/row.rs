//! One configuration as a row: its cells, its sort keys, its columns for the filter. Pure functions of the row.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::domain::deployment::{Deployed, Figures, Listed, Other, OtherKind, Standing, SystemMetric};
use crate::domain::ids::natural_cmp;
use crate::domain::manifest::Kind;
use crate::domain::secret::shown;
use crate::domain::time::{HubTime, age_text, wall_age};
use crate::domain::twin::ConfigurationStatus;
use crate::tui::actions::ActionId;
use crate::tui::canvas::Piece;
use crate::tui::filter::Filterable;
use crate::tui::theme::Role;
use crate::tui::theme::signs::Sign;
use crate::tui::views::sieve::Columns;
use crate::tui::widgets::table::Column;

/// The columns of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentColumn {
    /// The priority; the larger wins.
    Priority,
    /// Base or layer.
    Kind,
    /// The id.
    Id,
    /// Whether the device the list is about has it.
    Here,
    /// How it stands.
    State,
    /// One of the hub's figures.
    Figure(SystemMetric),
    /// The four figures in one, where there is no room for four columns.
    Counts,
    /// The figures as a bar.
    Progress,
    /// The target condition.
    Target,
    /// Age since the creation.
    Created,
    /// Age since the last write.
    Updated,
}

use DeploymentColumn::{Counts, Created, Figure, Here, Id, Priority, Progress, State, Target, Updated};

/// The column of the kind, whose name the domain has too.
const KIND: DeploymentColumn = DeploymentColumn::Kind;

impl DeploymentColumn {
    /// From left to right.
    pub const ALL: [Self; 14] = [
        Priority,
        KIND,
        Id,
        Here,
        State,
        Figure(SystemMetric::Targeted),
        Figure(SystemMetric::Applied),
        Figure(SystemMetric::Accepted),
        Figure(SystemMetric::Rejected),
        Counts,
        Progress,
        Target,
        Created,
        Updated,
    ];

    /// Head, widths and importance.
    #[must_use]
    pub fn spec(self) -> Column {
        let (title, min, ideal, priority, right) = match self {
            Priority => ("PRIO", 4, 11, 1, true),
            KIND => ("K", 1, 1, 1, false),
            Id => ("DEPLOYMENT", 18, 40, 1, false),
            Here => ("ON THE DEVICE", 15, 15, 1, false),
            State => ("STATE", 12, 14, 1, false),
            Figure(metric) => (metric.word(), 8, 8, 2, true),
            Counts => ("TGT/APP/ACC/REJ", 15, 23, 2, true),
            Progress => ("PROGRESS", 8, 14, 4, false),
            Target => ("TARGET CONDITION", 22, 80, 3, false),
            Created => ("CREATED", 7, 7, 3, true),
            Updated => ("UPDATED", 7, 7, 5, true),
        };
        Column { title, min, ideal, priority, right }
    }

    /// The name used in filters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Priority => "priority",
            KIND => "kind",
            Id => "deployment",
            Here => "here",
            State => "state",
            Figure(SystemMetric::Targeted) => "targeted",
            Figure(SystemMetric::Applied) => "applied",
            Figure(SystemMetric::Accepted) => "accepted",
            Figure(SystemMetric::Rejected) => "rejected",
            Counts => "counts",
            Progress => "progress",
            Target => "target",
            Created => "created",
            Updated => "updated",
        }
    }
}

impl Columns for DeploymentColumn {
    const ALL: &'static [Self] = &Self::ALL;
    const FILTERS: &'static [&'static str] =
        &["deployment", "kind", "priority", "state", "target", "targeted", "applied", "rejected"];

    fn title(self) -> &'static str {
        self.spec().title
    }

    fn of(action: ActionId) -> Option<Self> {
        match action {
            ActionId::SortName => Some(Id),
            ActionId::SortStatus => Some(State),
            ActionId::SortAge => Some(Created),
            _ => None,
        }
    }

    /// The largest is the first one of numbers and the newest of ages.
    fn order(self, descending: bool) -> Option<&'static str> {
        (self == Priority).then_some(if descending { ", lowest first" } else { ", highest first" })
    }
}

/// A row: a configuration, and what the list around it adds.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The configuration.
    pub listed: &'a Listed,
    /// What it is on the device the list is about; `None` when it is about none.
    pub here: Option<ConfigurationStatus>,
    /// Whether another one has the same priority, so that which of them wins depends on a rule of ties.
    pub tied: bool,
    /// The present instant.
    pub now: Timestamp,
}

/// The letter of a configuration's kind, and the word.
#[must_use]
pub fn kind(listed: &Listed) -> (&'static str, &'static str) {
    match listed {
        Listed::Edge(deployed) => match deployed.configuration.kind() {
            Some(Kind::Base) => ("B", "base"),
            Some(Kind::Layer) => ("L", "layered"),
            None => ("?", "no $edgeAgent"),
        },
        Listed::Other(other) => match other.kind {
            OtherKind::Device => ("d", "of devices"),
            OtherKind::Module => ("m", "of modules"),
            OtherKind::Unread(_) => ("?", "unreadable"),
        },
    }
}

/// The sign and role of a standing.
#[must_use]
pub fn sign(standing: Standing) -> Sign {
    match standing {
        Standing::Rejected => Sign::Bad,
        Standing::Overdue(_) => Sign::Unknown,
        Standing::Unanswered | Standing::Unapplied | Standing::Partial | Standing::Waiting(_) => Sign::Progress,
        Standing::Accepted => Sign::Ok,
        Standing::Nobody => Sign::Nothing,
    }
}

/// How it stands, as a sentence.
#[must_use]
pub fn state_words(deployed: &Deployed, standing: Standing) -> String {
    let figures = &deployed.figures;
    let (targeted, applied) = (figures.targeted.unwrap_or(0), figures.applied.unwrap_or(0));
    let (accepted, rejected) = (figures.successful.unwrap_or(0), figures.failed.unwrap_or(0));
    match standing {
        Standing::Rejected => {
            let were = if rejected == 1 { "device answers" } else { "devices answer" };
            format!("{rejected} {were} with another code than 200; {accepted} of the {applied} that have it took it")
        }
        Standing::Overdue(since) => {
            format!("the hub has not counted it, though it was expected by {}", clock(since))
        }
        Standing::Unanswered => {
            format!(
                "{} of {applied} have yet to answer for the version they have now",
                applied.saturating_sub(accepted)
            )
        }
        Standing::Unapplied => format!("none of the {targeted} targeted has it"),
        Standing::Partial => format!(
            "every device that has it took it; {} of {targeted} targeted do not have it",
            targeted.saturating_sub(applied)
        ),
        Standing::Waiting(by) => format!("written lately; the hub's figures are expected by {}", clock(by)),
        Standing::Accepted => format!("all {targeted} targeted have it, and edgeAgent took it with code 200"),
        Standing::Nobody => "its condition matches no edge device".to_owned(),
    }
}

/// A time of day as it stands in a sentence; whoever reads it may sit anywhere, so it says which.
#[must_use]
pub fn clock(at: Timestamp) -> String {
    at.strftime("%H:%MZ").to_string()
}

impl<'a> Row<'a> {
    /// The deployment, when it is one that can be read.
    #[must_use]
    pub fn deployed(&self) -> Option<&'a Deployed> {
        match self.listed {
            Listed::Edge(deployed) => Some(deployed),
            Listed::Other(_) => None,
        }
    }

    fn standing(&self) -> Option<Standing> {
        self.deployed().map(|deployed| deployed.standing(self.now))
    }

    /// Whether somebody should look.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        match self.listed {
            Listed::Edge(deployed) => deployed.standing(self.now).is_fault(),
            Listed::Other(Other { kind: OtherKind::Unread(_), .. }) => true,
            Listed::Other(_) => false,
        }
    }

    /// The sign before the state.
    #[must_use]
    pub fn sign(&self) -> Sign {
        match self.listed {
            Listed::Edge(deployed) => sign(deployed.standing(self.now)),
            Listed::Other(Other { kind: OtherKind::Unread(_), .. }) => Sign::Unknown,
            Listed::Other(_) => Sign::Nothing,
        }
    }

    fn target(&self) -> &str {
        match self.listed {
            Listed::Edge(deployed) => deployed.configuration.target.as_str(),
            Listed::Other(other) => other.target.raw(),
        }
    }

    /// One cell: its role and text.
    #[must_use]
    pub fn cell(&self, column: DeploymentColumn) -> Piece {
        let dash = || (Role::TextFaint, "-".to_owned());
        let age = |at: Timestamp| (Role::TextDim, age_text(wall_age(self.now, at)));
        match (column, self.deployed()) {
            (KIND, _) => (Role::TextDim, kind(self.listed).0.to_owned()),
            (Id, deployed) => (deployed.map_or(Role::TextDim, |_| Role::Fg), self.listed.id().shown().into()),
            (Target, _) if self.target().trim().is_empty() => (Role::TextFaint, "empty: for nobody".to_owned()),
            (Target, _) => (Role::TextDim, shown(self.target()).into()),
            (Here, _) => match self.here {
                Some(ConfigurationStatus::Applied) => (Role::StatusOk, "applied".to_owned()),
                Some(ConfigurationStatus::Targeted) => (Role::StatusWarn, "targeted, lost".to_owned()),
                Some(ConfigurationStatus::Other) => (Role::StatusUnknown, "unknown word".to_owned()),
                None => dash(),
            },
            (State, None) => (Role::TextDim, kind(self.listed).1.to_owned()),
            (_, None) => dash(),
            (Priority, Some(deployed)) => {
                let tie = if self.tied { "=" } else { "" };
                (Role::Fg, format!("{tie}{}", deployed.configuration.priority))
            }
            (State, Some(deployed)) => {
                let standing = deployed.standing(self.now);
                let text = match standing {
                    Standing::Waiting(by) => format!("by {}", clock(by)),
                    _ => standing.word().to_owned(),
                };
                (sign(standing).role(), text)
            }
            (Figure(metric), Some(deployed)) => figure(&deployed.figures, metric),
            (Counts, Some(deployed)) => {
                let counts = SystemMetric::ALL.map(|metric| figure(&deployed.figures, metric));
                let worst = counts.iter().find(|(role, _)| *role != Role::Fg).map_or(Role::Fg, |(role, _)| *role);
                (worst, counts.map(|(_, text)| text).join("/"))
            }
            // Drawn in pieces, by `bar`.
            (Progress, Some(_)) => (Role::Fg, String::new()),
            (Created, Some(deployed)) => age(deployed.configuration.created),
            (Updated, Some(deployed)) => deployed.updated.and_then(HubTime::instant).map_or_else(dash, age),
        }
    }
}

/// A figure; "not counted" is a question mark, never 0.
fn figure(figures: &Figures, metric: SystemMetric) -> Piece {
    let Some(count) = metric.figure(figures) else { return (Role::StatusUnknown, "?".to_owned()) };
    let role = if metric == SystemMetric::Rejected && count > 0 { Role::StatusBad } else { Role::Fg };
    (role, count.to_string())
}

/// Orders two rows by a column. Rows come in the natural order of their ids and the sort is stable, so equal rows keep
/// that order and never swap places.
#[must_use]
pub fn compare(a: &Row<'_>, b: &Row<'_>, column: DeploymentColumn) -> Ordering {
    let of = |row: &Row<'_>, metric: SystemMetric| row.deployed().and_then(|d| metric.figure(&d.figures));
    match column {
        Priority => {
            let priority = |row: &Row<'_>| row.deployed().map(|deployed| deployed.configuration.priority);
            // Of one priority the newer wins, as the hub has it.
            let created = |row: &Row<'_>| row.deployed().map(|deployed| deployed.configuration.created);
            (priority(b), created(b)).cmp(&(priority(a), created(a)))
        }
        KIND => kind(a.listed).0.cmp(kind(b.listed).0),
        Id => natural_cmp(a.listed.id().as_str(), b.listed.id().as_str()),
        Here => a.cell(Here).1.cmp(&b.cell(Here).1),
        State | Progress => match (a.standing(), b.standing()) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        },
        Figure(metric) => of(b, metric).cmp(&of(a, metric)),
        Counts => of(b, SystemMetric::Targeted).cmp(&of(a, SystemMetric::Targeted)),
        Target => a.target().cmp(b.target()),
        Created => {
            let created = |row: &Row<'_>| row.deployed().map(|deployed| deployed.configuration.created);
            created(b).cmp(&created(a))
        }
        Updated => {
            let updated = |row: &Row<'_>| row.deployed().and_then(|deployed| deployed.updated);
            updated(b).cmp(&updated(a))
        }
    }
}

impl Filterable for Row<'_> {
    fn haystack(&self, text: &mut String) {
        let (_, kind) = kind(self.listed);
        text.extend([self.listed.id().as_str(), " ", kind, " ", &self.cell(State).1, " ", self.target()]);
        for (name, value) in self.deployed().iter().flat_map(|deployed| &deployed.configuration.labels) {
            text.extend([" ", name, "=", value]);
        }
    }

    fn column(&self, name: &str) -> Option<String> {
        Some(match name {
            "kind" => kind(self.listed).1.to_owned(),
            "state" => self.standing().map_or_else(|| self.cell(State).1, |standing| standing.word().to_owned()),
            "target" => self.target().to_owned(),
            "deployment" => self.listed.id().as_str().to_owned(),
            _ => {
                let column = DeploymentColumn::ALL.into_iter().find(|column| column.name() == name)?;
                self.cell(column).1
            }
        })
    }

    fn tag(&self, name: &str) -> Option<String> {
        self.deployed()?.configuration.labels.get(name).cloned()
    }
}
