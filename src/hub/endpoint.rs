//! Where the hub is: host names and hub-level connection strings, with errors that name the segment at fault and
//! never repeat what stood in it, since that may be the key.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::domain::secret::Secret;
use crate::domain::text::Untrusted;

/// A hub's host name, with a port where it is not 443 (the simulated hub). Always HTTPS.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    host: String,
    port: Option<u16>,
}

/// Why a host name or a connection string cannot be used. Of the input, no variant carries more than the one character
/// that cannot stand in a host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Nothing there.
    #[error("the host name is empty; it looks like my-hub.azure-devices.net")]
    EmptyHost,
    /// `http://`, or another scheme.
    #[error("only https:// is spoken to an IoT Hub; give the host name alone")]
    Scheme,
    /// Something besides letters, digits, dots and hyphens.
    #[error("{0:?} cannot stand in a host name; give the host name alone, without path or spaces")]
    HostCharacter(char),
    /// What follows the colon is no port.
    #[error("what follows the host's colon is not a port between 1 and 65535")]
    Port,
    /// The connection string is empty.
    #[error("the connection string is empty; {CANONICAL}")]
    Empty,
    /// `;;`, or one at the end.
    #[error("segment {0} of the connection string is empty: one `;` too many")]
    EmptySegment(usize),
    /// No `=`.
    #[error("segment {0} of the connection string has no `=`; {CANONICAL}")]
    NoEquals(usize),
    /// Nothing after the first `=`.
    #[error("{0} has no value; {CANONICAL}")]
    EmptyValue(&'static str),
    /// A known name in another spelling.
    #[error("segment {position}: write {name} exactly so, capitals included")]
    Spelling {
        /// Counted from 1.
        position: usize,
        /// The right spelling.
        name: &'static str,
    },
    /// A name the service does not know.
    #[error("segment {0} of the connection string has a name IoT Hub does not know; {CANONICAL}")]
    UnknownName(usize),
    /// A name twice.
    #[error("{0} stands twice in the connection string")]
    Duplicate(&'static str),
    /// A required name is missing.
    #[error("{0} is missing from the connection string; {CANONICAL}")]
    Missing(&'static str),
    /// A device's connection string.
    #[error(
        "this is the connection string of one device ({0}); edgedeck needs the hub's, of a shared access policy with RegistryRead, RegistryWrite and ServiceConnect"
    )]
    DeviceLevel(&'static str),
    /// An Event Hubs connection string.
    #[error(
        "this is the connection string of the Event Hub-compatible endpoint; edgedeck needs the hub's own; {CANONICAL}"
    )]
    EventHub,
    /// A finished signature in place of the key.
    #[error("a ready SharedAccessSignature cannot be renewed; give the policy's SharedAccessKey")]
    ReadySignature,
    /// The key is not base64.
    #[error("SharedAccessKey is not base64; was it cut when it was copied?")]
    KeyNotBase64,
}

const CANONICAL: &str = "the form is HostName=…;SharedAccessKeyName=…;SharedAccessKey=…";

/// Every name IoT Hub's tools know, in the service's spelling.
const NAMES: [&str; 7] = [
    "HostName",
    "SharedAccessKeyName",
    "SharedAccessKey",
    "SharedAccessSignature",
    "DeviceId",
    "ModuleId",
    "GatewayHostName",
];

impl Endpoint {
    /// A host name as typed: `my-hub.azure-devices.net`, `localhost:8443`, with or without `https://`.
    ///
    /// # Errors
    /// [`EndpointError`] when no HTTPS request could go there.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim();
        let text = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => rest.strip_suffix('/').unwrap_or(rest),
            Some(_) => return Err(EndpointError::Scheme),
            None => text,
        };
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => {
                let port = port.parse::<u16>().ok().filter(|port| *port != 0).ok_or(EndpointError::Port)?;
                (host, Some(port).filter(|port| *port != 443))
            }
            None => (text, None),
        };
        if host.is_empty() {
            return Err(EndpointError::EmptyHost);
        }
        if let Some(bad) = host.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-')) {
            return Err(EndpointError::HostCharacter(bad));
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }

    /// The host name, in lower case, without a port.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port when it is not 443.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether it is this machine, where no proxy leads.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
    }

    /// `host` or `host:port`, as in a `Host` header and in a SAS token's resource.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority())
    }
}

/// A hub-level connection string, taken apart.
#[derive(Debug, Clone)]
pub struct ConnectionString {
    /// The hub.
    pub endpoint: Endpoint,
    /// The shared access policy's name.
    pub policy: Untrusted,
    /// The policy's primary or secondary key, base64.
    pub key: Secret,
}

impl ConnectionString {
    /// Reads `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…` in any order; white space and quotes around the
    /// whole are forgiven, everything the Python client refuses is refused.
    ///
    /// # Errors
    /// [`EndpointError`], naming the segment and never its contents.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let text = text.trim_start_matches('\u{feff}').trim();
        let text = text.trim_matches(|c| c == '"' || c == '\'');
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("sb://")) || text.starts_with("Endpoint=") {
            return Err(EndpointError::EventHub);
        }
        let mut found: Vec<(&'static str, &str)> = Vec::with_capacity(3);
        for (position, segment) in (1..).zip(text.split(';')) {
            if segment.trim().is_empty() {
                return Err(EndpointError::EmptySegment(position));
            }
            // Keys end in `=` padding: only the first `=` separates.
            let (name, value) = segment.split_once('=').ok_or(EndpointError::NoEquals(position))?;
            let name = known_name(name, position)?;
            if value.is_empty() {
                return Err(EndpointError::EmptyValue(name));
            }
            if found.iter().any(|(seen, _)| *seen == name) {
                return Err(EndpointError::Duplicate(name));
            }
            found.push((name, value));
        }
        let value_of = |name: &str| found.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        if let Some(level) =
            ["DeviceId", "ModuleId", "GatewayHostName"].into_iter().find(|name| value_of(name).is_some())
        {
            return Err(EndpointError::DeviceLevel(level));
        }
        if value_of("SharedAccessSignature").is_some() {
            return Err(EndpointError::ReadySignature);
        }
        let required = |name: &'static str| value_of(name).ok_or(EndpointError::Missing(name));
        let endpoint = Endpoint::parse(required("HostName")?)?;
        let policy = Untrusted::from(required("SharedAccessKeyName")?);
        let key = required("SharedAccessKey")?;
        if BASE64.decode(key).is_err() {
            return Err(EndpointError::KeyNotBase64);
        }
        Ok(Self { endpoint, policy, key: Secret::new(key) })
    }
}

