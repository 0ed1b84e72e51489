//! The fleet behind `--sim`: one gateway set by hand, two sites of twelve under a base and a layered deployment,
//! a gateway that was registered minutes ago, and a plain sensor. Three things are wrong, see [`sites`].

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sim::hub::seed::{ConnectionSeed, DesiredSeed, DeviceSeed, ModuleSeed, TwinSeed};

use super::deployments::{BASE, CANARY, Deployment, LAYER};
use super::edge::{
    Client, Installed, ModuleSpec, Run, agent_desired, agent_reported, desired_module, hub_desired, hub_reported,
    members, pull_failure,
};
use super::{DAY, HOUR, MINUTE, World};

pub(super) const SENSOR: ModuleSpec = ModuleSpec {
    name: "SimulatedTemperatureSensor",
    version: "1.0",
    image: "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.0",
    env: &[("MessageCount", "-1")],
};
pub(super) const FILTER: ModuleSpec = ModuleSpec {
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
pub(super) const INFERENCE: ModuleSpec = ModuleSpec {
    name: "mlInference",
    version: "2.0.3",
    image: "acrproduction001.azurecr.io/ml-inference:2.0.3",
    env: &[("MODEL", "vibration-v7"), ("MODEL_API_KEY", "simulated-model-key")],
};
/// The tag does not exist: a letter o at the end.
pub(super) const CANARY_INFERENCE: ModuleSpec =
    ModuleSpec { version: "2.1.0", image: "acrproduction001.azurecr.io/ml-inference:2.1.o", ..INFERENCE };

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
    let last_report = match gateway.trouble {
        Trouble::Dark => 5 * HOUR + 7 * MINUTE,
        Trouble::CrashLoop => 38,
        Trouble::None | Trouble::BadTag | Trouble::NeverProvisioned => (2 + gateway.salt % 17) * MINUTE,
    };
    let machine = Machine {
        world,
        gateway,
        created: world.ago(gateway.age, gateway.salt),
        up: world.ago(gateway.session, gateway.salt + 1),
        last: world.ago(last_report.min(gateway.session), gateway.salt + 2),
    };
    let installed = machine.installed();
    let mut modules = BTreeMap::from([
        ("$edgeAgent".to_owned(), machine.agent(&installed)),
        ("$edgeHub".to_owned(), machine.broker(&installed)),
    ]);
    if machine.is_provisioned() {
        modules.extend(installed.iter().map(|module| (module.spec.name.to_owned(), machine.module(module))));
    }
    DeviceSeed {
        id: gateway.id.clone(),
        created: machine.created,
        edge: true,
        // The device itself opens no link; only its modules do.
        connection: ConnectionSeed {
            last_activity: machine.is_provisioned().then_some(machine.last),
            ..ConnectionSeed::default()
        },
        twin: TwinSeed { tags: tags(gateway), ..TwinSeed::default() },
        modules,
    }
}

/// A site's gateway with the instants of its life.
struct Machine<'a> {
    world: &'a World,
    gateway: &'a Gateway,
    created: Timestamp,
    /// Its runtime started.
    up: Timestamp,
    /// It reported for the last time.
    last: Timestamp,
}

