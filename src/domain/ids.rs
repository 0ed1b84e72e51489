//! Identities as the hub knows them. A bare `String` never crosses a module border as an id.
//!
//! Ids are cheap to clone (`Arc<str>`), compare by their exact bytes (the hub is case-sensitive), and have
//! no `Display`: text for a screen comes from [`DeviceId::shown`] and its siblings, which pass the sanitiser.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::text::{Shown, Untrusted};

/// The characters the hub allows in device and module ids besides ASCII letters and digits.
const ID_PUNCTUATION: &str = "-:.+%_#*?!(),=@;$'";

/// Why a typed id cannot exist in IoT Hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The id is empty.
    #[error("an id has at least one character")]
    Empty,
    /// The id is longer than the hub's 128 characters.
    #[error("{0} characters; IoT Hub ids have at most 128")]
    TooLong(usize),
    /// A character outside the hub's set.
    #[error("{0:?} is not allowed in an id; allowed are letters, digits and {ID_PUNCTUATION}")]
    Character(char),
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if let Some(bad) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !ID_PUNCTUATION.contains(*c)) {
        return Err(IdError::Character(bad));
    }
    // Every allowed character is one byte long.
    if text.len() > 128 {
        return Err(IdError::TooLong(text.len()));
    }
    Ok(())
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// An id as it came from the hub or from a file we wrote: taken as it is, sanitised when shown.
            #[must_use]
            pub fn from_wire(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The exact characters, for requests and comparisons; never for a screen.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id as it may be drawn or printed.
            #[must_use]
            pub fn shown(&self) -> Shown {
                Untrusted::new(self.0.clone()).shown()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

id_type! {
    /// A device's id: 1–128 characters of `A-Za-z0-9` and `-:.+%_#*?!(),=@;$'`, case-sensitive.
    DeviceId
}
id_type! {
    /// A module's id on its device; system modules start with `$`.
    ModuleId
}
id_type! {
    /// The id of a configuration (an IoT Edge deployment).
    DeploymentId
}
id_type! {
    /// An entity tag without its quotes, exactly as in the body's `etag`; opaque.
    ETag
}

impl DeviceId {
    /// An id somebody typed.
    ///
    /// # Errors
    /// [`IdError`] when IoT Hub could not hold such an id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        check(text).map(|()| Self(text.into()))
    }
}

impl ModuleId {
    /// An id somebody typed.
    ///
    /// # Errors
    /// [`IdError`] when IoT Hub could not hold such an id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        check(text).map(|()| Self(text.into()))
    }

    /// The runtime's agent, `$edgeAgent`.
    #[must_use]
    pub fn edge_agent() -> Self {
        Self("$edgeAgent".into())
    }

    /// The runtime's message broker, `$edgeHub`.
    #[must_use]
    pub fn edge_hub() -> Self {
        Self("$edgeHub".into())
    }

    /// Whether the id belongs to the runtime itself; the hub refuses direct twin writes to those (401100).
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.0.starts_with('$')
    }
}

/// Whose twin: a device's, or one of its modules'.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TwinId {
    /// The device.
    pub device: DeviceId,
    /// The module, or `None` for the device twin itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<ModuleId>,
}

impl TwinId {
    /// The device twin of `device`.
    #[must_use]
    pub fn device(device: DeviceId) -> Self {
        Self { device, module: None }
    }

    /// The twin of `module` on `device`.
    #[must_use]
    pub fn module(device: DeviceId, module: ModuleId) -> Self {
        Self { device, module: Some(module) }
    }

    /// `device` or `device/module`, as it may be drawn or printed.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let text = match &self.module {
            Some(module) => format!("{}/{}", self.device.as_str(), module.as_str()),
            None => self.device.as_str().to_owned(),
        };
        Untrusted::new(text).shown()
    }
}

/// One write, from the moment it was asked for; unique per process start and in the audit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OpId(pub uuid::Uuid);

/// Orders ids as people do: runs of digits by value (`gw-9` before `gw-10`), everything else byte by byte.
/// Total: ids that read the same by value (`gw-01`, `gw-1`) fall back to their bytes.
#[must_use]
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a, b);
    loop {
        let ((px, rx), (py, ry)) = (split_run(x), split_run(y));
        if px.is_empty() || py.is_empty() {
            return px.len().cmp(&py.len()).then_with(|| a.cmp(b));
        }
        let digits = |run: &str| run.starts_with(|c: char| c.is_ascii_digit());
        let order = if digits(px) && digits(py) {
            let (vx, vy) = (px.trim_start_matches('0'), py.trim_start_matches('0'));
            vx.len().cmp(&vy.len()).then_with(|| vx.cmp(vy))
        } else {
            px.cmp(py)
        };
        if order != Ordering::Equal {
            return order;
        }
        (x, y) = (rx, ry);
    }
}

/// The leading run of digits or of non-digits, and the rest.
fn split_run(text: &str) -> (&str, &str) {
    let digit = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digit).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_ids_follow_the_hubs_rule() {
        let long = "a".repeat(129);
        for (text, expected) in [
            ("edge-gateway-001", Ok(())),
            ("a:b.c+d%e_f#g*h?i!j(k),l=m@n;o$p'q", Ok(())),
            ("", Err(IdError::Empty)),
            ("a b", Err(IdError::Character(' '))),
            ("gäte", Err(IdError::Character('ä'))),
            ("a/b", Err(IdError::Character('/'))),
            (long.as_str(), Err(IdError::TooLong(129))),
        ] {
            assert_eq!(DeviceId::parse(text).map(|_| ()), expected, "{text}");
        }
        assert!(DeviceId::parse(&"a".repeat(128)).is_ok());
    }

    #[test]
    fn ids_sort_as_people_read_them() {
        let mut ids = ["gw-10", "gw-9", "gw-1", "gw-01", "a", "gw-9b", "gw"];
        ids.sort_by(|a, b| natural_cmp(a, b));
        assert_eq!(ids, ["a", "gw", "gw-01", "gw-1", "gw-9", "gw-9b", "gw-10"]);
    }

    #[test]
    fn system_modules_are_recognised() {
        assert!(ModuleId::edge_agent().is_system());
        assert!(!ModuleId::from_wire("temperatureFilter").is_system());
    }

    #[test]
    fn ids_from_the_wire_are_sanitised_when_shown() {
        assert_eq!(DeviceId::from_wire("a\u{1b}[2Jb").shown().as_str(), "a^[[2Jb");
    }
}