/// The service's spelling of `name`; an unknown name is reported by its place alone: it may be half of a torn key.
fn known_name(name: &str, position: usize) -> Result<&'static str, EndpointError> {
    let lower = name.trim();
    match NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(lower)) {
        Some(known) if known == name => Ok(known),
        Some(known) => Err(EndpointError::Spelling { position, name: known }),
        None => Err(EndpointError::UnknownName(position)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

    #[test]
    fn host_names_as_people_type_them() {
        for (text, expected) in [
            ("my-hub.azure-devices.net", Ok("my-hub.azure-devices.net")),
            ("  My-Hub.Azure-Devices.net\n", Ok("my-hub.azure-devices.net")),
            ("https://my-hub.azure-devices.net/", Ok("my-hub.azure-devices.net")),
            ("localhost:8443", Ok("localhost:8443")),
            ("h:443", Ok("h")),
            ("http://h", Err(EndpointError::Scheme)),
            ("", Err(EndpointError::EmptyHost)),
            (":80", Err(EndpointError::EmptyHost)),
            ("h:0", Err(EndpointError::Port)),
            ("h:99999", Err(EndpointError::Port)),
            ("h/devices", Err(EndpointError::HostCharacter('/'))),
            ("user@h", Err(EndpointError::HostCharacter('@'))),
        ] {
            let parsed = Endpoint::parse(text).map(|endpoint| endpoint.authority());
            assert_eq!(parsed, expected.map(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn this_machine_is_recognised() {
        for (host, loopback) in
            [("LOCALHOST:8443", true), ("127.0.0.2", true), ("10.0.0.1", false), ("localhost.net", false)]
        {
            assert_eq!(Endpoint::parse(host).unwrap().is_loopback(), loopback, "{host}");
        }
    }

    #[test]
    fn the_canonical_form_is_read_in_any_order_and_with_a_line_end() {
        for text in [
            format!("HostName=h.net:8443;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}"),
            format!("SharedAccessKey={KEY};SharedAccessKeyName=iothubowner;HostName=h.net:8443\r\n"),
            format!("\u{feff}\"HostName=h.net:8443;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}\""),
        ] {
            let parsed = ConnectionString::parse(&text).unwrap();
            assert_eq!(parsed.endpoint.authority(), "h.net:8443");
            assert_eq!(parsed.policy.raw(), "iothubowner");
            assert_eq!(parsed.key.expose(), KEY);
            assert!(!format!("{parsed:?}").contains(KEY));
        }
    }

    #[test]
    fn each_fault_is_named() {
        use EndpointError as E;
        let good = format!("HostName=h;SharedAccessKeyName=p;SharedAccessKey={KEY}");
        for (text, expected) in [
            (String::new(), E::Empty),
            (format!("{good};"), E::EmptySegment(4)),
            (format!("HostName=h;;SharedAccessKey={KEY}"), E::EmptySegment(2)),
            ("HostName=h;SharedAccessKeyName".to_owned(), E::NoEquals(2)),
            (format!("HostName=;SharedAccessKeyName=p;SharedAccessKey={KEY}"), E::EmptyValue("HostName")),
            (format!("hostname=h;SharedAccessKey={KEY}"), E::Spelling { position: 1, name: "HostName" }),
            (format!("{good};Colour=red"), E::UnknownName(4)),
            (format!("{good};HostName=i"), E::Duplicate("HostName")),
            ("HostName=h;SharedAccessKeyName=p".to_owned(), E::Missing("SharedAccessKey")),
            (format!("HostName=h;SharedAccessKey={KEY}"), E::Missing("SharedAccessKeyName")),
            (format!("HostName=h;DeviceId=d;SharedAccessKey={KEY}"), E::DeviceLevel("DeviceId")),
            ("Endpoint=sb://x/;SharedAccessKeyName=p;EntityPath=e".to_owned(), E::EventHub),
            ("HostName=h;SharedAccessSignature=SharedAccessSignature sr=h".to_owned(), E::ReadySignature),
            ("HostName=h;SharedAccessKeyName=p;SharedAccessKey=not base64!".to_owned(), E::KeyNotBase64),
            ("HostName=a b;SharedAccessKeyName=p;SharedAccessKey=aa==".to_owned(), E::HostCharacter(' ')),
        ] {
            assert_eq!(ConnectionString::parse(&text).unwrap_err(), expected, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// However the string is damaged, the error does not repeat any part of the key.
        #[test]
        fn no_error_repeats_the_key(cut in 0_usize..100, junk in "[;= a-z]{0,4}") {
            let text = format!("HostName=h;SharedAccessKeyName=p;SharedAccessKey={KEY}");
            let (start, end) = text.split_at(cut.min(text.len()));
            let damaged = format!("{start}{junk}{end}");
            if let Err(error) = ConnectionString::parse(&damaged) {
                prop_assert!(!error.to_string().contains("a2tr"), "{error}");
            }
        }
    }
}
