//! Versions of the IoT Edge runtime, and what differs between them in what is written and said.

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::domain::manifest::Image;
use crate::sim::hub::stamp;

/// What stands for an instant that never came.
const NEVER: &str = "0001-01-01T00:00:00";

/// The version most machines have, with its build and commit as its programs write them into their logs.
const USUAL: (&str, &str, &str) = ("1.5.21", "90153471", "8f4c2f0f9d7a4b1c8d5e6f7081a2b3c4d5e6f708");

/// A version of the runtime: `1.5.21`. Compared number by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RuntimeVersion(String);

impl RuntimeVersion {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The version inside an image of edgeAgent or edgeHub: its tag, a short one standing for its newest release.
    /// Nothing when the tag is no version.
    pub(super) fn of_image(image: &Image) -> Option<Self> {
        let tag = image.tag();
        let full = match tag {
            "1.1" => "1.1.15",
            "1.4" => "1.4.45",
            "1.5" => "1.5.21",
            "1.6" | "latest" => "1.6.1",
            other => other,
        };
        full.split('.').all(|part| part.parse::<u32>().is_ok()).then(|| Self::new(full))
    }

    /// Whether it is at least this one.
    pub(super) fn reaches(&self, major: u32, minor: u32, patch: u32) -> bool {
        let mut parts = self.0.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        (next(), next(), next()) >= (major, minor, patch)
    }

    /// The number, as in `runtime.platform.version`.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// `version` in what edgeAgent and edgeHub report.
    pub(super) fn reported(&self) -> Value {
        let (build, commit) = if self.0 == USUAL.0 {
            (USUAL.1.to_owned(), USUAL.2.to_owned())
        } else {
            let digest = Sha256::digest(&self.0);
            let number = digest.iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
            let commit = digest.iter().take(20).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
            ((10_000_000 + number % 90_000_000).to_string(), commit)
        };
        json!({"version": self.0, "build": build, "commit": commit})
    }

    /// An instant, or never, as this version writes it; the `Z` came with 1.4.8.
    pub(super) fn stamp(&self, at: Option<Timestamp>) -> String {
        let text = at.map_or_else(|| NEVER.to_owned(), |at| stamp::instant(at).trim_end_matches('Z').to_owned());
        if self.reaches(1, 4, 8) { format!("{text}Z") } else { text }
    }

    /// A daemon of this version names the operating system as `uname` does, and says nothing in words of a
    /// container's state; both since 1.2.
    pub(super) fn is_terse(&self) -> bool {
        self.reaches(1, 2, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (text, reached) in [("1.4.8", true), ("1.4.10", true), ("1.5", true), ("1.4.2", false), ("1.1.15", false)] {
            assert_eq!(RuntimeVersion::new(text).reaches(1, 4, 8), reached, "{text}");
        }
    }

    #[test]
    fn stamps_end_in_z_since_1_4_8() {
        let at: Timestamp = "2026-01-02T03:04:05.12Z".parse().unwrap();
        let (old, new) = (RuntimeVersion::new("1.4.2"), RuntimeVersion::new("1.5.21"));
        assert_eq!((old.stamp(Some(at)), old.stamp(None)), ("2026-01-02T03:04:05.12".to_owned(), NEVER.to_owned()));
        assert_eq!(new.stamp(Some(at)), "2026-01-02T03:04:05.12Z");
        assert_eq!(new.stamp(None), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn images_hold_versions() {
        let of = |text: &str| RuntimeVersion::of_image(&Image::parse(text).unwrap());
        assert_eq!(of("mcr.microsoft.com/azureiotedge-agent:1.5"), Some(RuntimeVersion::new("1.5.21")));
        assert_eq!(of("my/agent:1.4.3"), Some(RuntimeVersion::new("1.4.3")));
        assert_eq!(of("my/agent:nightly"), None);
    }
}
