//! Entra ID: a short ordered list of ways to a token, each of which says why it did not apply. The first that applies is
//! kept for the session: the identity in the audit does not change behind the operator's back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{Secret as AzureSecret, TokenCredential};
use azure_core::error::ErrorKind;
use azure_core::http::{ClientOptions, RetryOptions, Transport as AzureTransport};
use azure_identity::{
    AzureCliCredential, AzureDeveloperCliCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions, ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
    WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use jiff::Timestamp;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::{Secret, redact};
use crate::hub::Trust;
use crate::hub::transport::trusting;

use super::{SIGN_IN, Token, TokenSource};

/// The data plane's resource.
const SCOPE: &str = "https://iothubs.azure.net/.default";
/// A token is replaced this long before it expires.
const RENEW_EARLY: Duration = Duration::from_secs(300);
const CONNECT: Duration = Duration::from_secs(5);
/// Off Azure nobody answers at 169.254.169.254, and the crate sets no limit of its own.
const METADATA_CONNECT: Duration = Duration::from_secs(1);

/// The ways to try.
#[derive(Debug, Clone, Default)]
pub struct EntraSettings {
    /// What the environment says about a service principal or a workload identity.
    pub environment: EntraEnvironment,
    /// Also try the machine's own identity, last. Off unless asked for: on a jump host it is everybody's.
    pub managed_identity: Option<ManagedIdentity>,
}

/// Which identity of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagedIdentity {
    /// The machine's one.
    System,
    /// A user-assigned one, by client id.
    Client(String),
}

/// The variables that the Azure SDKs agree on; empty ones count as absent.
#[derive(Debug, Clone, Default)]
pub struct EntraEnvironment {
    tenant: Option<String>,
    client: Option<String>,
    secret: Option<Secret>,
    token_file: Option<String>,
}

impl EntraEnvironment {
    /// Reads `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET` and `AZURE_FEDERATED_TOKEN_FILE` through `variable`.
    #[must_use]
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let present = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        Self {
            tenant: present("AZURE_TENANT_ID"),
            client: present("AZURE_CLIENT_ID"),
            secret: present("AZURE_CLIENT_SECRET").map(Secret::new),
            token_file: present("AZURE_FEDERATED_TOKEN_FILE"),
        }
    }
}

/// One way to a token.
#[derive(Debug)]
struct Way {
    name: &'static str,
    /// Somebody configured this way: when it fails, no other identity takes its place.
    configured: bool,
    credential: Result<Arc<dyn TokenCredential>, String>,
}

impl Way {
    fn new(name: &'static str, configured: bool, credential: azure_core::Result<Arc<dyn TokenCredential>>) -> Self {
        Self { name, configured, credential: credential.map_err(|error| reason(&error)) }
    }

    fn unusable(name: &'static str, configured: bool, why: impl Into<String>) -> Self {
        Self { name, configured, credential: Err(why.into()) }
    }
}

/// The ordered list, and which of it applied.
#[derive(Debug)]
pub(super) struct Chain {
    ways: Vec<Way>,
    chosen: Mutex<Option<&'static str>>,
}

impl Chain {
    /// The list in its order. A way that cannot even be prepared keeps the reason for when it is its turn.
    pub fn new(settings: EntraSettings, trust: &Trust) -> Self {
        let client = trusting(reqwest::Client::builder(), trust).and_then(|builder| {
            builder.https_only(true).connect_timeout(CONNECT).build().map_err(|error| error.to_string())
        });
        let EntraSettings { environment, managed_identity } = settings;
        Self::over(vec![
            environment_secret(&environment, client.as_ref()),
            workload_identity(&environment, client.as_ref()),
            Way::new("Azure CLI", false, AzureCliCredential::new(None).map(|found| found as _)),
            Way::new("Azure Developer CLI", false, AzureDeveloperCliCredential::new(None).map(|found| found as _)),
            machine_identity(managed_identity),
        ])
    }

    fn over(ways: Vec<Way>) -> Self {
        Self { ways, chosen: Mutex::new(None) }
    }

