//! `edgedeck device show`: identity, edgeAgent's account, and the modules wanted and reported.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::answer::{Answer, Failure, stamp};
use crate::cli::site::Site;
use crate::cli::table::{Facts, Table};
use crate::cli::target::device_id;
use crate::domain::device::{DeviceIdentity, ModuleIdentity};
use crate::domain::fault::FaultKind;
use crate::domain::health::{AgentReport, EdgeHubLink, ModuleState, RuntimeStatus, agent_code_words, exit_code_words};
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::json::compact;
use crate::domain::secret::mask_json;
use crate::domain::text::{Shown, Untrusted};
use crate::domain::time::{HubTime, Now, age_text, wall_age};
use crate::domain::twin::Twin;

/// What `device show` takes.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// The device
    #[arg(value_name = "ID", value_parser = device_id)]
    pub device: DeviceId,
}

/// Everything that is read of one device.
struct Device {
    identity: DeviceIdentity,
    twin: Twin,
    modules: Vec<ModuleIdentity>,
    /// `None` when there is no `$edgeAgent`: not an Edge device.
    agent: Option<AgentReport>,
}

/// Shows one device.
///
/// # Errors
/// The hub's.
pub(super) async fn run(site: &Site, args: &ShowArgs) -> Result<Answer, Failure> {
    let id = &args.device;
    let now = site.clock.now();
    let hub = &site.hub.read;
    let agent_id = TwinId::module(id.clone(), ModuleId::edge_agent());
    let agent = async {
        match hub.twin(&agent_id).await {
            Ok(twin) => Ok(Some(twin)),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    };
    // The identity first: when the device does not exist, that is the failure to tell.
    let identity = hub.device(id).await?;
    let twin_id = TwinId::device(id.clone());
    // A shared access policy is not shown the modules of a disabled device; that is no reason to show nothing of it.
    let modules = async {
        match hub.modules(id).await {
            Err(fault) if !identity.enabled && fault.kind == FaultKind::Rejected => Ok(Vec::new()),
            modules => modules,
        }
    };
    let (twin, modules, agent) = tokio::try_join!(hub.twin(&twin_id), modules, agent)?;
    let device = Device { identity, twin, modules, agent: agent.as_ref().map(AgentReport::of) };
    Ok(Answer::new("Device", now.wall, vec![device.item()], device.table(now)))
}

impl Device {
    fn link(&self) -> EdgeHubLink {
        link(&self.modules)
    }

    fn status(&self) -> Option<&'static str> {
        if !self.identity.enabled {
            return Some("disabled");
        }
        self.agent.as_ref().map(|agent| agent.verdict(self.link()).word())
    }

    fn table(&self, now: Now) -> String {
        let identity = &self.identity;
        let mut facts = Facts::default();
        facts.add("DEVICE", identity.id.shown());
        facts.say("STATUS", self.status().unwrap_or("not an IoT Edge device"));
        let reason = identity.status_reason.as_ref().map(|why| format!(" ({})", why.shown().as_str()));
        facts.say(
            "IDENTITY",
            format!(
                "{}{}, {}",
                if identity.enabled { "enabled" } else { "disabled" },
                reason.unwrap_or_default(),
                identity.authentication.shown().as_str()
            ),
        );
        facts.say("EDGEHUB LINK", link_words(self.link()));
        if let Some(agent) = &self.agent {
            facts.say("EDGEAGENT", agent_words(agent));
            facts.say("REPORTED", ago(now, agent.reported_at));
        }
        facts.say("TWIN", format!("version {}, ETag {}", self.twin.version, self.twin.etag.shown().as_str()));
        let mut tags = Value::Object(self.twin.tags.clone());
        mask_json(&mut tags);
        facts.say("TAGS", compact(&tags));
        let mut text = facts.text();
        if let Some(agent) = &self.agent {
            text.push('\n');
            text.push_str(&modules(agent, now));
        }
        text
    }

    fn item(&self) -> Value {
        let identity = &self.identity;
        let agent = self.agent.as_ref();
        json!({
            "deviceId": identity.id,
            "status": self.status(),
            "enabled": identity.enabled,
            "statusReason": identity.status_reason,
            "edge": identity.edge,
            "authentication": identity.authentication,
            "generationId": identity.generation_id,
            "connectionState": identity.connection_state,
            "lastActivityTime": stamp(identity.last_activity),
            "deviceScope": identity.device_scope,
            "parentScopes": identity.parent_scopes,
            "edgeHubConnected": match self.link() {
                EdgeHubLink::Up => Some(true),
                EdgeHubLink::Down => Some(false),
                EdgeHubLink::Unknown => None,
            },
            "twin": { "etag": self.twin.etag, "version": self.twin.version },
            "tags": self.twin.tags,
            "agent": agent.map(|agent| json!({
                "code": agent.code,
                "description": agent.code.map(|_| &agent.description),
                "version": agent.version,
                "platform": agent.platform,
                "desiredVersion": agent.desired_version,
                "lastDesiredVersion": agent.last_desired_version,
                "reportedAt": stamp(agent.reported_at),
            })),
            "modules": agent.map(|agent| agent.modules.iter().map(|module| module_item(agent, module)).collect::<Vec<_>>()),
        })
    }
}

