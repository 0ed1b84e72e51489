//! What a subcommand that talks to a hub works with: the hub, the clock, and the one path to a write.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::Failure;
use crate::audit::{AuditLog, Origin, Who};
use crate::domain::time::SharedClock;
use crate::hub::Hub;
use crate::ops::Gateway;

/// An open hub and where we stand.
#[derive(Debug)]
pub struct Site {
    /// The hub.
    pub hub: Hub,
    /// The context's name.
    pub context: String,
    /// What the hub is called.
    pub name: String,
    /// Whether the context is marked as production.
    pub production: bool,
    /// The time.
    pub clock: SharedClock,
    /// The folder of the audit record.
    pub audit: PathBuf,
    /// Who is at the keyboard.
    pub who: Who,
}

impl Site {
    /// Where records of this run come from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            context: self.context.clone(),
            hub: self.name.clone(),
            who: self.who.clone(),
            identity: self.hub.read.identity(),
        }
    }

    /// The audit record.
    ///
    /// # Errors
    /// A [`Failure`] when the record is not available.
    pub fn audit_log(&self) -> Result<AuditLog, Failure> {
        Ok(AuditLog::open(self.audit.clone(), self.clock.clone())?)
    }

    /// The write path.
    ///
    /// # Errors
    /// A [`Failure`] when the audit record is not available: no audit, no write.
    pub fn gateway(&self) -> Result<Gateway, Failure> {
        Ok(Gateway::new(
            self.hub.write.clone(),
            self.hub.read.clone(),
            Some(self.audit_log()?),
            self.origin(),
            self.clock.clone(),
            CancellationToken::new(),
            TaskTracker::new(),
        ))
    }
}
