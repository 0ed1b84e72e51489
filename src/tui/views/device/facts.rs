//! The facts above the modules: who the device is and how it is linked; what it was told, by whom, and what edgeAgent
//! says of it. Side by side when there is room; one below the other the trouble comes first, since the end is cut.

use std::sync::Arc;

use super::DeviceView;
use crate::domain::device::{DeviceIdentity, ModuleIdentity};
use crate::domain::health::{AgentReport, agent_code_words};
use crate::domain::ids::{ModuleId, TwinId};
use crate::domain::secret::{mask_json, redact};
use crate::domain::text::Untrusted;
use crate::domain::time::{HubTime, age_text, wall_age};
use crate::domain::twin::ConfigurationStatus;
use crate::store::Fetched;
use crate::tui::canvas::Piece;
use crate::tui::shell::Shell;
use crate::tui::theme::Role;
use crate::tui::widgets::text::{labelled, wrap};

/// One line.
pub(super) type Line = Vec<Piece>;

fn shown(text: &str) -> String {
    Untrusted::new(text).shown().into()
}

/// How long ago, as the hub or the device told the time.
pub(super) fn age(shell: &Shell, at: Option<HubTime>) -> String {
    match at {
        Some(HubTime::At(at)) => format!("{} ago", age_text(wall_age(shell.now.wall, at))),
        Some(HubTime::Never) => "never".to_owned(),
        None => "-".to_owned(),
    }
}

/// Why a value is not here: not read yet, not allowed, or failed. Never the same word for two of them.
fn missing<T>(read: Option<&Fetched<T>>) -> Piece {
    let fault = read.and_then(|read| read.fault.as_ref());
    fault.map_or((Role::TextDim, "not read yet".to_owned()), |(fault, _)| {
        (Role::StatusUnknown, fault.in_short().to_owned())
    })
}

/// The age of a value whose newest read failed; nothing to say about one that is as fresh as the rest.
fn overdue<T>(read: Option<&Fetched<T>>, shell: &Shell) -> Option<Piece> {
    let read = read.filter(|read| read.fault.is_some())?;
    Some((Role::Stale, format!("   as of {} ago", age_text(shell.now.since(read.as_of()?)))))
}

fn label(text: &str) -> Piece {
    (Role::TextDim, format!("{text:<9}"))
}

fn block(name: &str, role: Role, text: &str, width: usize) -> Vec<Line> {
    labelled((Role::TextDim, name), 9, role, text, width)
}

impl DeviceView {
    /// Who it is.
    pub(super) fn identity(&self, shell: &Shell, report: &AgentReport, width: usize) -> Vec<Line> {
        let mut rows = vec![self.status(shell), vec![label("link"), self.link(shell)], runtime(report)];
        rows.extend(self.twin_and_tags(shell, width));
        rows.extend(self.parents(shell));
        rows
    }

    /// What it was told, and how that went.
    pub(super) fn configuration(&self, shell: &Shell, report: &AgentReport, width: usize) -> Vec<Line> {
        let mut rows = vec![self.from(shell, report), desired(report)];
        rows.extend(agent(report, width));
        rows.extend(says(report, width));
        rows.push(vec![label("reported"), reported(report, shell)]);
        rows
    }

    /// Both in one column.
    pub(super) fn stacked(&self, shell: &Shell, report: &AgentReport, width: usize) -> Vec<Line> {
        let mut status = self.status(shell);
        status.push((Role::Fg, "   ".into()));
        status.push(match (self.device_identity(shell), self.edge_hub(shell)) {
            // Both come with one right: the same reason twice would not fit.
            (Some(read), None) if read.value.is_none() => (Role::StatusUnknown, "(edgeHub's link too)".into()),
            _ => self.link(shell),
        });
        let mut rows = vec![status];
        rows.extend(agent(report, width));
        rows.extend(says(report, width));
        let mut told = desired(report);
        told.extend([(Role::TextDim, "   reported ".to_owned()), reported(report, shell)]);
        rows.push(told);
        rows.push(self.from(shell, report));
        rows.extend(self.twin_and_tags(shell, width));
        rows.push(runtime(report));
        rows.extend(self.parents(shell));
        rows
    }

