//! One device as a row: its cells, its sort keys, its columns for the filter. Pure functions of the row.

use std::cmp::Ordering;

use crate::domain::health::{DeviceVerdict, EdgeHubLink, ModuleVerdict, Tone};
use crate::domain::ids::natural_cmp;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::time::{HubTime, Now, age_text, wall_age};
use crate::store::DeviceRow;
use crate::tui::actions::ActionId;
use crate::tui::canvas::fit_middle;
use crate::tui::filter::Filterable;
use crate::tui::theme::Role;
use crate::tui::theme::signs::Sign;
use crate::tui::views::sieve::Columns;
use crate::tui::widgets::table::Column;

/// The columns of the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FleetColumn {
    /// edgeHub's link.
    Link,
    /// The id.
    Device,
    /// Running of wanted.
    Modules,
    /// The verdict.
    Status,
    /// The module that is worst off.
    Worst,
    /// Deployments that are applied.
    Deployments,
    /// Tags.
    Tags,
    /// Age of edgeAgent's last report.
    Reported,
}

impl FleetColumn {
    /// From left to right.
    pub const ALL: [Self; 8] = [
        Self::Link,
        Self::Device,
        Self::Modules,
        Self::Status,
        Self::Worst,
        Self::Deployments,
        Self::Tags,
        Self::Reported,
    ];

    /// Head, widths and importance.
    #[must_use]
    pub fn spec(self) -> Column {
        let (title, min, ideal, priority, right) = match self {
            Self::Link => ("C", 1, 1, 1, false),
            Self::Device => ("DEVICE", 18, 48, 1, false),
            Self::Modules => ("MODS", 5, 5, 2, true),
            Self::Status => ("STATUS", 13, 15, 1, false),
            Self::Worst => ("WORST MODULE", 12, 30, 3, false),
            Self::Deployments => ("DEPLOYMENTS", 18, 24, 5, false),
            Self::Tags => ("TAGS", 12, 80, 6, false),
            Self::Reported => ("REPORTED", 8, 8, 2, true),
        };
        Column { title, min, ideal, priority, right }
    }

    /// Whether the cell says what the agent reported.
    #[must_use]
    pub fn is_reported(self) -> bool {
        matches!(self, Self::Modules | Self::Status | Self::Worst | Self::Deployments | Self::Reported)
    }

    /// The name used in filters and for sorting.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Device => "device",
            Self::Modules => "mods",
            Self::Status => "status",
            Self::Worst => "worst",
            Self::Deployments => "deployments",
            Self::Tags => "tags",
            Self::Reported => "reported",
        }
    }
}

/// A list of rows counted once, so that drawing does not depend on how many there are.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Cells each column could use. Counted without formatting; what is cut differs by a cell at most.
    pub widths: [u16; FleetColumn::ALL.len()],
    /// Enabled devices by verdict, in the order of [`DeviceVerdict::ALL`].
    pub verdicts: [usize; DeviceVerdict::ALL.len()],
    /// Devices the hub lets in no more.
    pub disabled: usize,
    /// Enabled devices whose agent was not read yet.
    pub unread: usize,
    /// Devices whose edgeHub holds its link.
    pub linked: usize,
    /// All of them.
    pub rows: usize,
}

impl Totals {
    /// Counts.
    pub fn of<'a>(rows: impl Iterator<Item = &'a std::sync::Arc<DeviceRow>>) -> Self {
        let mut totals = Self::default();
        let mut widths = FleetColumn::ALL.map(|column| column.spec().title.len());
        for row in rows {
            totals.rows += 1;
            totals.linked += usize::from(row.link == EdgeHubLink::Up);
            match row.verdict {
                _ if !row.enabled => totals.disabled += 1,
                None => totals.unread += 1,
                Some(verdict) => {
                    if let Some(count) = totals.verdicts.get_mut(verdict as usize) {
                        *count += 1;
                    }
                }
            }
            let tags = row.tags.iter().map(|(path, value)| last_part(path).len() + value.len() + 2).sum::<usize>();
            let worst = row.agent.as_ref().and_then(|agent| agent.worst.as_ref()).map_or(1, |(module, _)| module.len());
            let deployments = applied(row).iter().map(|id| id.len() + 2).sum::<usize>();
            for (column, width) in FleetColumn::ALL.iter().zip(widths.iter_mut()) {
                let cells = match column {
                    FleetColumn::Device => row.id.as_str().len(),
                    FleetColumn::Worst => worst,
                    FleetColumn::Deployments => deployments.saturating_sub(2),
                    FleetColumn::Tags => tags.saturating_sub(1),
                    FleetColumn::Link | FleetColumn::Modules | FleetColumn::Status | FleetColumn::Reported => 0,
                };
                *width = cells.max(*width);
            }
        }
        totals.widths = widths.map(|width| u16::try_from(width).unwrap_or(u16::MAX));
        totals
    }
}

