//! The fleet behind `--sim`: one gateway set by hand, two sites of twelve under a base and a layered deployment,
//! a gateway that was registered minutes ago, and a plain sensor. Three things are wrong, see [`sites`].

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::sim::device::{Condition, MachineSpec};
use crate::sim::hub::seed::{DesiredSeed, DeviceSeed, Fate, Happening, ModuleSeed, TwinSeed, What};

use super::deployments::{BASE, CANARY, Deployment, LAYER};
use super::edge::{ModuleSpec, agent_desired, desired_module, hub_desired, members};
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
    /// Something the filter needs has been gone for a quarter of an hour, and it ends with 1 at once; seven restarts so
    /// far, the agent still says 200.
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
    /// Seconds since its runtime was installed anew.
    session: u64,
    trouble: Trouble,
    /// Tells gateways apart where figures should not all be equal.
    salt: u64,
}

/// How long ago the crash loop began: seven restarts are 910 s of waiting, and the eighth comes after 300 more.
const CRASHING_SINCE: u64 = 16 * MINUTE + 25;
/// What the filter says before it ends.
const LAST_WORDS: &str = "Traceback (most recent call last):\n  File \"/app/temperature_filter.py\", line 100, in <module>\n    asyncio.run(main())\nFileNotFoundError: [Errno 2] No such file or directory: '/data/calibration.json'";
/// How long ago the dark gateway lost its power.
const DARK_SINCE: u64 = 5 * HOUR + 7 * MINUTE;

/// Every device of the world, and what happened to them.
pub(super) fn world(world: &World) -> (Vec<DeviceSeed>, Vec<Happening>) {
    let (hand_set, installed) = set_by_hand(world);
    let mut devices = vec![hand_set, plain_sensor(world)];
    let mut happenings = vec![installed];
    for gateway in sites() {
        let machine = Machine { world, gateway: &gateway };
        devices.push(machine.registered());
        happenings.extend(machine.life());
    }
    (devices, happenings)
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
            // Sessions from hours to two weeks.
            session: match number {
                209 => 6 * HOUR,
                _ => (index * index * 5 + index + 4) * HOUR / 2 + (number % 7) * 11 * MINUTE,
            },
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

/// A site's gateway in its world.
struct Machine<'a> {
    world: &'a World,
    gateway: &'a Gateway,
}

