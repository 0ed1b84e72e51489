//! What edgeHub says in its log about routes, clients, the link and its store, word for word.

use crate::domain::manifest::{DEFAULT_PRIORITY, HubConfig};
use crate::domain::routes::{RoutedMessage, Sink};
use crate::sim::device::program::runtime::Said;

/// The protocol heads are up.
pub(super) fn started() -> [Said; 7] {
    [
        "Starting protocol heads - (MQTT, AMQP, HTTP)",
        "Starting MQTT head",
        "Starting AMQP head",
        "Starting HTTP head",
        "Started MQTT head",
        "Started AMQP head",
        "Started HTTP head",
    ]
    .map(Said::info)
}

/// It ends in order.
pub(super) fn stopping() -> [Said; 3] {
    ["Stopping the protocol heads...", "Protocol heads stopped.", "Shutdown complete."].map(Said::info)
}

/// A configuration took effect, the first one or a change; nothing more is said when nothing is different.
pub(super) fn configured(config: &HubConfig, is_change: bool, is_same: bool) -> Vec<Said> {
    let mut out = if is_change {
        vec![
            Said::info("Obtained edge hub config patch update from module twin"),
            Said::info("Updating edge hub configuration"),
        ]
    } else {
        vec![Said::info("Obtained edge hub config from module twin")]
    };
    if is_same {
        return out;
    }
    if config.routes.is_empty() {
        out.push(Said::info("No routes set in the edge hub"));
    } else {
        out.push(Said::info(format!("Set the following {} route(s) in edge hub", config.routes.len())));
        out.extend(config.routes.iter().map(|route| Said::info(format!("{}: {}", route.name, route.text))));
    }
    // "For ever" is minus one to it.
    let seconds = config.time_to_live.map_or("-1".to_owned(), |length| length.as_secs().to_string());
    out.push(Said::info(format!("Updated message store TTL to {seconds} seconds")));
    out.push(Said::info("Updated the edge hub store and forward configuration"));
    if !is_change {
        out.push(Said::info("Initialized edge hub configuration"));
    }
    out
}

/// A client connected.
pub(super) fn client_connected(device: &str, module: &str) -> Said {
    Said::info(format!("New device connection for device {device}/{module}"))
}

/// A client is gone.
pub(super) fn client_gone(device: &str, module: &str) -> Said {
    Said::info(format!("Device connection removed for device {device}/{module}"))
}

/// A call was not answered.
pub(super) fn leaving_connected() -> Said {
    Said::info("Exiting connected state")
}

/// It makes another call to be sure.
pub(super) fn entering_unreachable() -> Said {
    Said::info("Entering unreachable state")
}

/// That one was not answered either.
pub(super) fn entering_disconnected() -> Said {
    Said::info("Entering disconnected state")
}

/// A call was answered.
pub(super) fn leaving_disconnected() -> Said {
    Said::info("Exiting disconnected state")
}

/// The hub answers.
pub(super) fn entering_connected() -> Said {
    Said::info("Entering connected state")
}

/// It opens its own link.
pub(super) fn connecting(device: &str) -> [Said; 3] {
    [
        Said::info(format!("Attempting to connect to IoT Hub for client {device}/$edgeHub via AMQP...")),
        Said::info(format!(
            "Created cloud proxy for client {device}/$edgeHub via AMQP, with client operation timeout 20 seconds."
        )),
        Said::info(format!("Created cloud connection for client {device}/$edgeHub")),
    ]
}

/// A message waits, and its endpoint cannot be reached.
pub(super) fn unreachable(device: &str, endpoint: &Sink, message: &RoutedMessage) -> Said {
    match endpoint {
        Sink::Upstream => {
            let client = match message.system.get("connectionModuleId") {
                Some(module) => format!("{device}/{module}"),
                None => device.to_owned(),
            };
            Said::warning(format!("Could not get an active Iot Hub connection for client {client}"))
        }
        Sink::Module { module, .. } => Said::warning(format!("Module {device}/{module} is not connected")),
    }
}

/// A round of cleaning up one queue: two lines.
pub(super) fn cleaned_up(queue: &str, count: u64) -> [Said; 2] {
    [
        Said::info(format!("Started task to cleanup processed and stale messages for endpoint {queue}")),
        Said::info(format!(
            "Cleaned up {count} messages from queue for endpoint {queue} and {count} messages from message store."
        )),
    ]
}

/// A queue's name: `iothub`, `edge-1/filter/input1`, with `_Pri3` behind it when its priority is not the usual one.
pub(super) fn queue_name(device: &str, endpoint: &Sink, priority: u32) -> String {
    let endpoint = match endpoint {
        Sink::Upstream => "iothub".to_owned(),
        Sink::Module { module, input } => format!("{device}/{module}/{input}"),
    };
    if priority == DEFAULT_PRIORITY { endpoint } else { format!("{endpoint}_Pri{priority}") }
}