    fn device_identity<'a>(&self, shell: &'a Shell) -> Option<&'a Fetched<Arc<DeviceIdentity>>> {
        shell.details.identities.get(&self.id)
    }

    fn status(&self, shell: &Shell) -> Line {
        let read = self.device_identity(shell);
        let enabled = match read.and_then(Fetched::get) {
            Some(device) if !device.enabled => {
                let why = device.status_reason.as_ref().map(|why| format!(" ({})", why.shown())).unwrap_or_default();
                (Role::StatusPaused, format!("disabled{why}"))
            }
            Some(_) => (Role::StatusOk, "enabled".to_owned()),
            None => missing(read),
        };
        let mut row = vec![label("status"), enabled];
        row.extend(overdue(read, shell));
        row
    }

    fn twin_and_tags(&self, shell: &Shell, width: usize) -> Vec<Line> {
        let read = shell.details.twins.get(&TwinId::device(self.id.clone()));
        let Some(twin) = read.and_then(Fetched::get) else { return vec![vec![label("twin"), missing(read)]] };
        let mut about = vec![label("twin"), (Role::Fg, format!("version {}", twin.version))];
        about.extend(overdue(read, shell));
        about.push((Role::TextDim, format!("   etag {}", twin.etag.shown())));
        if let Some(device) = self.device_identity(shell).and_then(Fetched::get) {
            about.push((Role::TextDim, format!("   auth {}", device.authentication.shown())));
        }
        let mut flat = Vec::new();
        let mut tags = serde_json::Value::Object(twin.tags.clone());
        mask_json(&mut tags);
        flatten(&mut flat, "", tags.as_object().unwrap_or(&twin.tags));
        let (role, tags) = if flat.is_empty() { (Role::TextFaint, "none".into()) } else { (Role::Fg, flat.join("  ")) };
        let mut rows = vec![about];
        rows.extend(block("tags", role, &tags, width));
        rows
    }

    fn parents(&self, shell: &Shell) -> Option<Line> {
        let parents = self.device_identity(shell).and_then(Fetched::get).map_or(0, |device| device.parent_scopes.len());
        (parents > 0).then(|| vec![label("parent"), (Role::Fg, format!("{parents} scope"))])
    }

    /// Whether edgeHub lost its link, so that everything reported is from before.
    pub(super) fn is_past(&self, shell: &Shell) -> bool {
        self.edge_hub(shell).is_some_and(|hub| {
            hub.connection_state.raw() != "Connected" && hub.last_activity.is_some_and(|at| at != HubTime::Never)
        })
    }

    fn edge_hub<'a>(&self, shell: &'a Shell) -> Option<&'a ModuleIdentity> {
        let modules = shell.details.modules.get(&self.id).and_then(Fetched::get);
        modules.and_then(|modules| modules.iter().find(|module| module.id == ModuleId::edge_hub()))
    }

    fn link(&self, shell: &Shell) -> Piece {
        match self.edge_hub(shell) {
            Some(hub) if hub.connection_state.raw() == "Connected" => match shell.unanswered.get(&self.id) {
                // The hub misses a device after minutes only; whoever asked it knows sooner.
                Some(at) => {
                    let ago = age_text(shell.now.since(*at));
                    (Role::StatusUnknown, format!("edgeAgent gave no answer {ago} ago (404103)"))
                }
                None => (Role::StatusOk, "edgeHub linked".to_owned()),
            },
            Some(hub) => match hub.last_activity.and_then(HubTime::instant) {
                Some(at) => {
                    (Role::StatusUnknown, format!("no edgeHub link for {}", age_text(wall_age(shell.now.wall, at))))
                }
                None => (Role::StatusUnknown, "edgeHub was never linked".to_owned()),
            },
            None => {
                let (role, why) = missing(shell.details.modules.get(&self.id));
                (role, format!("edgeHub link {why}"))
            }
        }
    }

    fn from(&self, shell: &Shell, report: &AgentReport) -> Line {
        let twin = self.agent_twin(shell).and_then(Fetched::get);
        let configurations = twin.map(|twin| twin.configurations.as_slice()).unwrap_or_default();
        let mut pieces = vec![label("from")];
        if configurations.is_empty() {
            let wanted = report.modules.iter().any(|module| module.wanted.is_some());
            let from = if wanted { "no deployment; set for this device alone" } else { "nothing: no manifest is set" };
            pieces.push((Role::Fg, from.into()));
        }
        for (id, status) in configurations {
            let (role, word) = match status {
                ConfigurationStatus::Applied => (Role::Fg, ""),
                ConfigurationStatus::Targeted => (Role::TextFaint, " (targeted, lost)"),
                ConfigurationStatus::Other => (Role::StatusUnknown, " (?)"),
            };
            pieces.push((role, format!("{}{word}  ", id.shown())));
        }
        pieces
    }
}