impl Machine<'_> {
    fn is_provisioned(&self) -> bool {
        self.gateway.trouble != Trouble::NeverProvisioned
    }

    fn is_layered(&self) -> bool {
        self.gateway.role == "gateway"
    }

    fn created(&self) -> Timestamp {
        self.world.ago(self.gateway.age, self.gateway.salt)
    }

    /// Its runtime was installed.
    fn up(&self) -> Timestamp {
        self.world.ago(self.gateway.session, self.gateway.salt + 1)
    }

    /// As it was when its runtime was installed.
    fn registered(&self) -> DeviceSeed {
        let created = self.created();
        let unread = |write: &DesiredSeed| !self.is_provisioned() || write.at <= self.up();
        let before = |writes: Vec<DesiredSeed>| writes.into_iter().filter(unread).collect();
        let module = |desired: Vec<DesiredSeed>, configurations: &[Deployment]| ModuleSeed {
            created,
            twin: TwinSeed {
                desired: before(desired),
                configurations: configurations.iter().map(|deployment| applied(*deployment)).collect(),
                ..TwinSeed::default()
            },
        };
        let mut modules = BTreeMap::from([
            ("$edgeAgent".to_owned(), module(self.agent_writes(), &self.deployments())),
            ("$edgeHub".to_owned(), module(vec![self.write(BASE, hub_desired())], &[BASE])),
        ]);
        if self.is_provisioned() {
            let threshold = members(json!({"temperatureThreshold": 25.0}));
            modules.insert(FILTER.name.to_owned(), module(vec![self.write(BASE, threshold)], &[BASE]));
        }
        DeviceSeed {
            id: self.gateway.id.clone(),
            created,
            edge: true,
            enabled: true,
            twin: TwinSeed { tags: tags(self.gateway), ..TwinSeed::default() },
            modules,
        }
    }

    /// What happened since.
    fn life(&self) -> Vec<Happening> {
        if !self.is_provisioned() {
            return Vec::new();
        }
        let Gateway { id, trouble, salt, .. } = self.gateway;
        let happened = |at: Timestamp, fate: Fate| Happening { at, what: What::Device(id.clone(), fate) };
        let leaf = (id == "edge-gateway-101").then(|| LEAF.to_owned());
        let spec = MachineSpec {
            architecture: if salt.is_multiple_of(3) { "aarch64" } else { "x86_64" }.to_owned(),
            leaves: leaf.into_iter().collect(),
            ..MachineSpec::default()
        };
        let mut out = vec![happened(self.up(), Fate::Provisioned(spec))];
        let later = self.agent_writes().into_iter().filter(|write| write.at > self.up());
        out.extend(later.map(|write| happened(write.at, Fate::Desired("$edgeAgent".to_owned(), write))));
        match trouble {
            Trouble::CrashLoop => {
                let crash = Condition::Crashes {
                    module: FILTER.name.to_owned(),
                    code: 1,
                    after: Duration::from_millis(1_300),
                    says: LAST_WORDS.to_owned(),
                };
                out.push(happened(self.world.ago(CRASHING_SINCE, salt + 4), Fate::Afflicted(crash)));
            }
            Trouble::Dark => out.push(happened(self.world.ago(DARK_SINCE, salt + 2), Fate::Dark)),
            Trouble::None | Trouble::BadTag | Trouble::NeverProvisioned => {}
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

    /// The deployments of `$edgeAgent`: the base, the layer on top, the canary on top of that.
    fn deployments(&self) -> Vec<Deployment> {
        let mut out = vec![BASE];
        if self.is_layered() {
            out.push(LAYER);
        }
        if self.gateway.trouble == Trouble::BadTag {
            out.push(CANARY);
        }
        out
    }

    /// What each of them writes to it.
    fn agent_writes(&self) -> Vec<DesiredSeed> {
        let inference = |spec: Value| members(json!({"modules": {INFERENCE.name: spec}}));
        // Paths below the layer's module: what the layer set beside them is still its own.
        let newer = json!({"version": CANARY_INFERENCE.version, "settings": {"image": CANARY_INFERENCE.image}});
        let values = |deployment: Deployment| match deployment.id {
            id if id == LAYER.id => inference(desired_module(&INFERENCE)),
            id if id == CANARY.id => inference(newer.clone()),
            _ => agent_desired(&[SENSOR, FILTER]),
        };
        self.deployments().into_iter().map(|deployment| self.write(deployment, values(deployment))).collect()
    }
}

fn applied(deployment: Deployment) -> (String, String) {
    (deployment.id.to_owned(), "Applied".to_owned())
}

/// `edge-gateway-001`: no tags, no deployment; somebody used set-modules twice and left a shell behind.
fn set_by_hand(world: &World) -> (DeviceSeed, Happening) {
    let id = "edge-gateway-001".to_owned();
    let created = world.ago(200 * DAY, 1);
    let by_hand =
        |days: u64, values: Map<String, Value>| DesiredSeed { at: world.ago(days * DAY, 5), values, by: None };
    let module = |desired: Vec<DesiredSeed>| ModuleSeed {
        created: world.ago(199 * DAY, 7),
        twin: TwinSeed { desired, ..TwinSeed::default() },
    };
    let agent = vec![
        by_hand(90, agent_desired(&[SENSOR, OLD_FILTER])),
        by_hand(4, agent_desired(&[SENSOR, OLD_FILTER, DEBUG_SHELL])),
    ];
    let threshold = members(json!({"temperatureThreshold": 25.0}));
    // The version before this one still reported what is in force; 0.9.0 does not.
    let filter = ModuleSeed {
        twin: TwinSeed {
            desired: vec![by_hand(90, threshold.clone())],
            reported: vec![(world.ago(90 * DAY, 2), threshold)],
            ..TwinSeed::default()
        },
        ..module(Vec::new())
    };
    let device = DeviceSeed {
        id: id.clone(),
        created,
        edge: true,
        enabled: true,
        twin: TwinSeed::default(),
        modules: BTreeMap::from([
            ("$edgeAgent".to_owned(), module(agent)),
            ("$edgeHub".to_owned(), module(vec![by_hand(90, hub_desired())])),
            (OLD_FILTER.name.to_owned(), filter),
        ]),
    };
    let up = world.ago(3 * DAY + 5 * HOUR, 2);
    (device, Happening { at: up, what: What::Device(id, Fate::Provisioned(MachineSpec::default())) })
}

/// The plain sensor, which talks through the first gateway.
const LEAF: &str = "sensor-vibration-101";

/// A device that is no edge device.
fn plain_sensor(world: &World) -> DeviceSeed {
    DeviceSeed {
        id: LEAF.to_owned(),
        created: world.ago(80 * DAY, 9),
        edge: false,
        enabled: true,
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
