//! Who we are to the hub: a shared access policy's key or Entra ID, behind one single-flight token cache.

mod entra;
mod sas;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::secret::Secret;
use crate::domain::text::Untrusted;
use crate::domain::time::{Now, SharedClock};

use super::Trust;
use super::endpoint::{ConnectionString, Endpoint};

pub use entra::{EntraEnvironment, EntraSettings, ManagedIdentity};

/// No sign-in takes longer; the Azure CLI, a Python program, needs seconds on a cold jump host.
const SIGN_IN_LIMIT: Duration = Duration::from_secs(45);
/// A failed sign-in is answered from memory for this long, so that a screen full of polls does not start `az` each time.
const FAILURE_MEMORY: Duration = Duration::from_secs(10);
/// A token that could not be renewed but still holds is used, and its renewal tried again after this long.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

/// How to sign in.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A shared access policy of the hub.
    Policy {
        /// Its name.
        name: Untrusted,
        /// Its primary or secondary key, base64.
        key: Secret,
    },
    /// Entra ID; the first way of an ordered list that applies.
    Entra(EntraSettings),
}

impl ConnectionString {
    /// The endpoint and the credential that the connection string stands for.
    #[must_use]
    pub fn into_parts(self) -> (Endpoint, Credential) {
        (self.endpoint, Credential::Policy { name: self.policy, key: self.key })
    }
}

/// A value for `Authorization` that whoever speaks to the hub without us can use, and when the hub stops taking it.
///
/// # Errors
/// [`Fault`] when the key cannot sign.
pub async fn authorization(connection: ConnectionString, now: Timestamp) -> Result<(Secret, Timestamp), Fault> {
    let ConnectionString { endpoint, policy, key } = connection;
    let Token { header, expires_at, .. } = sas::PolicyKey::new(&endpoint, policy, key).fetch(now).await?;
    Ok((header, expires_at))
}

/// A value for `Authorization`, and how long it is good for.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// The whole header value.
    pub header: Secret,
    /// When to fetch the next one.
    pub renew_at: Timestamp,
    /// When the hub stops taking it.
    pub expires_at: Timestamp,
}

/// One way to come by tokens. Failures are faults whose `doing` is `sign in`.
#[async_trait]
pub(super) trait TokenSource: fmt::Debug + Send + Sync + 'static {
    async fn fetch(&self, now: Timestamp) -> Result<Token, Fault>;
    /// `policy iothubowner`, `Entra ID (Azure CLI)`: for the screen and the audit.
    fn identity(&self) -> String;
}

/// The cache in front of a [`TokenSource`]: one fetch at a time, however many ask.
#[derive(Debug)]
pub(super) struct Authorizer {
    source: Box<dyn TokenSource>,
    clock: SharedClock,
    state: tokio::sync::Mutex<State>,
    shared_access: bool,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Arc<Token>>,
    renew_not_before: Option<Duration>,
    failure: Option<(Fault, Duration)>,
}

impl Authorizer {
    /// The authorizer for `credential` at `endpoint`; what is wrong with it shows at the first token.
    pub fn new(credential: Credential, endpoint: &Endpoint, trust: &Trust, clock: SharedClock) -> Self {
        match credential {
            Credential::Policy { name, key } => {
                Self::over(Box::new(sas::PolicyKey::new(endpoint, name, key)), clock, true)
            }
            Credential::Entra(settings) => Self::over(Box::new(entra::Chain::new(settings, trust)), clock, false),
        }
    }

    /// The cache over a source of the caller's.
    pub fn over(source: Box<dyn TokenSource>, clock: SharedClock, shared_access: bool) -> Self {
        Self { source, clock, state: tokio::sync::Mutex::default(), shared_access }
    }

    /// A token that holds now: the cached one, or a new one.
    ///
    /// # Errors
    /// [`Fault`] saying why each way to sign in did not apply.
    pub async fn token(&self) -> Result<Arc<Token>, Fault> {
        // Held across the fetch on purpose: whoever comes meanwhile takes what it brings.
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        if let Some(token) = state.usable(now) {
            return Ok(token);
        }
        if let Some((fault, until)) = &state.failure
            && *until > now.mono
        {
            return Err(fault.clone());
        }
        let fetched =
            tokio::time::timeout(SIGN_IN_LIMIT, self.source.fetch(now.wall)).await.unwrap_or_else(|_elapsed| {
                Err(Fault::new(FaultKind::TimedOut, SIGN_IN, format!("no token within {} s", SIGN_IN_LIMIT.as_secs())))
            });
        let now = self.clock.now();
        match fetched {
            Ok(token) => {
                let token = Arc::new(token);
                *state = State { token: Some(Arc::clone(&token)), ..State::default() };
                Ok(token)
            }
            Err(fault) => {
                if let Some(token) = state.token.clone().filter(|token| token.expires_at > now.wall) {
                    tracing::warn!(reason = %fault, "the token could not be renewed; the present one still holds");
                    state.renew_not_before = Some(now.mono.saturating_add(RENEWAL_PAUSE));
                    return Ok(token);
                }
                state.failure = Some((fault.clone(), now.mono.saturating_add(FAILURE_MEMORY)));
                Err(fault)
            }
        }
    }

