//! What edgeAgent says in its log, word for word. Whoever plays edgeAgent says it; here is only how.

use std::time::Duration;

use serde_json::Value;

use super::runtime::Said;

/// A command of a plan, as it shows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sim) enum Command {
    /// Pull the image.
    Prepare(String),
    /// Create the container.
    Create(String),
    /// Create the container anew.
    Update(String),
    /// Start it.
    Start(String),
    /// Stop it.
    Stop(String),
    /// Remove it.
    Remove(String),
    /// Stop and start it.
    Restart(String),
    /// Several, one after the other.
    Group(Vec<Command>),
}

impl Command {
    /// `Create module m`; a group over several lines.
    pub(in crate::sim) fn show(&self) -> String {
        match self {
            Self::Prepare(module) => format!("Prepare module {module}"),
            Self::Create(module) => format!("Create module {module}"),
            Self::Update(module) => format!("Update module {module}"),
            Self::Start(module) => format!("Start module {module}"),
            Self::Stop(module) => format!("Stop module {module}"),
            Self::Remove(module) => format!("Remove module {module}"),
            Self::Restart(module) => format!("Restart module {module}"),
            Self::Group(commands) => {
                let shown: Vec<String> = commands.iter().map(|command| format!("[{}]", command.show())).collect();
                format!("Command Group: (\n  {}\n)", shown.join("\n  "))
            }
        }
    }

    /// The word for it when it fails.
    fn operation(&self) -> &'static str {
        match self {
            Self::Prepare(_) => "prepareUpdate",
            Self::Create(_) => "create",
            Self::Update(_) => "update",
            Self::Start(_) => "start",
            Self::Stop(_) => "stop",
            Self::Remove(_) => "remove",
            Self::Restart(_) => "restart",
            Self::Group(_) => "Microsoft.Azure.Devices.Edge.Agent.Core.Commands.GroupCommand",
        }
    }
}

/// `40s`, over a minute `02m:40s`; hours are left out, as edgeAgent leaves them out.
fn humanised(length: Duration) -> String {
    let seconds = length.as_secs();
    if length > Duration::from_secs(60) {
        format!("{:02}m:{:02}s", seconds / 60 % 60, seconds % 60)
    } else {
        format!("{:02}s", seconds % 60)
    }
}

/// A text as a structured value stands in a line: quoted, with line feeds as `\n`.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// It opens its link.
pub(in crate::sim) fn connecting() -> Said {
    Said::info("Edge agent attempting to connect to IoT Hub via Amqp_Tcp_Only...")
}

/// The link is open.
pub(in crate::sim) fn connected() -> Said {
    Said::info("Edge agent connected to IoT Hub via Amqp_Tcp_Only.")
}

/// It read its twin.
pub(in crate::sim) fn twin_read(desired: u64, reported: u64) -> Said {
    Said::info(format!(
        "Obtained Edge agent twin from IoTHub with desired properties version {desired} and reported properties version {reported}."
    ))
}

/// Its desired properties are empty.
pub(in crate::sim) fn nothing_desired() -> Said {
    Said::info("Deployment config in edge agent's desired properties is empty.")
}

/// The desired properties cannot be read.
pub(in crate::sim) fn bad_format(exception: &str) -> Said {
    Said::warning("Reconcile failed because of invalid configuration format").because(exception)
}

/// The schema version is none it takes.
pub(in crate::sim) fn bad_schema(exception: &str) -> Said {
    Said::warning("Reconcile failed because of invalid schema").because(exception)
}

/// A plan begins.
pub(in crate::sim) fn plan_started(deployment: u64) -> Said {
    Said::info(format!("Plan execution started for deployment {deployment}"))
}

/// A plan is through, whatever failed in it.
pub(in crate::sim) fn plan_ended(deployment: u64) -> Said {
    Said::info(format!("Plan execution ended for deployment {deployment}"))
}

/// A command begins.
pub(in crate::sim) fn executing(command: &Command) -> Said {
    Said::info(format!("Executing command: {}", quoted(&command.show())))
}

