//! The fleet behind `--sim`: one gateway set by hand, two sites of twelve under a base and a layered deployment,
//! a gateway that was registered minutes ago, and a plain sensor. Three things are wrong, see [`sites`].

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::sim::hub::seed::{ConnectionSeed, DesiredSeed, DeviceSeed, ModuleSeed, TwinSeed};

use super::edge::{
    Client, Installed, ModuleSpec, Run, agent_desired, agent_reported, desired_module, hub_desired, hub_reported,
    members, pull_failure,
};
use super::{DAY, HOUR, MINUTE, World};

const SENSOR: ModuleSpec = ModuleSpec {
    name: "SimulatedTemperatureSensor",
    version: "1.0",
    image: "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0",
    env: &[("MessageCount", "-1")],
};
const FILTER: ModuleSpec = ModuleSpec {
    name: "temperatureFilter",
    version: "1.0.0",
    image: "acrproduction001.azurecr.io/temperature-filter:1.0.0",
    env: &[("TEMPERATURE_THRESHOLD", "25.0")],
};
const OLD_FILTER: ModuleSpec =
    ModuleSpec { version: "0.9.0", image: "acrproduction001.azurecr.io/temperature-filter:0.9.0", ..FILTER };
const DEBUG_SHELL: ModuleSpec = ModuleSpec {
    name: "debugShell",
    version: "0.4",
    image: "acrproduction001.azurecr.io/debug-shell:0.4",
    env: &[("SHELL_TOKEN", "simulated-shell-token")],
};
const INFERENCE: ModuleSpec = ModuleSpec {
    name: "mlInference",
    version: "2.0.3",
    image: "acrproduction001.azurecr.io/ml-inference:2.0.3",
    env: &[("MODEL", "vibration-v7"), ("MODEL_API_KEY", "simulated-model-key")],
};
/// The tag does not exist: a letter o at the end.
const CANARY_INFERENCE: ModuleSpec =
    ModuleSpec { version: "2.1.0", image: "acrproduction001.azurecr.io/ml-inference:2.1.o", ..INFERENCE };

const BASE: Deployment = Deployment { id: "deploy-base-sites", created: 41 * DAY };
const LAYER: Deployment = Deployment { id: "deploy-ml-gateways", created: 12 * DAY };
const CANARY: Deployment = Deployment { id: "deploy-ml-canary", created: 3 * HOUR };

/// A configuration, and how many seconds ago it was made.
#[derive(Debug, Clone, Copy)]
struct Deployment {
    id: &'static str,
    created: u64,
}

impl Deployment {
    /// One write of this deployment to a twin, seconds after it was made or after the device was registered.
    fn write(self, world: &World, device_age: u64, values: Map<String, Value>) -> DesiredSeed {
        let at = world.ago(self.created.min(device_age).saturating_sub(3), 3);
        DesiredSeed { at, values, by: Some((self.id.to_owned(), world.ago(self.created, 1))) }
    }
}

/// What is wrong with a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    /// The filter exits with 1 at once; seven restarts so far, the agent still says 200.
    CrashLoop,
    /// A canary layer names a tag that does not exist: 500, the old image runs on.
    BadTag,
    /// No power for five hours: the last reports say 200 and running, and nothing moves.
    Dark,
    /// Registered, deployed to, never installed: reports nothing at all.
    NeverProvisioned,
}

struct Gateway {
    id: String,
    building: &'static str,
    floor: u64,
    role: &'static str,
    /// Seconds since it was registered.
    age: u64,
    /// Seconds since its runtime started.
    session: u64,
    trouble: Trouble,
    /// Tells gateways apart where figures should not all be equal.
    salt: u64,
}

/// Every device of the world.
pub(super) fn devices(world: &World) -> Vec<DeviceSeed> {
    let mut out = vec![set_by_hand(world), plain_sensor(world)];
    out.extend(sites().iter().map(|gateway| site_gateway(world, gateway)));
    out
}

/// The two sites and the gateway on its way to the first.
fn sites() -> Vec<Gateway> {
    let gateway = |building: &'static str, first: u64, index: u64| {
        let number = first + index;
        Gateway {
            id: format!("edge-gateway-{number}"),
            building,
            floor: index / 4 + 1,
            role: if building == "B2" && index >= 8 { "sensor-hub" } else { "gateway" },
            age: 120 * DAY - index * 5 * DAY - (first - 101) * HOUR,
            // Sessions from a few minutes to a month.
            session: (index * index * 5 + index + 4) * HOUR / 2 + (number % 7) * 11 * MINUTE,
            trouble: match number {
                104 => Trouble::CrashLoop,
                203 => Trouble::BadTag,
                209 => Trouble::Dark,
                113 => Trouble::NeverProvisioned,
                _ => Trouble::None,
            },
            salt: number,
        }
    };
    let mut out: Vec<Gateway> = (0..12).map(|index| gateway("B1", 101, index)).collect();
    out.push(Gateway { age: 6 * MINUTE, floor: 3, ..gateway("B1", 101, 12) });
    out.extend((0..12).map(|index| gateway("B2", 201, index)));
    out
}