/// The names that `name:text` may use in a filter.
impl Columns for FleetColumn {
    const ALL: &'static [Self] = &Self::ALL;
    const FILTERS: &'static [&'static str] =
        &["link", "device", "mods", "status", "worst", "deployments", "tags", "reported"];

    fn title(self) -> &'static str {
        self.spec().title
    }

    fn of(action: ActionId) -> Option<Self> {
        match action {
            ActionId::SortName => Some(Self::Device),
            ActionId::SortStatus => Some(Self::Status),
            ActionId::SortAge => Some(Self::Reported),
            _ => None,
        }
    }
}

/// The sign and role of a tone.
#[must_use]
pub fn tone_sign(tone: Tone) -> Sign {
    match tone {
        Tone::Ok => Sign::Ok,
        Tone::Progress => Sign::Progress,
        Tone::Warn => Sign::Degraded,
        Tone::Bad => Sign::Bad,
        Tone::Paused => Sign::Stopped,
        Tone::Unknown => Sign::Unknown,
    }
}

/// The sign and word of a device's status; "not read yet" is a question mark, never green.
#[must_use]
pub fn status(row: &DeviceRow) -> (Sign, Role, String) {
    if !row.enabled {
        return (Sign::Stopped, Role::StatusPaused, "disabled".to_owned());
    }
    match row.verdict {
        None => (Sign::Unknown, Role::StatusUnknown, "not read".to_owned()),
        Some(verdict) => {
            let sign = tone_sign(verdict.tone());
            (sign, sign.role(), verdict.word().to_owned())
        }
    }
}

/// One cell: its role and text.
#[must_use]
pub fn cell(row: &DeviceRow, column: FleetColumn, now: Now) -> (Role, String) {
    // What a silent device reported last is the past: it is shown, in the stale role.
    let past = row.link == EdgeHubLink::Down;
    let fresh = |role: Role| if past { Role::Stale } else { role };
    match column {
        FleetColumn::Link => match row.link {
            EdgeHubLink::Up => (Role::StatusOk, "C".to_owned()),
            EdgeHubLink::Down => (Role::StatusUnknown, "-".to_owned()),
            EdgeHubLink::Unknown => (Role::TextDim, "?".to_owned()),
        },
        FleetColumn::Device => (Role::Fg, row.id.shown().into()),
        FleetColumn::Modules => match &row.agent {
            Some(agent) if agent.code.is_some() => (
                fresh(if agent.running == agent.wanted { Role::Fg } else { Role::StatusWarn }),
                format!("{}/{}", agent.running, agent.wanted),
            ),
            Some(agent) => (Role::StatusUnknown, format!("?/{}", agent.wanted)),
            None => (Role::StatusUnknown, "?/?".to_owned()),
        },
        FleetColumn::Status => {
            let (_, role, word) = status(row);
            match (row.verdict, row.link_activity) {
                (Some(DeviceVerdict::Silent), Some(HubTime::At(at))) => {
                    (role, format!("{word} {}", age_text(wall_age(now.wall, at))))
                }
                _ => (role, word),
            }
        }
        FleetColumn::Worst => match row.agent.as_ref().and_then(|agent| agent.worst.as_ref()) {
            Some((module, verdict)) => (fresh(tone_sign(verdict.tone()).role()), shown(module)),
            None => (Role::TextFaint, "-".to_owned()),
        },
        FleetColumn::Deployments => match row.agent.as_ref().map(|agent| &agent.applied) {
            Some(applied) if !applied.is_empty() => {
                (Role::TextDim, applied.iter().map(|id| shown(id)).collect::<Vec<_>>().join(", "))
            }
            _ => (Role::TextFaint, "-".to_owned()),
        },
        FleetColumn::Tags => {
            let tags: Vec<String> =
                row.tags.iter().map(|(path, value)| format!("{}={}", shown(last_part(path)), shown(value))).collect();
            if tags.is_empty() { (Role::TextFaint, "-".to_owned()) } else { (Role::TextDim, tags.join(" ")) }
        }
        FleetColumn::Reported => match row.agent.as_ref().map(|agent| (agent.code, agent.reported_at)) {
            Some((Some(_), Some(HubTime::At(at)))) => (fresh(Role::TextDim), age_text(wall_age(now.wall, at))),
            Some((None, _)) => (Role::TextFaint, "never".to_owned()),
            _ => (Role::TextFaint, "-".to_owned()),
        },
    }
}

