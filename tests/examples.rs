//! What `examples/` and `README.md` show must work: configuration that parses without a finding, manifests that name
//! what the simulated fleet runs.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test's helpers fail as its assertions do")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use edgedeck::config::{Active, Auth, Config, Sources};
use edgedeck::domain::ids::{DeviceId, ModuleId, TwinId};
use edgedeck::domain::time::{ManualClock, SharedClock};
use edgedeck::hub::{ConnectionString, Hub, HubSettings, Trust};
use edgedeck::sim::{Scenario, SimOptions, start};
use serde_json::{Map, Value};

fn read(path: &str) -> String {
    std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn content(path: &str) -> Map<String, Value> {
    let manifest: Value = serde_json::from_str(&read(path)).unwrap();
    let content = manifest.get("content").unwrap_or(&manifest);
    content["modulesContent"].as_object().unwrap().clone()
}

/// Module → image of a full manifest or a layer, without the runtime's own.
fn images(path: &str) -> BTreeMap<String, String> {
    let content = content(path);
    let agent = content["$edgeAgent"].as_object().unwrap();
    let whole = agent.get("properties.desired").map(|desired| desired["modules"].as_object().unwrap().clone());
    let layered = || {
        let modules = agent
            .iter()
            .map(|(key, value)| (key.strip_prefix("properties.desired.modules.").unwrap().to_owned(), value.clone()));
        modules.collect()
    };
    image_of_each(&whole.unwrap_or_else(layered))
}

fn image_of_each(modules: &Map<String, Value>) -> BTreeMap<String, String> {
    modules
        .iter()
        .map(|(name, module)| (name.clone(), module["settings"]["image"].as_str().unwrap().to_owned()))
        .collect()
}

/// What the simulated hub wants a device to run: module → image.
async fn simulated(device: &str) -> BTreeMap<String, String> {
    let clock: SharedClock = ManualClock::at("2026-03-04T05:06:07Z".parse().unwrap());
    let sim = start(SimOptions::new(Arc::clone(&clock))).await.unwrap();
    let (endpoint, credential) = ConnectionString::parse(sim.connection_string().expose()).unwrap().into_parts();
    let trust = Trust::Only(sim.ca_pem().as_bytes().to_vec());
    let settings = HubSettings { trust, ..HubSettings::new(endpoint, credential) };
    let hub = Hub::connect(settings, clock).unwrap();
    let id = TwinId::module(DeviceId::from_wire(device), ModuleId::edge_agent());
    let twin = hub.read.twin(&id).await.unwrap();
    image_of_each(twin.desired.values["modules"].as_object().unwrap())
}

#[tokio::test]
async fn base_and_layer_are_what_a_simulated_gateway_runs() {
    let mut examples = images("examples/deployment.manifest.json");
    examples.extend(images("examples/ml-module-layer.json"));
    assert_eq!(simulated("edge-gateway-101").await, examples);
}

#[tokio::test]
async fn the_manifest_changes_one_module_of_the_hand_made_gateway_and_removes_one() {
    let (now, wanted) = (simulated("edge-gateway-001").await, images("examples/deployment.manifest.json"));
    let changed: Vec<&str> =
        wanted.iter().filter(|(name, image)| now.get(*name) != Some(image)).map(|(n, _)| n.as_str()).collect();
    let removed: Vec<&str> = now.keys().filter(|name| !wanted.contains_key(*name)).map(String::as_str).collect();
    assert_eq!((changed, removed), (vec!["temperatureFilter"], vec!["debugShell"]));
}

/// What stands in the folder is what comes along, and what the format's description shows is a scenario.
#[test]
fn scenarios_are_there_by_name_and_the_described_one_reads() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/scenarios");
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
        .collect();
    files.sort();
    let shelf: Vec<&str> =
        Scenario::names().into_iter().filter(|name| !matches!(*name, "default" | "tutorial")).collect();
    assert_eq!(files, shelf);
    let readme = read("examples/scenarios/README.md");
    let examples: Vec<&str> = readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 2);
    for example in examples {
        if let Err(error) = Scenario::read("README.md", example, &folder) {
            panic!("{error}");
        }
    }
}

#[test]
fn the_new_version_differs_from_the_old_one_in_the_filter_only() {
    let (mut old, new) =
        (content("examples/deployment.manifest.json"), content("examples/deployment-v1.1.manifest.json"));
    let filter = |content: &Map<String, Value>| {
        content["$edgeAgent"]["properties.desired"]["modules"]["temperatureFilter"].clone()
    };
    assert_eq!(filter(&new)["settings"]["image"], "acrproduction001.azurecr.io/temperature-filter:1.1.0");
    assert_eq!(filter(&new)["version"], "1.1.0");
    old["$edgeAgent"]["properties.desired"]["modules"]["temperatureFilter"] = filter(&new);
    assert_eq!(old, new);
}

#[test]
fn nothing_in_a_manifest_is_left_to_be_filled_in_by_a_template_tool() {
    for path in ["deployment.manifest.json", "deployment-v1.1.manifest.json", "ml-module-layer.json"] {
        assert!(!read(&format!("examples/{path}")).contains("${"), "{path}");
    }
}

fn config(user: &str, contexts: &str) -> Config {
    Config::merge(&Sources {
        user: Some(("/u/config.toml".into(), user.to_owned())),
        contexts: Some(("/u/contexts.toml".into(), contexts.to_owned())),
        ..Sources::default()
    })
}

#[test]
fn the_configuration_examples_parse_and_mean_what_they_say() {
    let config = config(&read("examples/config.toml"), &read("examples/contexts.toml"));
    assert_eq!(config.findings, []);
    let Active::Chosen(production) = &config.active else { panic!("{:?}", config.active) };
    assert!(production.production && config.settings.safety.start_readonly.value);
    assert_eq!(config.settings.hub.units.value, 2);
    let lab = config.contexts.get("lab").unwrap();
    assert_eq!(lab.auth, Auth::ConnectionStringFile("/u/lab.cs".into()));
    assert_eq!(lab.read_only, Some(false));
}

#[test]
fn the_settings_example_changes_nothing() {
    let written = config(&read("examples/config.toml"), "").settings.explain();
    let defaults = config("", "").settings.explain();
    for ((name, value, _), (_, default, _)) in written.into_iter().zip(defaults) {
        assert_eq!(value, default, "{name}");
    }
}

#[test]
fn the_contexts_in_the_readme_parse() {
    let readme = read("README.md");
    let blocks: Vec<&str> = readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        assert_eq!(config("", block).findings, [], "{block}");
        assert!(!config("", block).contexts.list.is_empty());
    }
}
