//! The world's image registries: which images there are, who may pull them, and how long that takes. A scenario adds
//! rules; the newest rule that fits decides.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::domain::manifest::{Image, RegistryCredential};

/// What a pull comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Pull {
    /// The image is there after so long. What was fetched stays: a pull that is given up goes on from there.
    Ready(Duration),
    /// The registry wants other credentials, or any: 401.
    Unauthorized,
    /// No such image, or no such tag: 404.
    NotFound,
    /// The registry takes the connection and never answers.
    Hangs,
}

/// Who may pull from a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sim) enum Access {
    /// Everybody.
    Open,
    /// Whoever shows any credentials for it.
    Credentials,
    /// Nobody: the password was rotated, and no manifest knows the new one.
    Nobody,
}

/// All registries of a world.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Registry {
    /// By host, in lower case; what is not named follows [`access_of`].
    access: BTreeMap<String, Access>,
    /// By reference with or without its tag: the newest first.
    pulls: Vec<(String, Pull)>,
}

/// Repositories whose tags are all known. Of other repositories every tag exists.
const SHELF: [(&str, &[&str]); 6] = [
    ("mcr.microsoft.com/azureiotedge-agent", &["1.1", "1.4", "1.5", "1.5.21", "1.5.22", "1.6", "latest"]),
    ("mcr.microsoft.com/azureiotedge-hub", &["1.1", "1.4", "1.5", "1.5.21", "1.5.22", "1.6", "latest"]),
    ("mcr.microsoft.com/azureiotedge-simulated-temperature-sensor", &["1.0", "1.1", "1.4", "1.5", "latest"]),
    ("acrproduction001.azurecr.io/temperature-filter", &["0.9.0", "1.0.0", "1.0.0-printed", "1.1.0", "1.1.1", "1.2.0"]),
    ("acrproduction001.azurecr.io/debug-shell", &["0.4"]),
    ("acrproduction001.azurecr.io/ml-inference", &["2.0.3", "2.1.0"]),
];

/// Registries that show nothing to strangers.
const PRIVATE: &str = ".azurecr.io";

impl Registry {
    pub(in crate::sim) fn new() -> Self {
        Self { access: BTreeMap::new(), pulls: Vec::new() }
    }

    /// Decides who may pull from a host.
    pub(in crate::sim) fn restrict(&mut self, host: &str, access: Access) {
        self.access.insert(host.to_ascii_lowercase(), access);
    }

    /// Decides what pulling a reference comes to; without a tag it holds for all tags.
    pub(in crate::sim) fn rule(&mut self, reference: &str, pull: Pull) {
        self.pulls.insert(0, (reference.to_owned(), pull));
    }

    /// What pulling an image with these credentials comes to.
    pub(super) fn pull(&self, image: &Image, credential: Option<&RegistryCredential>) -> Pull {
        if !self.admits(image, credential) {
            return Pull::Unauthorized;
        }
        let (repository, tag) = parts(image);
        if let Some((_, pull)) = self.pulls.iter().find(|(name, _)| name == image.as_str() || name == repository) {
            return *pull;
        }
        match SHELF.iter().find(|(known, _)| *known == repository) {
            Some((_, tags)) if !tags.contains(&tag) => Pull::NotFound,
            _ => Pull::Ready(download_time(repository)),
        }
    }

    fn admits(&self, image: &Image, credential: Option<&RegistryCredential>) -> bool {
        let Some(host) = image.registry().map(str::to_ascii_lowercase) else { return true };
        match self.access.get(&host).copied().unwrap_or_else(|| access_of(&host)) {
            Access::Open => true,
            Access::Credentials => credential.is_some(),
            Access::Nobody => false,
        }
    }
}

fn access_of(host: &str) -> Access {
    if host.ends_with(PRIVATE) { Access::Credentials } else { Access::Open }
}

/// Repository and tag.
fn parts(image: &Image) -> (&str, &str) {
    let (text, tag) = (image.as_str(), image.tag());
    (text.strip_suffix(tag).and_then(|text| text.strip_suffix(':')).unwrap_or(text), tag)
}

/// 6 to 26 seconds, always the same for a repository.
fn download_time(repository: &str) -> Duration {
    let first = Sha256::digest(repository).first().copied().unwrap_or_default();
    Duration::from_secs(6 + u64::from(first) % 20)
}

/// The id an engine knows an image by.
pub(super) fn image_hash(image: &Image) -> String {
    let digest = Sha256::digest(image.as_str());
    digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;

    fn image(text: &str) -> Image {
        Image::parse(text).unwrap()
    }

    fn credential() -> RegistryCredential {
        let address = "acrproduction001.azurecr.io".to_owned();
        RegistryCredential { name: "a".into(), address, username: "u".into(), password: Secret::new("p") }
    }

    #[test]
    fn pulls_need_credentials_tags_and_rules() {
        let filter = "acrproduction001.azurecr.io/temperature-filter";
        let some = credential();
        let ready = |pull| matches!(pull, Pull::Ready(_));
        let mut registry = Registry::new();
        assert_eq!(registry.pull(&image(&format!("{filter}:1.0.0")), None), Pull::Unauthorized);
        assert!(ready(registry.pull(&image(&format!("{filter}:1.0.0")), Some(&some))));
        assert_eq!(registry.pull(&image(&format!("{filter}:1.0.O")), Some(&some)), Pull::NotFound);
        assert_eq!(registry.pull(&image(filter), Some(&some)), Pull::NotFound, "no tag means latest");
        assert!(ready(registry.pull(&image("example.org:5000/a/b"), None)), "nobody knows it, so it is there");
        assert!(ready(registry.pull(&image("alpine"), None)));

        registry.restrict("ACRproduction001.azurecr.io", Access::Nobody);
        assert_eq!(registry.pull(&image(&format!("{filter}:1.0.0")), Some(&some)), Pull::Unauthorized);
        registry.restrict("acrproduction001.azurecr.io", Access::Open);
        assert!(ready(registry.pull(&image(&format!("{filter}:1.0.0")), None)));

        registry.rule("alpine", Pull::Hangs);
        registry.rule("alpine:3", Pull::NotFound);
        assert_eq!(registry.pull(&image("alpine:2"), None), Pull::Hangs);
        assert_eq!(registry.pull(&image("alpine:3"), None), Pull::NotFound);
    }
}
