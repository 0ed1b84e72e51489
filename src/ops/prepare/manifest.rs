//! Manifests: read from a file or standard input, and weighed against the twins of the device they are for.

use std::path::Path;
use std::sync::Arc;

use super::{Prepared, Unprepared};
use crate::domain::applied::Applied;
use crate::domain::change::ChangeKind;
use crate::domain::fault::Fault;
use crate::domain::ids::{DeviceId, ModuleId, TwinId};
use crate::domain::manifest::Manifest;
use crate::domain::text::Untrusted;
use crate::domain::twin::Twin;
use crate::hub::HubRead;
use crate::ops::look::existing;
use crate::ops::order::Document;
use crate::ops::request::{ManifestWrite, Request};

/// More than any manifest has: 50 modules with twins of 32 KB each.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

pub(super) async fn apply(read: &HubRead, device: &DeviceId, document: &Document) -> Result<Prepared, Unprepared> {
    let manifest = parsed(document).await?;
    let identity = read.device(device).await?;
    if !identity.edge {
        let why = format!("{} is not an IoT Edge device: only those take manifests", device.shown());
        return Err(Unprepared::Unusable(why));
    }
    let seen = twins(read, device, &manifest).await?;
    let warnings = warnings(&manifest);
    let request = ManifestWrite { device: device.clone(), manifest: Arc::new(manifest), seen };
    if request.applied().is_nothing() {
        return Err(Unprepared::Nothing(format!("{} has all of it already", device.shown())));
    }
    Ok(Prepared { request: Request::Manifest(request), warnings })
}

/// The twins that the manifest writes to or takes away, as they are now; a module that does not exist yet has none.
async fn twins(read: &HubRead, device: &DeviceId, manifest: &Manifest) -> Result<Vec<Arc<Twin>>, Fault> {
    let mut twins: Vec<Arc<Twin>> = Vec::new();
    let module = |name: &str| TwinId::module(device.clone(), ModuleId::from_wire(name));
    for (name, _) in &manifest.modules {
        twins.extend(existing(read.twin(&module(name.as_str())).await)?.map(Arc::new));
    }
    // A module that disappears takes its twin along: what it holds is lost with it, and belongs to the way back.
    let applied = Applied::of(manifest, &twins);
    for name in applied.modules_that(ChangeKind::Remove).map(|module| &module.name) {
        twins.extend(existing(read.twin(&module(name)).await)?.map(Arc::new));
    }
    Ok(twins)
}

/// Reads a manifest, away from whoever waits for it.
pub(super) async fn parsed(document: &Document) -> Result<Manifest, Unprepared> {
    let name = document.shown();
    let text = match document {
        Document::Text(text) => Ok(text.clone()),
        Document::File(path) => {
            let path = path.clone();
            let read = tokio::task::spawn_blocking(move || read_file(&path));
            read.await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
        }
    };
    let text = text.map_err(|error| Unprepared::Document(format!("could not read {name}: {error}")))?;
    Manifest::parse(&text).map_err(|error| {
        let error = Untrusted::from(error.to_string()).shown();
        Unprepared::Document(format!("{name} is no deployment manifest: {error}"))
    })
}

/// A regular file, whole: a terminal or a pipe would take the keys, or wait for ever.
fn read_file(path: &Path) -> std::io::Result<String> {
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    if meta.len() > MOST_BYTES {
        let text = format!("it has {} bytes; no manifest has more than {MOST_BYTES}", meta.len());
        return Err(std::io::Error::other(text));
    }
    std::fs::read_to_string(path)
}

pub(super) fn warnings(manifest: &Manifest) -> Vec<String> {
    manifest.findings().iter().filter(|finding| !finding.refused()).map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn documents_that_are_none_name_their_place() {
        let wrong = Document::Text("{\"modulesContent\": {\"$edgeAgent\": 3}}".to_owned());
        let Err(Unprepared::Document(why)) = parsed(&wrong).await else { panic!("taken") };
        assert_eq!(
            why,
            "standard input is no deployment manifest: /modulesContent/$edgeAgent: a number stands where an object is needed"
        );
        let missing = Document::File("/nowhere/at/all.json".into());
        let Err(Unprepared::Document(why)) = parsed(&missing).await else { panic!("read") };
        assert!(why.starts_with("could not read /nowhere/at/all.json: "), "{why}");
    }
}