/// Whether edgeHub holds its link, by its module identity.
pub(in crate::cli) fn link(modules: &[ModuleIdentity]) -> EdgeHubLink {
    let Some(hub) = modules.iter().find(|module| module.id == ModuleId::edge_hub()) else {
        return EdgeHubLink::Unknown;
    };
    match (hub.connection_state.raw(), hub.last_activity) {
        ("Connected", _) => EdgeHubLink::Up,
        // Never active means never connected: a new device, not a lost one.
        ("Disconnected", Some(HubTime::At(_))) => EdgeHubLink::Down,
        _ => EdgeHubLink::Unknown,
    }
}

fn link_words(link: EdgeHubLink) -> &'static str {
    match link {
        EdgeHubLink::Up => "connected",
        EdgeHubLink::Down => "DISCONNECTED: what is reported below is from before",
        EdgeHubLink::Unknown => "never connected, or not known",
    }
}

fn agent_words(agent: &AgentReport) -> String {
    let Some(code) = agent.code else { return "has never reported".to_owned() };
    let mut text = format!("{code}: {}", agent_code_words(code));
    let description = agent.description.shown();
    if !description.as_str().is_empty() {
        text.push_str(&format!(" ({})", description.as_str()));
    }
    if agent.last_desired_version != Some(agent.desired_version) {
        let seen = agent.last_desired_version.map_or_else(|| "none".to_owned(), |seen| seen.to_string());
        text.push_str(&format!("; has seen version {seen} of {}", agent.desired_version));
    }
    text
}

fn ago(now: Now, at: Option<HubTime>) -> String {
    match at {
        None => "-".to_owned(),
        Some(HubTime::Never) => "never".to_owned(),
        Some(HubTime::At(at)) => format!("{} ago", age_text(wall_age(now.wall, at))),
    }
}

fn modules(agent: &AgentReport, now: Now) -> String {
    let heads = ["MODULE", "STATUS", "DESIRED", "REPORTED", "RESTARTS", "EXIT", "STARTED", "IMAGE"];
    let mut table = Table::with_heads(&heads).right(4);
    for module in &agent.modules {
        let wanted = module.wanted.as_ref();
        let seen = module.reported.as_ref();
        let nothing = || Shown::from_static("-");
        let image = wanted.map(|wanted| &wanted.image).or_else(|| seen.map(|seen| &seen.image));
        table.row([
            module.id.shown(),
            Shown::from_static(agent.verdict_of(module).word()),
            wanted
                .map_or_else(nothing, |wanted| Shown::from_static(if wanted.running { "running" } else { "stopped" })),
            seen.map_or_else(nothing, |seen| Untrusted::from(runtime(&seen.runtime)).shown()),
            seen.and_then(|seen| seen.restart_count).map_or_else(nothing, |count| Shown::composed(count.to_string())),
            exit_code(module).map_or_else(nothing, |code| Shown::composed(code.to_string())),
            seen.map_or_else(nothing, |seen| Shown::composed(ago(now, seen.last_start))),
            image.map_or_else(nothing, Untrusted::shown),
        ]);
    }
    let mut text = table.text();
    for module in &agent.modules {
        if let Some(code) = exit_code(module).filter(|code| *code != 0) {
            text.push_str(&format!("\n{} ended with {code}: {}", module.id.shown().as_str(), exit_code_words(code)));
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// How a module that does not run ended; a running one still carries the code of its last end.
pub(in crate::cli) fn exit_code(module: &ModuleState) -> Option<i64> {
    let seen = module.reported.as_ref()?;
    seen.exit_code.filter(|_| seen.runtime != RuntimeStatus::Running)
}

fn runtime(status: &RuntimeStatus) -> &str {
    match status {
        RuntimeStatus::Running => "running",
        RuntimeStatus::Stopped => "stopped",
        RuntimeStatus::Backoff => "backoff",
        RuntimeStatus::Failed => "failed",
        RuntimeStatus::Unhealthy => "unhealthy",
        RuntimeStatus::Dead => "dead",
        RuntimeStatus::Unknown => "unknown",
        RuntimeStatus::Other(word) => word.raw(),
    }
}

pub(in crate::cli) fn module_item(agent: &AgentReport, module: &ModuleState) -> Value {
    json!({
        "moduleId": module.id,
        "status": agent.verdict_of(module).word(),
        "desired": module.wanted.as_ref().map(|wanted| json!({
            "status": if wanted.running { "running" } else { "stopped" },
            "image": wanted.image,
            "restartPolicy": wanted.restart_policy,
        })),
        "reported": module.reported.as_ref().map(|seen| json!({
            "runtimeStatus": runtime(&seen.runtime),
            "image": seen.image,
            "restartCount": seen.restart_count,
            "exitCode": seen.exit_code,
            "lastStartTime": stamp(seen.last_start),
            "lastExitTime": stamp(seen.last_exit),
            "statusDescription": seen.description,
        })),
    })
}
