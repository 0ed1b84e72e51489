//! The picture of the fleet that everything else looks at: immutable, counted by generation, swapped as a whole.
//!
//! Rows are compact and their strings interned; whole twins are kept apart ([`DetailBoard`]) and only for what
//! is on a screen. Depends on `domain` alone: [`crate::sync`] feeds it, the screens and later the rollout engine
//! read it.

mod deployments;
mod details;
mod fleet;
mod intern;
mod link;
mod needs;

pub use deployments::{Behind, DeploymentBoard, Extent, Found};
pub use details::{DetailBoard, Fetched};
pub use fleet::{
    AgentSummary, DeviceRow, Digest, Feed, FeedState, FleetBuilder, FleetSnapshot, QUERY_AGENTS, QUERY_DEVICES,
    QUERY_DIGEST, Tag, Tags,
};
pub use link::{BudgetSummary, LinkHealth, LinkState, Source, SourceState, Trouble};
pub use needs::Needs;
