//! What went wrong between us and the hub, as plain data that every layer can hold, show and decide on.

use std::fmt;
use std::time::Duration;

use super::secret::redact;
use super::text::Untrusted;

/// The kinds of failure that lead to different decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// No connection: DNS, TCP, TLS, or the connection broke before an answer.
    Unreachable,
    /// The request was sent and no answer came in time. A write may have happened.
    TimedOut,
    /// 401 or 403: not signed in, or a right is missing.
    Unauthorized,
    /// 401100: the hub refuses direct writes to `$edgeAgent` and `$edgeHub`.
    SystemModule,
    /// 404 for an entity.
    NotFound,
    /// 404103: the device a method was meant for is not connected.
    DeviceOffline,
    /// The hub passed a method on, and the device or module itself said no.
    Declined,
    /// 409: it exists already.
    AlreadyExists,
    /// 412: the entity changed since it was read.
    PreconditionFailed,
    /// 400, 413, 415: the hub will never accept this request.
    Rejected,
    /// 429; wait at least that long before the next call of the class.
    Throttled(Duration),
    /// 403002: the hub's messages of the day are used up.
    QuotaExceeded,
    /// 5xx.
    Server,
    /// An answer we could not read.
    Protocol,
    /// Our own budget refused the call.
    Budget,
}

/// What a call needs of the hub, as a shared access policy grants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Identities, statistics, configurations.
    RegistryRead,
    /// Twins and queries.
    ServiceConnect,
    /// Changing twins: the same right of a policy, and a role of its own.
    TwinWrite,
    /// Creating, changing and deleting identities; their keys.
    RegistryWrite,
    /// Changing configurations, and applying manifests to devices.
    DeploymentWrite,
    /// Direct methods, logs among them: the same right of a policy, and no role but the one for everything.
    Invoke,
}

/// One failed call. `Display` says what happened, to what and why; [`Fault::advice`] says what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of failure, for decisions.
    pub kind: FaultKind,
    /// What was being done, as a phrase: `read the twin of edge-gateway-001/temperatureFilter`.
    pub doing: Untrusted,
    /// The hub's text, or ours when the hub said nothing.
    pub message: Untrusted,
    /// The hub's code by name (`PreconditionFailed`) or number.
    pub code: Option<Untrusted>,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// The hub's tracking id, for a support case.
    pub tracking_id: Option<Untrusted>,
    /// `x-ms-request-id` of the answer.
    pub request_id: Option<Untrusted>,
    /// Whether it is certain that the request never left: there was no connection to send it on, or what has to be read
    /// before a write could not be read, and the rest of the fault says why.
    pub never_sent: bool,
    /// The right the call needs, where it got as far as the hub.
    pub needs: Option<Right>,
}

impl Fault {
    /// A failure with nothing from the hub attached.
    #[must_use]
    pub fn new(kind: FaultKind, doing: impl Into<Untrusted>, message: impl Into<Untrusted>) -> Self {
        Self {
            kind,
            doing: doing.into(),
            message: message.into(),
            code: None,
            status: None,
            tracking_id: None,
            request_id: None,
            never_sent: false,
            needs: None,
        }
    }