    /// The hub refused `token`: forget it, unless somebody else already replaced it.
    pub async fn refused(&self, token: &Arc<Token>) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|cached| Arc::ptr_eq(cached, token)) {
            state.token = None;
        }
    }

    /// Who we are, for the screen and the audit.
    pub fn identity(&self) -> String {
        self.source.identity()
    }

    /// Whether the hub sees a shared access policy, for which it answers some calls differently.
    pub fn is_shared_access(&self) -> bool {
        self.shared_access
    }
}

impl State {
    fn usable(&self, now: Now) -> Option<Arc<Token>> {
        let token = self.token.as_ref()?;
        let fresh = now.wall < token.renew_at;
        let paused = now.wall < token.expires_at && self.renew_not_before.is_some_and(|pause| now.mono < pause);
        (fresh || paused).then(|| Arc::clone(token))
    }
}

/// What a sign-in fault could not do.
const SIGN_IN: &str = "sign in to the hub";

fn after(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{Clock, ManualClock};
    use std::sync::Mutex;

    /// Hands out numbered tokens of ten minutes, renewed after five, or fails on order; counts.
    #[derive(Debug, Default, Clone)]
    struct Scripted(Arc<Mutex<(u32, bool)>>);

    #[async_trait]
    impl TokenSource for Scripted {
        async fn fetch(&self, now: Timestamp) -> Result<Token, Fault> {
            tokio::task::yield_now().await;
            let mut script = self.0.lock().unwrap();
            script.0 += 1;
            if script.1 {
                return Err(Fault::new(FaultKind::Unauthorized, SIGN_IN, "no"));
            }
            Ok(Token {
                header: Secret::new(format!("token {}", script.0)),
                renew_at: after(now, Duration::from_secs(300)),
                expires_at: after(now, Duration::from_secs(600)),
            })
        }
        fn identity(&self) -> String {
            "nobody".into()
        }
    }

    fn authorizer() -> (Authorizer, Scripted, Arc<ManualClock>) {
        let clock = ManualClock::at("2026-03-04T10:00:00Z".parse().unwrap());
        let source = Scripted::default();
        (Authorizer::over(Box::new(source.clone()), clock.clone(), false), source, clock)
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_one_fetch() {
        let (authorizer, source, _clock) = authorizer();
        let all = futures_util::future::join_all((0..20).map(|_| authorizer.token())).await;
        assert!(all.iter().all(|token| token.as_ref().is_ok_and(|t| t.header.expose() == "token 1")));
        assert_eq!(source.0.lock().unwrap().0, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn renewed_in_time_and_kept_while_renewal_fails() {
        let (authorizer, source, clock) = authorizer();
        let header = async || authorizer.token().await.map(|token| token.header.expose().to_owned());
        assert_eq!(header().await.unwrap(), "token 1");
        clock.advance(Duration::from_secs(301));
        source.0.lock().unwrap().1 = true;
        assert_eq!(header().await.unwrap(), "token 1", "still good");
        assert_eq!(header().await.unwrap(), "token 1");
        assert_eq!(source.0.lock().unwrap().0, 2, "renewal is not tried at every call");
        clock.advance(Duration::from_secs(300));
        assert!(header().await.is_err(), "expired");
        assert!(header().await.is_err());
        assert_eq!(source.0.lock().unwrap().0, 3, "a failure is remembered for a while");
        clock.advance(FAILURE_MEMORY);
        source.0.lock().unwrap().1 = false;
        assert_eq!(header().await.unwrap(), "token 4");
        assert_eq!(clock.now().wall.to_string(), "2026-03-04T10:10:11Z");
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_token_is_replaced_once() {
        let (authorizer, _source, _clock) = authorizer();
        let first = authorizer.token().await.unwrap();
        authorizer.refused(&first).await;
        let second = authorizer.token().await.unwrap();
        assert_eq!(second.header.expose(), "token 2");
        authorizer.refused(&first).await;
        assert_eq!(authorizer.token().await.unwrap().header.expose(), "token 2", "another's refusal is old news");
    }
}