fn shown(text: &str) -> String {
    Untrusted::new(text).shown().into()
}

/// The applied deployments in at most `width` cells: all of them, or the first and how many more.
#[must_use]
pub fn deployments(row: &DeviceRow, width: usize) -> Option<String> {
    let applied = applied(row);
    let all = applied.iter().map(|id| shown(id)).collect::<Vec<_>>();
    let (first, rest) = all.split_first()?;
    let joined = all.join(", ");
    if joined.chars().count() <= width || rest.is_empty() {
        return Some(joined);
    }
    let more = format!(" +{}", rest.len());
    Some(format!("{}{more}", fit_middle(first, width.saturating_sub(more.len()))))
}

/// The last part of a tag's path, which says enough in a column.
fn last_part(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Orders two rows by a column, best first in the sense of that column: the worst status, the newest report. Rows
/// come in the natural order of their ids and the sort is stable, so equal rows keep that order and never swap places.
#[must_use]
pub fn compare(a: &DeviceRow, b: &DeviceRow, column: FleetColumn, descending: bool) -> Ordering {
    let order = match column {
        FleetColumn::Device => natural_cmp(a.id.as_str(), b.id.as_str()),
        FleetColumn::Status => rank(a).cmp(&rank(b)),
        FleetColumn::Modules => share(a).total_cmp(&share(b)),
        FleetColumn::Link => link_rank(a.link).cmp(&link_rank(b.link)),
        FleetColumn::Worst => {
            let worst =
                |row: &DeviceRow| row.agent.as_ref().and_then(|x| x.worst.as_ref().map(|(m, v)| (*v, m.clone())));
            match (worst(a), worst(b)) {
                (Some(x), Some(y)) => x.cmp(&y),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            }
        }
        FleetColumn::Deployments => applied(a).cmp(applied(b)),
        FleetColumn::Tags => a.tags.cmp(&b.tags),
        FleetColumn::Reported => reported(b).cmp(&reported(a)),
    };
    if descending { order.reverse() } else { order }
}

fn rank(row: &DeviceRow) -> usize {
    if !row.enabled {
        return DeviceVerdict::ALL.len();
    }
    row.verdict.map_or(DeviceVerdict::Unknown as usize, |verdict| verdict as usize)
}

fn share(row: &DeviceRow) -> f64 {
    match &row.agent {
        Some(agent) if agent.wanted > 0 => {
            f64::from(u32::try_from(agent.running).unwrap_or(u32::MAX))
                / f64::from(u32::try_from(agent.wanted).unwrap_or(u32::MAX))
        }
        _ => -1.0,
    }
}

fn link_rank(link: EdgeHubLink) -> u8 {
    match link {
        EdgeHubLink::Down => 0,
        EdgeHubLink::Unknown => 1,
        EdgeHubLink::Up => 2,
    }
}

fn applied(row: &DeviceRow) -> &[std::sync::Arc<str>] {
    row.agent.as_ref().map(|agent| &*agent.applied).unwrap_or_default()
}

fn reported(row: &DeviceRow) -> Option<HubTime> {
    row.agent.as_ref().and_then(|agent| agent.reported_at)
}

impl Filterable for DeviceRow {
    fn haystack(&self, text: &mut String) {
        text.push_str(self.id.as_str());
        text.push(' ');
        text.push_str(&status(self).2);
        if let Some(agent) = &self.agent {
            if let Some((module, _)) = &agent.worst {
                text.push(' ');
                text.push_str(module);
            }
            for id in agent.applied.iter() {
                text.push(' ');
                text.push_str(id);
            }
        }
        for (path, value) in self.tags.iter() {
            text.extend([" ", path, "=", value]);
        }
    }

    fn column(&self, name: &str) -> Option<String> {
        Some(match name {
            "device" => self.id.as_str().to_owned(),
            "status" => status(self).2,
            "link" => match self.link {
                EdgeHubLink::Up => "connected".to_owned(),
                EdgeHubLink::Down => "disconnected".to_owned(),
                EdgeHubLink::Unknown => "unknown".to_owned(),
            },
            "mods" => self.agent.as_ref().map(|a| format!("{}/{}", a.running, a.wanted)).unwrap_or_default(),
            "worst" => {
                self.agent.as_ref().and_then(|a| a.worst.as_ref()).map(|(m, _)| m.to_string()).unwrap_or_default()
            }
            "deployments" => applied(self).join(" "),
            "tags" => self.tags.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" "),
            "reported" => if reported(self).is_some() { "yes" } else { "never" }.to_owned(),
            _ => return None,
        })
    }

    fn tag(&self, name: &str) -> Option<String> {
        let exact = self.tags.iter().find(|(path, _)| &**path == name);
        exact.or_else(|| self.tags.iter().find(|(path, _)| last_part(path) == name)).map(|(_, value)| value.to_string())
    }
}