    fn chosen(&self) -> Option<&'static str> {
        *self.chosen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenSource for Chain {
    async fn fetch(&self, _now: Timestamp) -> Result<Token, Fault> {
        let chosen = self.chosen();
        let mut refusals: Vec<String> = Vec::new();
        for way in self.ways.iter().filter(|way| chosen.is_none_or(|name| name == way.name)) {
            let (kind, why) = match &way.credential {
                Err(why) => (FaultKind::Unauthorized, why.clone()),
                Ok(credential) => match credential.get_token(&[SCOPE], None).await {
                    Ok(token) => {
                        *self.chosen.lock().unwrap_or_else(PoisonError::into_inner) = Some(way.name);
                        return bearer(&token);
                    }
                    Err(error) if is_network(&error) => (FaultKind::Unreachable, reason(&error)),
                    Err(error) => (FaultKind::Unauthorized, reason(&error)),
                },
            };
            let refusal = format!("{}: {why}", way.name);
            if way.configured || chosen.is_some() {
                return Err(Fault::new(kind, SIGN_IN, refusal));
            }
            refusals.push(refusal);
        }
        Err(Fault::new(
            FaultKind::Unauthorized,
            SIGN_IN,
            format!("no way into Entra ID applies. {}", refusals.join("; ")),
        ))
    }

    fn identity(&self) -> String {
        match self.chosen() {
            Some(name) => format!("Entra ID ({name})"),
            None => "Entra ID".to_owned(),
        }
    }
}

fn environment_secret(environment: &EntraEnvironment, client: Result<&reqwest::Client, &String>) -> Way {
    const NAME: &str = "environment secret";
    let (Some(tenant), Some(id), Some(secret)) = (&environment.tenant, &environment.client, &environment.secret) else {
        let missing = missing(&[
            ("AZURE_TENANT_ID", environment.tenant.is_none()),
            ("AZURE_CLIENT_ID", environment.client.is_none()),
            ("AZURE_CLIENT_SECRET", environment.secret.is_none()),
        ]);
        return Way::unusable(NAME, false, missing);
    };
    let client = match client {
        Ok(client) => client,
        Err(why) => return Way::unusable(NAME, true, why),
    };
    let secret = AzureSecret::new(secret.expose().to_owned());
    let options = ClientSecretCredentialOptions { client_options: options(client) };
    let credential = ClientSecretCredential::new(tenant, id.clone(), secret, Some(options));
    Way::new(NAME, true, credential.map(|found| found as _))
}

fn workload_identity(environment: &EntraEnvironment, client: Result<&reqwest::Client, &String>) -> Way {
    const NAME: &str = "workload identity";
    let (Some(tenant), Some(id), Some(file)) = (&environment.tenant, &environment.client, &environment.token_file)
    else {
        let missing = missing(&[
            ("AZURE_TENANT_ID", environment.tenant.is_none()),
            ("AZURE_CLIENT_ID", environment.client.is_none()),
            ("AZURE_FEDERATED_TOKEN_FILE", environment.token_file.is_none()),
        ]);
        return Way::unusable(NAME, false, missing);
    };
    let client = match client {
        Ok(client) => client,
        Err(why) => return Way::unusable(NAME, true, why),
    };
    let options = WorkloadIdentityCredentialOptions {
        credential_options: ClientAssertionCredentialOptions { client_options: options(client) },
        client_id: Some(id.clone()),
        tenant_id: Some(tenant.clone()),
        token_file_path: Some(file.into()),
    };
    Way::new(NAME, true, WorkloadIdentityCredential::new(Some(options)).map(|found| found as _))
}

fn machine_identity(which: Option<ManagedIdentity>) -> Way {
    const NAME: &str = "managed identity";
    let Some(which) = which else { return Way::unusable(NAME, false, "not asked for (--managed-identity)") };
    // The metadata service speaks plain HTTP, on the link only, and never through a proxy.
    let client = reqwest::Client::builder()
        .connect_timeout(METADATA_CONNECT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return Way::unusable(NAME, false, error.to_string()),
    };
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: match which {
            ManagedIdentity::System => None,
            ManagedIdentity::Client(id) => Some(UserAssignedId::ClientId(id)),
        },
        client_options: options(&client),
    };
    // Nothing comes after it, and its refusal alone would hide why the others did not apply: not "configured".
    Way::new(NAME, false, ManagedIdentityCredential::new(Some(options)).map(|found| found as _))
}

fn options(client: &reqwest::Client) -> ClientOptions {
    ClientOptions {
        transport: Some(AzureTransport::new(Arc::new(client.clone()))),
        // Retrying is the caller's: its calls have a limit on their time.
        retry: RetryOptions::none(),
        ..ClientOptions::default()
    }
}

fn bearer(token: &azure_core::credentials::AccessToken) -> Result<Token, Fault> {
    let expires_at = Timestamp::from_second(token.expires_on.unix_timestamp())
        .map_err(|error| Fault::new(FaultKind::Protocol, SIGN_IN, format!("the token's expiry is no date: {error}")))?;
    let renew_at = expires_at.saturating_sub(RENEW_EARLY).unwrap_or(expires_at);
    Ok(Token { header: Secret::new(format!("Bearer {}", token.token.secret())), renew_at, expires_at })
}

fn missing(variables: &[(&str, bool)]) -> String {
    let absent: Vec<&str> = variables.iter().filter(|(_, absent)| *absent).map(|(name, _)| *name).collect();
    format!("{} not set", absent.join(", "))
}

/// The first line of what the SDK says, without secrets; the rest is a link to a troubleshooting page.
fn reason(error: &azure_core::Error) -> String {
    let text = error.to_string();
    // The way's name stands before it already.
    let text = text.split_once("authentication failed.").map_or(text.as_str(), |(_, why)| why);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
    redact(line)
}

