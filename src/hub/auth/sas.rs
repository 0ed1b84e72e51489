//! Shared access signatures: tokens signed with a policy's key (iot-hub-api 1.3).

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::Secret;
use crate::domain::text::Untrusted;
use crate::hub::endpoint::Endpoint;
use crate::hub::route::encode;

use super::{SIGN_IN, Token, TokenSource, after};

/// The official clients' figure; a leaked token dies within the hour.
const LIFETIME: Duration = Duration::from_secs(3_600);
/// Renewed at 75 %: a quarter of an hour is left for a clock that runs behind.
const RENEWAL: Duration = Duration::from_secs(2_700);

/// A shared access policy and its key.
#[derive(Debug)]
pub(super) struct PolicyKey {
    /// The token's resource, encoded as it is signed: the host, and the port where there is one.
    resource: String,
    policy: Untrusted,
    key: Secret,
}

impl PolicyKey {
    /// A key that is not base64 is reported by the first [`TokenSource::fetch`].
    pub fn new(endpoint: &Endpoint, policy: Untrusted, key: Secret) -> Self {
        Self { resource: encode(&endpoint.authority()), policy, key }
    }
}

#[async_trait]
impl TokenSource for PolicyKey {
    async fn fetch(&self, now: Timestamp) -> Result<Token, Fault> {
        let expires_at = after(now, LIFETIME);
        let expiry = expires_at.as_second();
        let signature = signature(&self.resource, expiry, &self.key).map_err(unusable)?;
        let header = format!(
            "SharedAccessSignature sr={}&sig={}&se={expiry}&skn={}",
            self.resource,
            encode(&signature),
            encode(self.policy.raw())
        );
        Ok(Token { header: Secret::new(header), renew_at: after(now, RENEWAL), expires_at })
    }

    fn identity(&self) -> String {
        format!("policy {}", self.policy.shown())
    }
}

fn unusable(why: &'static str) -> Fault {
    Fault::new(FaultKind::Unauthorized, SIGN_IN, why)
}

/// The signature, base64, over the encoded `resource` and the expiry in Unix seconds.
fn signature(resource: &str, expiry: i64, key: &Secret) -> Result<String, &'static str> {
    let key = BASE64.decode(key.expose()).map_err(|_not_shown| "the policy's key is not base64")?;
    let mut mac =
        Hmac::<Sha256>::new_from_slice(&key).map_err(|_any_length_is_taken| "the policy's key cannot sign")?;
    mac.update(format!("{resource}\n{expiry}").as_bytes());
    Ok(BASE64.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

    #[test]
    fn signatures_match_the_published_vectors() {
        for (resource, expected) in [
            ("example-hub.azure-devices.net", "jxm6MIaz+N4auqeyNQmTYIEYt7IH8gc3osfZJYi/rnA="),
            ("localhost%3A8443", "0CRjZ3HkEFX4T2WS4RcKUR+yLCavkjwkzSbkv8vtbTk="),
        ] {
            assert_eq!(signature(resource, 1_893_456_000, &Secret::new(KEY)).unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn the_whole_token() {
        let endpoint = Endpoint::parse("localhost:8443").unwrap();
        let source = PolicyKey::new(&endpoint, "my policy".into(), Secret::new(KEY));
        // An hour before the vectors' expiry.
        let now = Timestamp::from_second(1_893_456_000 - 3_600).unwrap();
        let token = source.fetch(now).await.unwrap();
        assert_eq!(
            token.header.expose(),
            "SharedAccessSignature sr=localhost%3A8443&sig=0CRjZ3HkEFX4T2WS4RcKUR%2ByLCavkjwkzSbkv8vtbTk%3D&se=1893456000&skn=my%20policy"
        );
        assert_eq!(token.expires_at.as_second() - now.as_second(), 3_600);
        assert_eq!(token.renew_at.as_second() - now.as_second(), 2_700);
        assert_eq!(source.identity(), "policy my policy");
        assert!(!format!("{source:?} {token:?}").contains("0CRjZ3"));
    }

    #[tokio::test]
    async fn a_broken_key_is_refused_and_not_repeated() {
        let endpoint = Endpoint::parse("h").unwrap();
        let source = PolicyKey::new(&endpoint, "p".into(), Secret::new("hunter2!"));
        let fault = source.fetch(Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(fault.to_string(), "could not sign in to the hub: the policy's key is not base64");
    }
}