fn tags(gateway: &Gateway) -> Map<String, Value> {
    members(json!({
        "location": {"building": gateway.building, "floor": gateway.floor},
        "role": gateway.role,
        "environment": "production",
    }))
}

fn site_gateway(world: &World, gateway: &Gateway) -> DeviceSeed {
    let Gateway { age, session, trouble, salt, .. } = *gateway;
    let created = world.ago(age, salt);
    let layered = gateway.role == "gateway";
    let layer_member = |spec: &ModuleSpec| members(json!({"modules": {spec.name: desired_module(spec)}}));

    // Desired: the base, the layer on top, the canary on top of that.
    let mut agent_writes = vec![BASE.write(world, age, agent_desired(&[SENSOR, FILTER]))];
    let mut configurations = vec![BASE];
    if layered {
        agent_writes.push(LAYER.write(world, age, layer_member(&INFERENCE)));
        configurations.push(LAYER);
    }
    if trouble == Trouble::BadTag {
        agent_writes.push(CANARY.write(world, age, layer_member(&CANARY_INFERENCE)));
        configurations.push(CANARY);
    }
    let configurations: Vec<(String, String)> =
        configurations.iter().map(|deployment| (deployment.id.to_owned(), "Applied".to_owned())).collect();
    let base_only = vec![(BASE.id.to_owned(), "Applied".to_owned())];
    let agent_version = 1 + u64::try_from(agent_writes.len()).unwrap_or(0);

    // Reported: what the runtime wrote when it started, and the last thing since.
    let up = world.ago(session, salt + 1);
    let last_report = match trouble {
        Trouble::Dark => 5 * HOUR + 7 * MINUTE,
        Trouble::CrashLoop => 38,
        _ => (2 + salt % 17) * MINUTE,
    }
    .min(session);
    let last = world.ago(last_report, salt + 2);
    let running = |spec: ModuleSpec| Installed { spec, running_image: spec.image, run: Run::Running { since: up } };
    let mut installed = vec![running(SENSOR), running(FILTER)];
    if trouble == Trouble::CrashLoop {
        let run = Run::Backoff { started: world.ago(40, salt + 4), exited: last, exit_code: 1, restarts: 7 };
        installed = vec![running(SENSOR), Installed { run, ..running(FILTER) }];
    }
    let mut status = (200, String::new());
    if trouble == Trouble::BadTag {
        // The agent echoes the new deployment, while the old container goes on.
        installed.push(Installed { running_image: INFERENCE.image, ..running(CANARY_INFERENCE) });
        status = (500, pull_failure(CANARY_INFERENCE.name, CANARY_INFERENCE.image));
    } else if layered {
        installed.push(running(INFERENCE));
    }
    let architecture = if salt.is_multiple_of(3) { "aarch64" } else { "x86_64" };
    let report = agent_reported(architecture, up, agent_version, (status.0, &status.1), &installed);
    let provisioned = trouble != Trouble::NeverProvisioned;
    let agent_reports = if provisioned { vec![(up, report.clone()), (last, report)] } else { Vec::new() };

    let clients = clients(world, gateway, &installed);
    let hub_reports =
        if provisioned { vec![(up, hub_reported(2, &[])), (last, hub_reported(2, &clients))] } else { Vec::new() };

    let link = if !provisioned {
        ConnectionSeed::default()
    } else if trouble == Trouble::Dark {
        ConnectionSeed {
            connected: false,
            since: Some(world.ago(last_report - 4 * MINUTE, salt)),
            last_activity: Some(last),
        }
    } else {
        ConnectionSeed { connected: true, since: Some(up), last_activity: Some(world.ago(5 + salt % 50, salt + 5)) }
    };
    let mut modules = BTreeMap::new();
    modules.insert(
        "$edgeAgent".to_owned(),
        ModuleSeed {
            created,
            // The agent opens no telemetry link, so the hub never counts it as connected.
            connection: ConnectionSeed { connected: false, since: None, last_activity: None },
            twin: TwinSeed { desired: agent_writes, reported: agent_reports, configurations, ..TwinSeed::default() },
        },
    );
    modules.insert(
        "$edgeHub".to_owned(),
        ModuleSeed {
            created,
            connection: link,
            twin: TwinSeed {
                desired: vec![BASE.write(world, age, hub_desired())],
                reported: hub_reports,
                configurations: base_only.clone(),
                ..TwinSeed::default()
            },
        },
    );
    for module in installed.iter().filter(|_| provisioned) {
        let is_filter = module.spec.name == FILTER.name;
        let crashing = matches!(module.run, Run::Backoff { .. });
        let connection = if crashing { ConnectionSeed { connected: false, ..link } } else { link };
        let mut twin = TwinSeed::default();
        if is_filter {
            let threshold = members(json!({"temperatureThreshold": 25.0}));
            twin.desired = vec![BASE.write(world, age, threshold.clone())];
            twin.configurations = base_only.clone();
            if !crashing {
                twin.reported = vec![(up, threshold)];
            }
        }
        modules.insert(module.spec.name.to_owned(), ModuleSeed { created: up, connection, twin });
    }
    DeviceSeed {
        id: gateway.id.clone(),
        created,
        edge: true,
        // The device itself opens no link; only its modules do.
        connection: ConnectionSeed { connected: false, since: None, last_activity: provisioned.then_some(last) },
        twin: TwinSeed { tags: tags(gateway), ..TwinSeed::default() },
        modules,
    }
}

