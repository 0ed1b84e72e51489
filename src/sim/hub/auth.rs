//! Who may call: shared access policies and SAS tokens, checked as the service checks them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use sha2::Sha256;

use crate::domain::secret::Secret;

use super::entropy::Entropy;
use super::errors::HubError;
use super::message::Request;

/// A right of a shared access policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    RegistryRead,
    RegistryWrite,
    ServiceConnect,
    DeviceConnect,
}

impl Permission {
    fn name(self) -> &'static str {
        match self {
            Self::RegistryRead => "RegistryRead",
            Self::RegistryWrite => "RegistryWrite",
            Self::ServiceConnect => "ServiceConnect",
            Self::DeviceConnect => "DeviceConnect",
        }
    }
}

/// A shared access policy with its two keys.
pub(super) struct Policy {
    pub(super) name: &'static str,
    pub(super) primary: String,
    secondary: String,
    permissions: &'static [Permission],
}

impl Policy {
    /// The canonical three-key form, which every official client takes.
    pub(super) fn connection_string(&self, host: &str) -> Secret {
        Secret::new(format!("HostName={host};SharedAccessKeyName={};SharedAccessKey={}", self.name, self.primary))
    }
}

/// The five policies every new hub has; the owner's is the first.
pub(super) fn default_policies(entropy: &mut Entropy) -> [Policy; 5] {
    use Permission::{DeviceConnect, RegistryRead, RegistryWrite, ServiceConnect};
    let rights: [(&'static str, &'static [Permission]); 5] = [
        ("iothubowner", &[RegistryRead, RegistryWrite, ServiceConnect, DeviceConnect]),
        ("service", &[ServiceConnect]),
        ("device", &[DeviceConnect]),
        ("registryRead", &[RegistryRead]),
        ("registryReadWrite", &[RegistryRead, RegistryWrite]),
    ];
    rights.map(|(name, permissions)| Policy { name, primary: entropy.key(), secondary: entropy.key(), permissions })
}

/// Accepts the request's token, or says why not: missing or malformed, another resource, expired, an unknown
/// policy, a wrong signature, a right the policy lacks. `hosts` are this hub's names, without ports.
pub(super) fn authorize(
    request: &Request,
    path: &str,
    needed: &[Permission],
    policies: &[Policy],
    hosts: &[String],
    now: Timestamp,
) -> Result<(), HubError> {
    let Some(header) = request.header("Authorization") else {
        return Err(HubError::unauthorized("Authorization header missing"));
    };
    let refused = || HubError::unauthorized("Unauthorized");
    let token = Token::parse(header).ok_or_else(refused)?;
    if !token.covers(path, hosts) || token.expires_at() <= now.as_second() {
        return Err(refused());
    }
    let policy = policies.iter().find(|policy| policy.name == token.policy).ok_or_else(refused)?;
    if !token.is_signed_with(&policy.primary) && !token.is_signed_with(&policy.secondary) {
        return Err(refused());
    }
    match needed.iter().find(|needed| !policy.permissions.contains(needed)) {
        Some(needed) => Err(HubError::unauthorized(format!(
            "Authorization rule '{}' does not allow access for '{}'",
            policy.name,
            needed.name()
        ))),
        None => Ok(()),
    }
}

struct Token<'a> {
    /// As it stands in the token: the signature covers the encoded text.
    resource: &'a str,
    expiry: &'a str,
    signature: Vec<u8>,
    policy: String,
}

