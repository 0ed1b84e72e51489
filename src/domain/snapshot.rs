//! A copy of a hub in a file: what `edgedeck snapshot` writes and a simulated hub can begin as. It holds documents as the
//! hub's queries answer them (API version 2021-04-12), secrets masked.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json;
use super::secret::mask_json;
use super::text::Untrusted;

/// What the file says that it is.
const KIND: &str = "HubSnapshot";
const API_VERSION: &str = "edgedeck/v1";
const METADATA: &str = "$metadata";

/// A copy of a hub.
#[derive(Debug, Clone, PartialEq)]
pub struct HubSnapshot {
    /// When the last of it was read.
    pub taken_at: Timestamp,
    /// The hub's host name, or what stands for it.
    pub hub: String,
    /// Twins of devices, plain ones too: rows of `SELECT * FROM devices`.
    pub devices: Vec<Value>,
    /// Twins of modules: rows of `SELECT * FROM devices.modules`.
    pub modules: Vec<Value>,
    /// Configurations, as `GET /configurations` lists them.
    pub configurations: Vec<Value>,
}

impl HubSnapshot {
    /// The text of the file. What a secret's name or form gives away is masked.
    #[must_use]
    pub fn to_text(&self) -> String {
        let masked = |rows: &[Value]| rows.iter().map(masked).collect::<Vec<_>>();
        json::pretty(&json!({
            "apiVersion": API_VERSION,
            "kind": KIND,
            "takenAt": self.taken_at.to_string(),
            "hub": self.hub,
            "devices": masked(&self.devices),
            "modules": masked(&self.modules),
            "configurations": masked(&self.configurations),
        }))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut document: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
        let said = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
        if said("kind").as_deref() != Some(KIND) {
            return Err(format!(
                "is no copy of a hub: its `kind` is not {KIND}; `edgedeck snapshot --out FILE` makes one"
            ));
        }
        if let Some(version) = said("apiVersion").filter(|version| version != API_VERSION) {
            let version = Untrusted::new(version);
            return Err(format!("is a copy of version {}; this program reads {API_VERSION}", version.shown()));
        }
        let taken_at = said("takenAt").and_then(|text| text.parse().ok()).ok_or("has no instant in `takenAt`")?;
        let hub = said("hub").ok_or("has no name of a hub in `hub`")?;
        let mut list = |key: &str| match document.get_mut(key).map(Value::take) {
            Some(Value::Array(rows)) => match rows.iter().position(|row| !row.is_object()) {
                None => Ok(rows),
                Some(at) => Err(format!("has something else than an object at /{key}/{at}")),
            },
            _ => Err(format!("has no list in `{key}`")),
        };
        let (devices, modules, configurations) = (list("devices")?, list("modules")?, list("configurations")?);
        Ok(Self { taken_at, hub, devices, modules, configurations })
    }
}

/// A row without its secrets. `$metadata` has none: it says when and by which deployment a value was written, also of those
/// whose names ask for a mask.
fn masked(row: &Value) -> Value {
    let mut row = row.clone();
    let places = ["/properties/desired", "/properties/reported"];
    let taken = places.map(|place| row.pointer_mut(place)?.as_object_mut()?.remove(METADATA));
    mask_json(&mut row);
    for (place, metadata) in places.iter().zip(taken) {
        if let (Some(section), Some(metadata)) = (row.pointer_mut(place).and_then(Value::as_object_mut), metadata) {
            section.insert(METADATA.to_owned(), metadata);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_without_its_secrets() {
        let copy = HubSnapshot {
            taken_at: "2026-03-04T05:06:07Z".parse().unwrap(),
            hub: "h.azure-devices.net".to_owned(),
            devices: vec![json!({"deviceId": "d", "tags": {"apiKey": "hunter2", "site": "B1"},
                "properties": {"desired": {"apiKey": "hunter2", "$metadata": {"apiKey": {"$lastUpdatedBy": "base"}}}}})],
            modules: vec![],
            configurations: vec![json!({"id": "c"})],
        };
        let read = HubSnapshot::read(&copy.to_text()).unwrap();
        assert_eq!(read.devices[0]["tags"], json!({"apiKey": "********", "site": "B1"}));
        let desired = json!({"apiKey": "********", "$metadata": {"apiKey": {"$lastUpdatedBy": "base"}}});
        assert_eq!(read.devices[0]["properties"]["desired"], desired, "who wrote it is no secret");
        assert_eq!((read.taken_at, &read.hub, &read.configurations), (copy.taken_at, &copy.hub, &copy.configurations));
    }

    #[test]
    fn what_is_no_copy_says_why() {
        let with = |key: &str, value: Value| {
            let mut document = json!({"apiVersion": "edgedeck/v1", "kind": "HubSnapshot", "hub": "h", "devices": [],
                "takenAt": "2026-03-04T05:06:07Z", "modules": [], "configurations": []});
            document[key] = value;
            HubSnapshot::read(&document.to_string()).unwrap_err()
        };
        assert!(HubSnapshot::read("{").unwrap_err().starts_with("is no JSON: "));
        assert!(with("kind", json!("DeviceList")).contains("its `kind` is not HubSnapshot"));
        assert_eq!(
            with("apiVersion", json!("edgedeck/v9")),
            "is a copy of version edgedeck/v9; this program reads edgedeck/v1"
        );
        assert_eq!(with("takenAt", json!("today")), "has no instant in `takenAt`");
        assert_eq!(with("modules", json!({})), "has no list in `modules`");
        assert_eq!(with("devices", json!([{}, 7])), "has something else than an object at /devices/1");
    }
}
