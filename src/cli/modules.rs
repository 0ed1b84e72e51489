//! `edgedeck modules list`: what `iotedge list` prints on the device itself, from what its edgeAgent reported to the
//! hub. The words are the tool's; what it cannot know (a wait before the next start, an image that never came) is added.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::answer::{Answer, Failure, stamp};
use super::device::{exit_code, link, module_item};
use super::exit::Exit;
use super::site::Site;
use super::table::Table;
use super::target::device_id;
use crate::domain::fault::FaultKind;
use crate::domain::health::{
    AgentReport, EdgeHubLink, ModuleState, ModuleVerdict, ReportedModule, RuntimeStatus, agent_code_words, backoff_wait,
};
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::secret::redact;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::time::{HubTime, Now, age_text, wall_age};

/// What can be done with a device's modules.
#[derive(Debug, Clone, Subcommand)]
pub enum ModulesCommand {
    /// NAME STATUS DESCRIPTION CONFIG, like `iotedge list` on the device
    List(ListArgs),
}

/// What `modules list` takes.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// The device
    #[arg(value_name = "ID", value_parser = device_id)]
    pub device: DeviceId,
}

/// Lists the modules of one device.
///
/// # Errors
/// The hub's.
pub async fn run(site: &Site, command: &ModulesCommand) -> Result<Answer, Failure> {
    let ModulesCommand::List(ListArgs { device }) = command;
    let now = site.clock.now();
    let hub = &site.hub.read;
    let agent = TwinId::module(device.clone(), ModuleId::edge_agent());
    let (identity, twin, identities) = tokio::join!(hub.device(device), hub.twin(&agent), hub.modules(device));
    // What the device is decides what the other two failures mean.
    let identity = identity?;
    if !identity.edge {
        let text = format!("{} is no IoT Edge device: it has no edgeAgent that could report modules", device.shown());
        return Err(Failure::new(Exit::NotFound, text));
    }
    let twin = twin?;
    let identities = match identities {
        // A shared access policy is not shown the modules of a disabled device.
        Err(fault) if !identity.enabled && fault.kind == FaultKind::Rejected => Vec::new(),
        identities => identities?,
    };
    let report = AgentReport::of(&twin);
    let mut table = Table::with_heads(&["NAME", "STATUS", "DESCRIPTION", "CONFIG"]);
    let mut items = Vec::new();
    for module in &report.modules {
        table.row([
            Untrusted::new(container(&module.id)).shown(),
            status(&report, module),
            Shown::composed(description(&report, module, now)),
            image(module),
        ]);
        let mut item = module_item(&report, module);
        if let Some(fields) = item.as_object_mut() {
            fields.insert("name".to_owned(), json!(container(&module.id)));
            fields.insert("description".to_owned(), json!(description(&report, module, now)));
            fields.insert("reportedAt".to_owned(), json!(stamp(report.reported_at)));
        }
        items.push(item);
    }
    let mut text = table.text();
    for caution in cautions(&report, identity.enabled, link(&identities), now) {
        text.push_str(&format!("\n{caution}\n"));
    }
    Ok(Answer::new("ModuleList", now.wall, items, text))
}

/// What must be known to read the table: a report is what somebody said, and when.
fn cautions(report: &AgentReport, enabled: bool, link: EdgeHubLink, now: Now) -> Vec<String> {
    let mut cautions = Vec::new();
    if !enabled {
        cautions.push("the device is disabled: the hub lets it in no more, and this is from before".to_owned());
    }
    let Some(code) = report.code else {
        let why = "edgeAgent has not reported yet: the runtime was not started on this device, or is still starting";
        cautions.push(why.to_owned());
        return cautions;
    };
    if !report.code_is_current() {
        let wanted = report.desired_version;
        cautions.push(format!("edgeAgent has not taken up version {wanted} of its manifest yet"));
    } else if code != 200 {
        let said = redact(report.description.raw());
        let said = if said.is_empty() { String::new() } else { format!(": {}", Untrusted::new(said).shown()) };
        cautions.push(format!("edgeAgent answers {code}, {}{said}", agent_code_words(code)));
    }
    let said = match report.reported_at {
        Some(HubTime::At(at)) => format!("{} ago", age_text(wall_age(now.wall, at))),
        Some(HubTime::Never) | None => "at a time nobody knows".to_owned(),
    };
    if link == EdgeHubLink::Down {
        cautions.push(format!("edgeHub has lost its link; this is what was reported {said}"));
    }
    cautions
}