/// A command failed.
pub(in crate::sim) fn failed(command: &Command, exception: &str) -> Said {
    Said::error(format!("Executing command for operation [{}] failed.", quoted(command.operation()))).because(exception)
}

/// The plan goes on after a failed step, which is tried again later.
pub(in crate::sim) fn step_failed(deployment: u64, command: &Command, again_in: Duration) -> Said {
    Said::error(format!(
        "Step failed in deployment {deployment}, continuing execution. Failure when running command {}. Will retry in {}.",
        command.show(),
        humanised(again_in)
    ))
}

/// A step was tried so often that it is given up.
pub(in crate::sim) fn given_up(deployment: u64, command: &Command, tries: u32) -> Said {
    Said::warning(format!(
        "Skipping command \"{}\" in deployment {deployment}. Command has been tried {tries} times. Giving up (max run count is {tries}).",
        command.show()
    ))
}

/// A module that ended waits for its next start.
pub(in crate::sim) fn will_restart(module: &str, cool_off: Duration, left: Duration) -> Said {
    Said::info(format!(
        "Module '{module}' scheduled to restart after {} ({} left).",
        humanised(cool_off),
        humanised(left)
    ))
}

/// A module ran long enough for its restarts to be forgotten.
pub(in crate::sim) fn restarts_forgotten(module: &str, healthy_for: Duration) -> Said {
    let seconds = healthy_for.as_secs();
    Said::info(format!(
        "HealthRestartPlanner is clearing restart stats for module '{module}' as it has been running healthy for {:02}:{:02}:{:02}.",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    ))
}

/// A new module has no identity yet, which needs the hub.
pub(in crate::sim) fn no_identity(module: &str) -> Said {
    Said::info(format!("Unable to process module {module} add or update as the module identity could not be obtained"))
}

/// It wrote what changed.
pub(in crate::sim) fn reported() -> Said {
    Said::info("Updated reported properties")
}

/// The hub did not take what it reported.
pub(in crate::sim) fn report_failed(error: &str, kind: &str) -> Said {
    Said::warning(format!("Updating reported properties failed with error {error} type {kind}"))
}

/// A direct method arrives: two lines.
pub(in crate::sim) fn method_received(name: &str, has_payload: bool) -> [Said; 2] {
    let with = if has_payload { " with payload" } else { "" };
    [Said::info(format!("Received direct method call - {name}")), Said::info(format!("Received request {name}{with}"))]
}

/// A direct method was answered.
pub(in crate::sim) fn method_handled(name: &str) -> Said {
    Said::info(format!("Successfully handled request {name}"))
}

/// A direct method was refused.
pub(in crate::sim) fn method_refused(name: &str, exception: &str) -> Said {
    Said::warning(format!("Error handling request {name}")).because(exception)
}

/// `RestartModule` begins: two lines.
pub(in crate::sim) fn restarting(module: &str) -> [Said; 2] {
    [Said::info(format!("Processing request to restart {module}")), Said::info(format!("Restarting {module}..."))]
}

/// `RestartModule` is done.
pub(in crate::sim) fn restarted(module: &str) -> Said {
    Said::info(format!("Restarted {module}"))
}

/// It shuts down in order: it stops every module and says so to the hub.
pub(in crate::sim) fn shutting_down() -> [Said; 3] {
    [
        Said::info("Initiating shutdown cleanup."),
        Said::info("Stopping all modules..."),
        Said::info("Completed stopping all modules."),
    ]
}

