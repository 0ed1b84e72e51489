//! The door of a running simulator, at which its switches can be thrown from another process. No hub of Azure has one.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::domain::fault::{Fault, FaultKind};
use crate::domain::text::Untrusted;
use crate::domain::time::SharedClock;

use super::auth::{Authorizer, Credential};
use super::endpoint::Endpoint;
use super::transport::{HttpRequest, HttpsTransport, Method, Transport};
use super::{Timeouts, Trust};

/// A world of a hundred thousand devices may have to be brought up to date first.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the simulator said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoorAnswer {
    /// It did it.
    Done(Untrusted),
    /// It is about something that does not exist.
    NotFound(Untrusted),
    /// It is no command, or not possible.
    Refused(Untrusted),
}

/// The door of one simulator.
#[derive(Debug)]
pub struct SimDoor {
    transport: HttpsTransport,
    authorizer: Authorizer,
}

impl SimDoor {
    /// Prepares to talk to the door at `endpoint`; sends nothing yet.
    ///
    /// # Errors
    /// [`Fault`] when the certificate cannot be used.
    pub fn new(endpoint: &Endpoint, credential: Credential, trust: &Trust, clock: SharedClock) -> Result<Self, Fault> {
        let transport = HttpsTransport::new(endpoint, trust, Timeouts::default())
            .map_err(|why| Fault::new(FaultKind::Unreachable, format!("prepare to reach {endpoint}"), why))?;
        Ok(Self { transport, authorizer: Authorizer::new(credential, endpoint, trust, clock) })
    }

    /// Says `words`, as they stand after `:sim`.
    ///
    /// # Errors
    /// [`Fault`] when the simulator cannot be reached or does not know the key.
    pub async fn say(&self, words: &str) -> Result<DoorAnswer, Fault> {
        const DOING: &str = "steer the simulator";
        let token = self.authorizer.token().await?;
        let mut header = HeaderValue::from_str(token.header.expose())
            .map_err(|_not_shown| Fault::new(FaultKind::Unauthorized, DOING, "the key makes no header"))?;
        header.set_sensitive(true);
        let request = HttpRequest {
            method: Method::POST,
            path_and_query: "/edgedeck/control".to_owned(),
            headers: HeaderMap::from_iter([(AUTHORIZATION, header)]),
            body: Some(words.as_bytes().to_vec()),
        };
        let sent = tokio::time::timeout(PATIENCE, self.transport.send(request)).await;
        let reply = match sent {
            Ok(Ok(reply)) => reply,
            Ok(Err(failure)) => return Err(Fault::new(FaultKind::Unreachable, DOING, failure.to_string())),
            Err(_elapsed) => {
                let why = format!("no answer within {} s", PATIENCE.as_secs());
                return Err(Fault::new(FaultKind::TimedOut, DOING, why));
            }
        };
        let said = Untrusted::from_bytes(&reply.body);
        match reply.status {
            200 => Ok(DoorAnswer::Done(said)),
            404 => Ok(DoorAnswer::NotFound(said)),
            400 | 413 => Ok(DoorAnswer::Refused(said)),
            401 => Err(Fault::new(FaultKind::Unauthorized, DOING, said.shown().as_str())),
            status => Err(Fault::new(FaultKind::Protocol, DOING, format!("it answered {status}"))),
        }
    }
}