impl Machine<'_> {
    fn is_provisioned(&self) -> bool {
        self.gateway.trouble != Trouble::NeverProvisioned
    }

    fn is_layered(&self) -> bool {
        self.gateway.role == "gateway"
    }

    fn running(&self, spec: ModuleSpec) -> Installed {
        Installed { spec, running_image: spec.image, run: Run::Running { since: self.up } }
    }

    /// What the machine holds, whatever is wanted.
    fn installed(&self) -> Vec<Installed> {
        let filter = match self.gateway.trouble {
            Trouble::CrashLoop => {
                let started = self.world.ago(40, self.gateway.salt + 4);
                let run = Run::Backoff { started, exited: self.last, exit_code: 1, restarts: 7 };
                Installed { run, ..self.running(FILTER) }
            }
            _ => self.running(FILTER),
        };
        let mut out = vec![self.running(SENSOR), filter];
        if self.gateway.trouble == Trouble::BadTag {
            // The agent echoes the new deployment, while the old container goes on.
            out.push(Installed { running_image: INFERENCE.image, ..self.running(CANARY_INFERENCE) });
        } else if self.is_layered() {
            out.push(self.running(INFERENCE));
        }
        out
    }

    /// What a deployment writes to one of the device's twins: seconds after it was made, or after the device was
    /// registered, whichever came later.
    fn write(&self, deployment: Deployment, values: Map<String, Value>) -> DesiredSeed {
        let at = self.world.ago(deployment.created.min(self.gateway.age).saturating_sub(3), 3);
        let by = Some((deployment.id.to_owned(), self.world.ago(deployment.created, 1)));
        DesiredSeed { at, values, by }
    }

    /// `$edgeAgent`: the base, the layer on top, the canary on top of that.
    fn agent(&self, installed: &[Installed]) -> ModuleSeed {
        let member = |spec: &ModuleSpec| members(json!({"modules": {spec.name: desired_module(spec)}}));
        let mut contributions = vec![(BASE, agent_desired(&[SENSOR, FILTER]))];
        if self.is_layered() {
            contributions.push((LAYER, member(&INFERENCE)));
        }
        if self.gateway.trouble == Trouble::BadTag {
            // Paths below the layer's module: what the layer set beside them is still its own.
            let inference = json!({"version": CANARY_INFERENCE.version, "settings": {"image": CANARY_INFERENCE.image}});
            contributions.push((CANARY, members(json!({"modules": {CANARY_INFERENCE.name: inference}}))));
        }
        let configurations = contributions.iter().map(|(deployment, _)| applied(*deployment)).collect();
        let desired: Vec<DesiredSeed> =
            contributions.into_iter().map(|(deployment, values)| self.write(deployment, values)).collect();
        let version = 1 + u64::try_from(desired.len()).unwrap_or(0);
        let failure = pull_failure(CANARY_INFERENCE.name, CANARY_INFERENCE.image);
        let status = if self.gateway.trouble == Trouble::BadTag { (500, failure.as_str()) } else { (200, "") };
        let architecture = if self.gateway.salt.is_multiple_of(3) { "aarch64" } else { "x86_64" };
        let report = agent_reported(architecture, self.up, version, status, installed);
        ModuleSeed {
            created: self.created,
            // The agent opens no telemetry link, so the hub never counts it as connected.
            connection: ConnectionSeed::default(),
            twin: TwinSeed {
                desired,
                reported: self.reports(report.clone(), report),
                configurations,
                ..TwinSeed::default()
            },
        }
    }

    /// `$edgeHub`, which clears its clients when it starts.
    fn broker(&self, installed: &[Installed]) -> ModuleSeed {
        let clients = clients(self.world, self.gateway, installed);
        ModuleSeed {
            created: self.created,
            connection: self.link(),
            twin: TwinSeed {
                desired: vec![self.write(BASE, hub_desired())],
                reported: self.reports(hub_reported(2, &[]), hub_reported(2, &clients)),
                configurations: vec![applied(BASE)],
                ..TwinSeed::default()
            },
        }
    }

    fn module(&self, module: &Installed) -> ModuleSeed {
        let crashing = matches!(module.run, Run::Backoff { .. });
        let mut twin = TwinSeed::default();
        if module.spec.name == FILTER.name {
            let threshold = members(json!({"temperatureThreshold": 25.0}));
            twin.desired = vec![self.write(BASE, threshold.clone())];
            twin.configurations = vec![applied(BASE)];
            if !crashing {
                twin.reported = vec![(self.up, threshold)];
            }
        }
        let link = self.link();
        let connection = ConnectionSeed { connected: link.connected && !crashing, ..link };
        ModuleSeed { created: self.up, connection, twin }
    }

    /// What was reported at the start of the runtime, and last; nothing by a machine that was never installed.
    fn reports(&self, first: Map<String, Value>, last: Map<String, Value>) -> Vec<(Timestamp, Map<String, Value>)> {
        if self.is_provisioned() { vec![(self.up, first), (self.last, last)] } else { Vec::new() }
    }

    /// The upstream link of edgeHub and, through it, of the modules. It drops minutes after the machine went dark.
    fn link(&self) -> ConnectionSeed {
        let Gateway { trouble, salt, .. } = *self.gateway;
        match trouble {
            Trouble::NeverProvisioned => ConnectionSeed::default(),
            Trouble::Dark => {
                let dropped = self.last.saturating_add(Duration::from_secs(4 * MINUTE)).unwrap_or(self.last);
                ConnectionSeed { connected: false, since: Some(dropped), last_activity: Some(self.last) }
            }
            Trouble::None | Trouble::CrashLoop | Trouble::BadTag => {
                let active = self.world.ago(5 + salt % 50, salt + 5);
                ConnectionSeed { connected: true, since: Some(self.up), last_activity: Some(active) }
            }
        }
    }
}

fn applied(deployment: Deployment) -> (String, String) {
    (deployment.id.to_owned(), "Applied".to_owned())
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