/// Who is linked to the gateway's edgeHub: its modules, and the plain sensor on the first gateway.
fn clients(world: &World, gateway: &Gateway, installed: &[Installed]) -> Vec<Client> {
    let connected = world.ago(gateway.session.saturating_sub(20), gateway.salt);
    let mut out: Vec<Client> = installed
        .iter()
        .map(|module| Client {
            id: format!("{}/{}", gateway.id, module.spec.name),
            connected,
            disconnected: match module.run {
                Run::Running { .. } => None,
                Run::Backoff { exited, .. } => Some(exited),
            },
        })
        .collect();
    if gateway.id == "edge-gateway-101" {
        out.push(Client { id: "sensor-vibration-101".to_owned(), connected, disconnected: None });
    }
    out
}

/// `edge-gateway-001`: no tags, no deployment; somebody used set-modules twice and left a shell behind.
fn set_by_hand(world: &World) -> DeviceSeed {
    let created = world.ago(200 * DAY, 1);
    let up = world.ago(3 * DAY + 5 * HOUR, 2);
    let last = world.ago(11 * MINUTE, 3);
    let seen = ConnectionSeed { connected: true, since: Some(up), last_activity: Some(world.ago(9, 4)) };
    let by_hand =
        |days: u64, values: Map<String, Value>| DesiredSeed { at: world.ago(days * DAY, 5), values, by: None };
    let running = |spec: ModuleSpec| Installed { spec, running_image: spec.image, run: Run::Running { since: up } };
    let installed = [running(SENSOR), running(OLD_FILTER), running(DEBUG_SHELL)];
    let report = agent_reported("x86_64", up, 3, (200, ""), &installed);
    let client = |module: &Installed| Client {
        id: format!("edge-gateway-001/{}", module.spec.name),
        connected: world.ago(3 * DAY + 5 * HOUR - 25, 6),
        disconnected: None,
    };
    let clients: Vec<Client> = installed.iter().map(client).collect();
    let threshold = members(json!({"temperatureThreshold": 25.0}));
    let module = |twin: TwinSeed| ModuleSeed { created: world.ago(199 * DAY, 7), connection: seen, twin };
    let filter = TwinSeed {
        desired: vec![by_hand(90, threshold.clone())],
        reported: vec![(up, threshold)],
        ..TwinSeed::default()
    };
    let agent = TwinSeed {
        desired: vec![
            by_hand(90, agent_desired(&[SENSOR, OLD_FILTER])),
            by_hand(4, agent_desired(&[SENSOR, OLD_FILTER, DEBUG_SHELL])),
        ],
        reported: vec![(up, report.clone()), (last, report)],
        ..TwinSeed::default()
    };
    let hub = TwinSeed {
        desired: vec![by_hand(90, hub_desired())],
        reported: vec![(up, hub_reported(2, &[])), (last, hub_reported(2, &clients))],
        ..TwinSeed::default()
    };
    DeviceSeed {
        id: "edge-gateway-001".to_owned(),
        created,
        edge: true,
        connection: ConnectionSeed { connected: false, since: None, last_activity: Some(last) },
        twin: TwinSeed::default(),
        modules: BTreeMap::from([
            ("$edgeAgent".to_owned(), ModuleSeed { connection: ConnectionSeed::default(), ..module(agent) }),
            ("$edgeHub".to_owned(), module(hub)),
            (SENSOR.name.to_owned(), module(TwinSeed::default())),
            (OLD_FILTER.name.to_owned(), module(filter)),
            (DEBUG_SHELL.name.to_owned(), module(TwinSeed::default())),
        ]),
    }
}

/// A device that is no edge device and talks through the first gateway.
fn plain_sensor(world: &World) -> DeviceSeed {
    let last_activity = Some(world.ago(31, 8));
    DeviceSeed {
        id: "sensor-vibration-101".to_owned(),
        created: world.ago(80 * DAY, 9),
        edge: false,
        connection: ConnectionSeed { connected: true, since: Some(world.ago(2 * DAY, 10)), last_activity },
        twin: TwinSeed {
            tags: members(
                json!({"location": {"building": "B1", "floor": 1}, "role": "sensor", "environment": "production"}),
            ),
            desired: vec![DesiredSeed {
                at: world.ago(30 * DAY, 11),
                values: members(json!({"sampleIntervalSeconds": 30})),
                by: None,
            }],
            reported: vec![(world.ago(14 * MINUTE, 12), members(json!({"sampleIntervalSeconds": 30, "battery": 87})))],
            ..TwinSeed::default()
        },
        modules: BTreeMap::new(),
    }
}