fn is_network(error: &azure_core::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = source {
        if cause.downcast_ref::<azure_core::Error>().is_some_and(|inner| matches!(inner.kind(), ErrorKind::Io)) {
            return true;
        }
        source = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::credentials::{AccessToken, TokenRequestOptions};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Gives a token named after itself, or an error.
    #[derive(Debug)]
    struct Given(&'static str, AtomicBool);

    #[async_trait]
    impl TokenCredential for Given {
        async fn get_token(
            &self,
            scopes: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            assert_eq!(scopes, [SCOPE]);
            if self.1.load(Ordering::Relaxed) {
                let expires = azure_core::time::OffsetDateTime::from_unix_timestamp(1_893_456_000).unwrap();
                Ok(AccessToken::new(self.0, expires))
            } else {
                let text = format!("AnyCredential authentication failed. {} says no\nsee a page", self.0);
                Err(azure_core::Error::with_message(ErrorKind::Credential, text))
            }
        }
    }

    fn way(name: &'static str, configured: bool, works: bool) -> (Way, Arc<Given>) {
        let given = Arc::new(Given(name, AtomicBool::new(works)));
        (Way { name, configured, credential: Ok(given.clone()) }, given)
    }

    fn absent(name: &'static str) -> Way {
        Way { name, configured: false, credential: Err("X not set".into()) }
    }

    #[tokio::test]
    async fn the_first_that_applies_is_kept_for_the_session() {
        let (az, az_given) = way("az", false, false);
        let (azd, azd_given) = way("azd", false, true);
        let chain = Chain::over(vec![absent("secret"), az, azd]);
        assert_eq!(chain.identity(), "Entra ID");
        let token = chain.fetch(Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(token.header.expose(), "Bearer azd");
        assert_eq!(token.expires_at.as_second(), 1_893_456_000);
        assert_eq!(token.renew_at.as_second(), 1_893_456_000 - 300);
        assert_eq!(chain.identity(), "Entra ID (azd)");

        az_given.1.store(true, Ordering::Relaxed);
        azd_given.1.store(false, Ordering::Relaxed);
        let fault = chain.fetch(Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(fault.message, "azd: azd says no".into(), "another identity does not step in");
    }

    #[tokio::test]
    async fn when_none_applies_each_says_why() {
        let (az, _) = way("az", false, false);
        let chain = Chain::over(vec![absent("secret"), az]);
        let fault = chain.fetch(Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unauthorized);
        assert_eq!(
            fault.to_string(),
            "could not sign in to the hub: no way into Entra ID applies. secret: X not set; az: az says no"
        );
    }

    #[tokio::test]
    async fn a_configured_way_that_fails_ends_the_search() {
        let (secret, _) = way("secret", true, false);
        let (az, _) = way("az", false, true);
        let chain = Chain::over(vec![secret, az]);
        let fault = chain.fetch(Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(fault.message, "secret: secret says no".into());
    }

    #[test]
    fn the_list_says_which_variables_are_missing() {
        let settings = EntraSettings {
            environment: EntraEnvironment::from_variables(|name| match name {
                "AZURE_TENANT_ID" => Some("11111111-2222-3333-4444-555555555555".into()),
                "AZURE_CLIENT_SECRET" => Some(" ".into()),
                _ => None,
            }),
            managed_identity: None,
        };
        let chain = Chain::new(settings, &Trust::System);
        let refusals: Vec<String> = chain
            .ways
            .iter()
            .filter_map(|way| way.credential.as_ref().err().map(|why| format!("{}: {why}", way.name)))
            .collect();
        assert_eq!(
            refusals,
            [
                "environment secret: AZURE_CLIENT_ID, AZURE_CLIENT_SECRET not set",
                "workload identity: AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE not set",
                "managed identity: not asked for (--managed-identity)",
            ]
        );
    }

    #[tokio::test]
    async fn a_configured_way_that_cannot_be_prepared_ends_the_search_too() {
        let environment = EntraEnvironment::from_variables(|name| match name {
            "AZURE_TENANT_ID" | "AZURE_CLIENT_ID" => Some("x".into()),
            "AZURE_FEDERATED_TOKEN_FILE" => Some("/nonexistent/token".into()),
            _ => None,
        });
        let (az, _) = way("az", false, true);
        let chain = Chain::over(vec![workload_identity(&environment, Ok(&reqwest::Client::new())), az]);
        let fault = chain.fetch(Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert!(fault.message.raw().starts_with("workload identity: "), "{fault}");
    }

    #[test]
    fn a_complete_environment_is_a_configured_way() {
        let environment = EntraEnvironment::from_variables(|name| match name {
            "AZURE_TENANT_ID" => Some("tenant".into()),
            "AZURE_CLIENT_ID" => Some("client".into()),
            "AZURE_CLIENT_SECRET" => Some("hunter2".into()),
            _ => None,
        });
        let way = environment_secret(&environment, Ok(&reqwest::Client::new()));
        assert!(way.configured && way.credential.is_ok());
        assert!(!format!("{environment:?} {way:?}").contains("hunter2"));
    }
}