    /// Whether the request may have taken effect although it failed: a write then needs a read-back.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        !self.never_sent
            && matches!(
                self.kind,
                FaultKind::TimedOut | FaultKind::Unreachable | FaultKind::Server | FaultKind::Protocol
            )
    }

    /// Why a value is missing, in a few words that fit into its place.
    #[must_use]
    pub fn in_short(&self) -> &'static str {
        match self.kind {
            FaultKind::Unauthorized => match self.needs {
                Some(Right::RegistryRead) => "not allowed: needs RegistryRead",
                Some(Right::ServiceConnect | Right::TwinWrite | Right::Invoke) => "not allowed: needs ServiceConnect",
                Some(Right::RegistryWrite | Right::DeploymentWrite) => "not allowed: needs RegistryWrite",
                None => "not allowed",
            },
            FaultKind::NotFound if self.needs == Some(Right::Invoke) => "gone, or disabled",
            FaultKind::NotFound => "gone",
            FaultKind::Unreachable | FaultKind::TimedOut | FaultKind::DeviceOffline => "no answer",
            FaultKind::Throttled(_) => "not read: the hub asks to slow down",
            FaultKind::QuotaExceeded => "not read: the day's messages are used up",
            FaultKind::Budget => "not read: edgedeck's share is used up",
            FaultKind::SystemModule
            | FaultKind::Declined
            | FaultKind::AlreadyExists
            | FaultKind::PreconditionFailed
            | FaultKind::Rejected
            | FaultKind::Server
            | FaultKind::Protocol => "could not be read",
        }
    }

    /// What the operator can do about it, in one sentence. Whether somebody keeps trying is said by who does: the
    /// console beside it, and on the command line nobody.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self.kind {
            FaultKind::Unreachable => "check network, proxy and host name",
            FaultKind::TimedOut => "check network and proxy",
            FaultKind::Unauthorized => match self.needs {
                Some(Right::RegistryRead) => {
                    "the key is wrong, or lacks the right: it needs RegistryRead, or the role IoT Hub Data Reader"
                }
                Some(Right::ServiceConnect) => {
                    "the key is wrong, or lacks the right: it needs ServiceConnect, or the role IoT Hub Data Reader"
                }
                Some(Right::TwinWrite) => {
                    "the key is wrong, or lacks the right: it needs ServiceConnect, or the role IoT Hub Twin Contributor"
                }
                Some(Right::RegistryWrite) => {
                    "the key is wrong, or lacks the right: it needs RegistryWrite, or the role IoT Hub Registry Contributor"
                }
                Some(Right::DeploymentWrite) => {
                    "the sign-in lacks the right for this call; it needs RegistryWrite and ServiceConnect, or the role IoT Hub Data Contributor"
                }
                Some(Right::Invoke) => {
                    "the key is wrong, or lacks the right: it needs ServiceConnect, or the role IoT Hub Data Contributor (IoT Hub Data Reader is not enough)"
                }
                None => {
                    "check the sign-in; looking needs RegistryRead and ServiceConnect, or the role IoT Hub Data Reader"
                }
            },
            FaultKind::SystemModule => "the runtime's own modules are changed by deployments only",
            // The hub answers so for a device that is disabled, too (iot-hub-api 3.3).
            FaultKind::NotFound if self.needs == Some(Right::Invoke) => {
                "it does not exist, or is disabled: look it up among the devices"
            }
            FaultKind::NotFound => "it does not exist, or was deleted",
            FaultKind::Declined => "that was the device's own answer; its log says more",
            FaultKind::DeviceOffline => "the device is not connected now; try again when it is",
            FaultKind::AlreadyExists => "choose another id, or edit the one that exists",
            FaultKind::PreconditionFailed => "somebody changed it since it was read; compare and send again",
            FaultKind::Rejected => "the hub will not accept this request as it is",
            FaultKind::Throttled(_) => "the hub asks to slow down; wait a minute",
            FaultKind::QuotaExceeded => {
                "the hub's messages of the day are used up until 00:00 UTC; deployments and registry calls still work"
            }
            FaultKind::Server => "a fault at the hub, not here; it usually passes",
            FaultKind::Protocol => "the answer was not what IoT Hub sends; is this host an IoT Hub?",
            FaultKind::Budget => {
                "edgedeck's own share of the hub's limits is used up; wait, or raise it in the configuration"
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: ", self.doing.shown())?;
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, "{status} {}, ", code.shown())?,
            (Some(status), None) => write!(f, "{status}, ")?,
            _ => {}
        }
        // Texts of HTTP libraries carry addresses, and addresses carry signatures.
        f.write_str(&redact(self.message.shown().as_str()))
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_to_what_and_why() {
        let mut fault = Fault::new(FaultKind::PreconditionFailed, "change the twin of d/m", "ETag may be invalid.");
        fault.status = Some(412);
        fault.code = Some("PreconditionFailed".into());
        assert_eq!(fault.to_string(), "could not change the twin of d/m: 412 PreconditionFailed, ETag may be invalid.");
    }

    #[test]
    fn what_was_never_sent_is_never_in_doubt() {
        let mut fault = Fault::new(FaultKind::Unreachable, "change the twin of d/m", "connection reset by peer");
        assert!(fault.may_have_happened());
        fault.never_sent = true;
        assert!(!fault.may_have_happened());
    }

    #[test]
    fn a_method_for_nobody_may_have_been_for_a_disabled_device() {
        let mut fault = Fault::new(FaultKind::NotFound, "read logs of d", "is not registered");
        assert!(!fault.advice().contains("disabled"));
        fault.needs = Some(Right::Invoke);
        assert!(fault.advice().contains("disabled") && fault.in_short().contains("disabled"));
    }

    #[test]
    fn advice_names_the_right_that_is_needed_and_promises_nothing() {
        let mut fault = Fault::new(FaultKind::Unauthorized, "run a query", "Unauthorized");
        for (needs, words) in [
            (None, ["RegistryRead", "ServiceConnect"]),
            (Some(Right::RegistryRead), ["RegistryRead", "Data Reader"]),
            (Some(Right::ServiceConnect), ["ServiceConnect", "Data Reader"]),
            (Some(Right::TwinWrite), ["ServiceConnect", "Twin Contributor"]),
            (Some(Right::Invoke), ["ServiceConnect", "Data Contributor"]),
        ] {
            fault.needs = needs;
            let advice = fault.advice();
            assert!(words.iter().all(|word| advice.contains(word)) && !advice.contains("RegistryWrite"), "{advice}");
        }
        fault.needs = Some(Right::RegistryWrite);
        assert!(fault.advice().contains("RegistryWrite") && fault.advice().contains("Registry Contributor"));
        fault.needs = Some(Right::DeploymentWrite);
        assert!(fault.advice().contains("RegistryWrite") && fault.advice().contains("Data Contributor"));
        for kind in [
            FaultKind::Unreachable,
            FaultKind::TimedOut,
            FaultKind::Server,
            FaultKind::Throttled(Duration::from_secs(1)),
        ] {
            let advice = Fault::new(kind, "run a query", "").advice();
            assert!(!advice.contains("edgedeck"), "the command line tries once: {advice}");
        }
    }
}