impl<'a> Token<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let fields = header.trim().strip_prefix("SharedAccessSignature ")?;
        let field = |name: &str| {
            fields
                .split('&')
                .filter_map(|field| field.trim().split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, v)| v)
        };
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        Some(Self {
            resource: field("sr")?,
            expiry: field("se")?,
            signature: STANDARD.decode(decoded(field("sig")?)?).ok()?,
            policy: decoded(field("skn")?)?,
        })
    }

    fn expires_at(&self) -> i64 {
        self.expiry.parse().unwrap_or(i64::MIN)
    }

    fn is_signed_with(&self, key: &str) -> bool {
        let Ok(key) = STANDARD.decode(key) else { return false };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return false };
        mac.update(self.resource.as_bytes());
        mac.update(b"\n");
        mac.update(self.expiry.as_bytes());
        mac.verify_slice(&self.signature).is_ok()
    }

    /// Whether the resource is this hub, or a whole-segment prefix of the path at it. Ports are not compared:
    /// some clients sign with one and some without.
    fn covers(&self, path: &str, hosts: &[String]) -> bool {
        let Ok(resource) = percent_decode_str(self.resource).decode_utf8() else { return false };
        let mut segments = resource.split('/').filter(|segment| !segment.is_empty());
        let host = segments.next().unwrap_or_default();
        let host = host.split_once(':').map_or(host, |(name, _)| name);
        let mut path = path.split('/').filter(|segment| !segment.is_empty());
        hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
            && segments.all(|segment| path.next() == Some(segment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

    fn check(header: &str, path: &str, needed: Permission, now: i64) -> Result<(), String> {
        let policy =
            |name, permissions| Policy { name, primary: "AAAA".to_owned(), secondary: KEY.to_owned(), permissions };
        let policies = [
            policy("owner", &[Permission::RegistryRead, Permission::ServiceConnect]),
            policy("service", &[Permission::ServiceConnect]),
        ];
        let hosts = ["example-hub.azure-devices.net".to_owned(), "localhost".to_owned()];
        let headers = vec![("authorization".to_owned(), header.to_owned())];
        let request = Request { headers, ..Request::default() };
        let now = Timestamp::from_second(now).unwrap();
        authorize(&request, path, &[needed], &policies, &hosts, now).map_err(|error| error.text)
    }

    #[test]
    fn tokens_of_the_published_vectors() {
        let host = "SharedAccessSignature sr=example-hub.azure-devices.net&sig=jxm6MIaz%2BN4auqeyNQmTYIEYt7IH8gc3osfZJYi%2FrnA%3D&se=1893456000&skn=owner";
        let port = "SharedAccessSignature skn=service&se=1893456000&sig=0CRjZ3HkEFX4T2WS4RcKUR%2ByLCavkjwkzSbkv8vtbTk%3D&sr=localhost%3A8443";
        let raw_slash = host.replace("%2F", "/");
        let refused = Err("Unauthorized".to_owned());
        let lacks = Err("Authorization rule 'service' does not allow access for 'RegistryRead'".to_owned());
        use Permission::{RegistryRead, ServiceConnect};
        for (header, needed, now, expected) in [
            (host, RegistryRead, 1_700_000_000, Ok(())),
            (&raw_slash, RegistryRead, 1_700_000_000, Ok(())),
            (port, ServiceConnect, 1_700_000_000, Ok(())),
            (port, RegistryRead, 1_700_000_000, lacks),
            (host, RegistryRead, 1_893_456_000, refused.clone()),
            (&host.replace("jxm6", "jxm7"), RegistryRead, 1_700_000_000, refused.clone()),
            (&host.replace("skn=owner", "skn=nobody"), RegistryRead, 1_700_000_000, refused.clone()),
            (&host.replace("example-hub", "other-hub"), RegistryRead, 1_700_000_000, refused.clone()),
            ("Bearer x", RegistryRead, 1_700_000_000, refused),
        ] {
            assert_eq!(check(header, "/devices/d", needed, now), expected, "{header}");
        }
    }

    #[test]
    fn a_resource_covers_whole_segments_only() {
        let token = |resource| Token { resource, expiry: "", signature: Vec::new(), policy: String::new() };
        let hosts = ["hub".to_owned()];
        for (resource, path, expected) in [
            ("HUB", "/a/b", true),
            ("hub%2Fa%2Fb", "/a/b/c", true),
            ("hub/a/b", "/a/bc", false),
            ("hub/a/b/c", "/a/b", false),
            ("hubx", "/a", false),
        ] {
            assert_eq!(token(resource).covers(path, &hosts), expected, "{resource} {path}");
        }
    }
}