fn runtime(report: &AgentReport) -> Line {
    let version = report.version.as_ref().map_or_else(|| "-".to_owned(), |v| v.shown().into());
    let platform = report.platform.as_ref().map_or_else(String::new, |p| format!("   {}", p.shown()));
    vec![label("runtime"), (Role::Fg, format!("IoT Edge {version}{platform}"))]
}

fn desired(report: &AgentReport) -> Line {
    let seen = report.last_desired_version.map_or_else(|| "seen none".to_owned(), |v| format!("seen v{v}"));
    let role =
        if report.last_desired_version == Some(report.desired_version) { Role::Fg } else { Role::StatusProgress };
    vec![label("desired"), (role, format!("v{}   edgeAgent has {seen}", report.desired_version))]
}

/// The code, and what it means.
fn agent(report: &AgentReport, width: usize) -> Vec<Line> {
    let Some(code) = report.code else {
        return vec![vec![label("agent"), (Role::StatusUnknown, "never reported".into())]];
    };
    let (role, words) = match (report.code_is_current(), report.last_desired_version) {
        (true, _) => (if code == 200 { Role::StatusOk } else { Role::StatusBad }, agent_code_words(code).to_owned()),
        (false, Some(seen)) if seen > 0 => {
            let words = format!("about v{seen}; edgeAgent has not taken up v{} yet", report.desired_version);
            (Role::StatusProgress, words)
        }
        (false, _) => {
            (Role::StatusProgress, "before there was a manifest; edgeAgent has not taken it up yet".to_owned())
        }
    };
    let words = wrap(&words, width.saturating_sub(14)).into_iter().enumerate();
    let line = |(index, text): (usize, String)| {
        let (name, head) = if index == 0 { ("agent", code.to_string()) } else { ("", String::new()) };
        vec![label(name), (role, format!("{head:<5}")), (Role::Fg, text)]
    };
    words.map(line).collect()
}

/// edgeAgent's own words. The hub may hold the reason with secrets of an engine's message in it.
fn says(report: &AgentReport, width: usize) -> Vec<Line> {
    let reason = redact(report.description.raw());
    if reason.is_empty() || !report.code_is_current() {
        return Vec::new();
    }
    block("says", Role::StatusBad, &String::from(Untrusted::new(reason).shown()), width)
}

fn reported(report: &AgentReport, shell: &Shell) -> Piece {
    (Role::Fg, if report.ever_reported() { age(shell, report.reported_at) } else { "never".to_owned() })
}

fn flatten(flat: &mut Vec<String>, at: &str, map: &serde_json::Map<String, serde_json::Value>) {
    for (key, value) in map {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match value {
            serde_json::Value::Object(inner) => flatten(flat, &path, inner),
            serde_json::Value::String(text) => flat.push(format!("{}={}", shown(&path), shown(text))),
            other => flat.push(format!("{}={}", shown(&path), shown(&other.to_string()))),
        }
    }
}