/// The container's name: the runtime's own modules are `edgeAgent` and `edgeHub` on the device.
fn container(id: &ModuleId) -> &str {
    id.as_str().strip_prefix('$').filter(|_| id.is_system()).unwrap_or(id.as_str())
}

/// Of an agent that never reported nobody knows what runs: wanted is not missing.
fn status(report: &AgentReport, module: &ModuleState) -> Shown {
    match module.reported.as_ref().map(|seen| &seen.runtime) {
        None => Shown::from_static(report.verdict_of(module).word()),
        Some(RuntimeStatus::Other(word)) => word.shown(),
        Some(RuntimeStatus::Running) => Shown::from_static("running"),
        Some(RuntimeStatus::Stopped) => Shown::from_static("stopped"),
        Some(RuntimeStatus::Backoff) => Shown::from_static("backoff"),
        Some(RuntimeStatus::Failed) => Shown::from_static("failed"),
        Some(RuntimeStatus::Unhealthy) => Shown::from_static("unhealthy"),
        Some(RuntimeStatus::Dead) => Shown::from_static("dead"),
        Some(RuntimeStatus::Unknown) => Shown::from_static("unknown"),
    }
}

fn description(report: &AgentReport, module: &ModuleState, now: Now) -> String {
    let Some(seen) = &module.reported else {
        return match report.verdict_of(module) {
            ModuleVerdict::Unknown => "Not reported yet",
            ModuleVerdict::Pending => "Not started: edgeAgent has not taken up the manifest yet",
            _ => "No container: its image was not pulled, or is being pulled",
        }
        .to_owned();
    };
    let since = |at: Option<HubTime>| at.and_then(HubTime::instant).map(|at| in_words(wall_age(now.wall, at)));
    let ago = |at: Option<HubTime>| since(at).map_or_else(String::new, |age| format!(" {age} ago"));
    match seen.runtime {
        RuntimeStatus::Running => since(seen.last_start).map_or_else(|| "Up".to_owned(), |age| format!("Up {age}")),
        RuntimeStatus::Stopped | RuntimeStatus::Dead => format!("Stopped{}", ago(seen.last_exit)),
        RuntimeStatus::Failed => format!("Failed{}{}", code(module), ago(seen.last_exit)),
        RuntimeStatus::Backoff => format!("Failed{}{}, {}", code(module), ago(seen.last_exit), next_start(seen)),
        RuntimeStatus::Unhealthy | RuntimeStatus::Unknown | RuntimeStatus::Other(_) => "Unknown".to_owned(),
    }
}

fn code(module: &ModuleState) -> String {
    exit_code(module).map_or_else(String::new, |code| format!(" ({code})"))
}

fn next_start(seen: &ReportedModule) -> String {
    let restarts = seen.restart_count.unwrap_or_default();
    format!("restart {} after {} s", restarts + 1, backoff_wait(restarts).as_secs())
}

fn image(module: &ModuleState) -> Shown {
    let seen = module.reported.as_ref().map(|seen| &seen.image);
    let image = seen.or_else(|| module.wanted.as_ref().map(|wanted| &wanted.image));
    image.map_or_else(|| Shown::from_static("-"), Untrusted::shown)
}

/// An age as the tool on the device writes it: `2 minutes`, `1 hour`.
fn in_words(age: Duration) -> String {
    let seconds = age.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_those_of_the_tool_on_the_device() {
        for (seconds, words) in
            [(0, "0 seconds"), (1, "1 second"), (119, "1 minute"), (7_200, "2 hours"), (86_400, "1 day")]
        {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn only_the_runtimes_own_modules_lose_their_sign() {
        for (id, name) in [("$edgeAgent", "edgeAgent"), ("$edgeHub", "edgeHub"), ("filter", "filter")] {
            assert_eq!(container(&ModuleId::from_wire(id)), name);
        }
    }
}