/// What a device's status means, for the preview pane: one sentence per fact that matters.
#[must_use]
pub fn in_words(row: &DeviceRow, now: Now) -> Vec<(Role, String)> {
    let mut lines = Vec::new();
    let age = |at: Option<HubTime>| at.and_then(HubTime::instant).map(|at| age_text(wall_age(now.wall, at)));
    let (_, role, word) = status(row);
    lines.push((role, word));
    if !row.enabled {
        lines.push((Role::Fg, "The hub lets no connection of this device in.".to_owned()));
    }
    match row.verdict {
        Some(DeviceVerdict::Silent) => {
            let since = age(row.link_activity).map(|age| format!(" for {age}")).unwrap_or_default();
            lines.push((Role::Fg, format!("edgeHub has had no link to the hub{since}.")));
            lines.push((Role::TextDim, "What the modules report below is from before.".to_owned()));
        }
        Some(DeviceVerdict::NeverReported) => {
            lines.push((Role::Fg, "Registered; edgeAgent has never reported.".to_owned()));
            lines.push((Role::TextDim, "Provision the runtime on the device.".to_owned()));
        }
        _ => {}
    }
    if let Some(agent) = &row.agent {
        if let Some(code) = agent.code.filter(|code| *code != 200) {
            lines.push((
                Role::StatusWarn,
                format!("edgeAgent {code}: {}", crate::domain::health::agent_code_words(code)),
            ));
        }
        if let Some((module, verdict)) = &agent.worst {
            lines.push((Role::Fg, format!("{} {}", shown(module), phrase(*verdict))));
        }
        lines.push((Role::TextDim, format!("{} of {} modules run", agent.running, agent.wanted)));
        if let Some(age) = age(agent.reported_at).filter(|_| agent.code.is_some()) {
            lines.push((Role::TextDim, format!("last report {age} ago")));
        }
    }
    lines
}

/// A module's verdict as the end of a sentence.
fn phrase(verdict: ModuleVerdict) -> &'static str {
    match verdict {
        ModuleVerdict::Failed => "failed, and stays down",
        ModuleVerdict::Dead => "is dead for the engine",
        ModuleVerdict::Missing => "is wanted, and has no container",
        ModuleVerdict::Backoff => "crashes again and again",
        ModuleVerdict::Unhealthy => "says that it is unhealthy",
        ModuleVerdict::StoppedUnwanted => "is stopped, and should run",
        ModuleVerdict::Unknown => "is in an unknown state",
        ModuleVerdict::Pending => "waits for edgeAgent to take up its manifest",
        ModuleVerdict::OtherImage => "runs another image than the manifest wants",
        ModuleVerdict::Leftover => "runs, and is no longer in the manifest",
        ModuleVerdict::RunsUnwanted => "runs, and should be stopped",
        ModuleVerdict::Stopped => "is stopped, as wanted",
        ModuleVerdict::Running => "runs, as wanted",
    }
}

/// `Shown` of the id, for messages.
#[must_use]
pub fn name(row: &DeviceRow) -> Shown {
    row.id.shown()
}