/// The hub was told.
pub(in crate::sim) fn shut_down() -> [Said; 2] {
    [Said::info("Edge agent reporting Edge and module state as unknown."), Said::info("Completed shutdown cleanup.")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn at() -> Timestamp {
        "2026-01-02T03:04:05.678Z".parse().unwrap()
    }

    #[test]
    fn commands_stand_in_a_line_with_their_line_feeds_written_out() {
        let group = Command::Group(vec![Command::Prepare("m".into()), Command::Create("m".into())]);
        assert_eq!(
            executing(&group).at(at()),
            "<6> 2026-01-02 03:04:05.678 +00:00 [INF] - Executing command: \
             \"Command Group: (\\n  [Prepare module m]\\n  [Create module m]\\n)\""
        );
        assert_eq!(
            failed(&Command::Create("m".into()), "System.Exception: no\n   at X()").at(at()),
            "<3> 2026-01-02 03:04:05.678 +00:00 [ERR] - Executing command for operation [\"create\"] failed.\n\
             System.Exception: no\n   at X()"
        );
    }

    #[test]
    fn waits_are_counted_down() {
        let seconds = Duration::from_secs;
        assert_eq!(
            will_restart("m", seconds(40), seconds(21)).text,
            "Module 'm' scheduled to restart after 40s (21s left)."
        );
        assert_eq!(
            will_restart("m", seconds(160), seconds(60)).text,
            "Module 'm' scheduled to restart after 02m:40s (00s left)."
        );
        assert_eq!(
            restarts_forgotten("m", seconds(600)).text,
            "HealthRestartPlanner is clearing restart stats for module 'm' as it has been running healthy for 00:10:00."
        );
    }

    #[test]
    fn commands_show_themselves() {
        let name = || "m".to_owned();
        for (command, shown) in [
            (Command::Prepare(name()), "Prepare module m"),
            (Command::Create(name()), "Create module m"),
            (Command::Update(name()), "Update module m"),
            (Command::Start(name()), "Start module m"),
            (Command::Stop(name()), "Stop module m"),
            (Command::Remove(name()), "Remove module m"),
            (Command::Restart(name()), "Restart module m"),
        ] {
            assert_eq!(command.show(), shown);
        }
    }

    #[test]
    fn the_rest_is_word_for_word() {
        let start = Command::Start("m".into());
        let [call, request] = method_received("GetModuleLogs", true);
        let [_, bare] = method_received("ping", false);
        let [restart, restarting] = restarting("m");
        let [cleanup, stopping, stopped] = shutting_down();
        let [reporting, down] = shut_down();
        for (said, text) in [
            (connecting(), "Edge agent attempting to connect to IoT Hub via Amqp_Tcp_Only..."),
            (connected(), "Edge agent connected to IoT Hub via Amqp_Tcp_Only."),
            (
                twin_read(11, 7),
                "Obtained Edge agent twin from IoTHub with desired properties version 11 and reported properties version 7.",
            ),
            (nothing_desired(), "Deployment config in edge agent's desired properties is empty."),
            (bad_format("why"), "Reconcile failed because of invalid configuration format\nwhy"),
            (bad_schema("why"), "Reconcile failed because of invalid schema\nwhy"),
            (plan_started(4), "Plan execution started for deployment 4"),
            (plan_ended(4), "Plan execution ended for deployment 4"),
            (
                step_failed(4, &start, Duration::from_secs(20)),
                "Step failed in deployment 4, continuing execution. Failure when running command Start module m. Will retry in 20s.",
            ),
            (
                given_up(4, &start, 20),
                "Skipping command \"Start module m\" in deployment 4. Command has been tried 20 times. Giving up (max run count is 20).",
            ),
            (no_identity("m"), "Unable to process module m add or update as the module identity could not be obtained"),
            (reported(), "Updated reported properties"),
            (report_failed("no", "X"), "Updating reported properties failed with error no type X"),
            (call, "Received direct method call - GetModuleLogs"),
            (request, "Received request GetModuleLogs with payload"),
            (bare, "Received request ping"),
            (method_handled("ping"), "Successfully handled request ping"),
            (method_refused("ping", "why"), "Error handling request ping\nwhy"),
            (restart, "Processing request to restart m"),
            (restarting, "Restarting m..."),
            (restarted("m"), "Restarted m"),
            (cleanup, "Initiating shutdown cleanup."),
            (stopping, "Stopping all modules..."),
            (stopped, "Completed stopping all modules."),
            (reporting, "Edge agent reporting Edge and module state as unknown."),
            (down, "Completed shutdown cleanup."),
        ] {
            assert_eq!(said.text, text);
        }
    }
}
