//! Flow tests: keys in; hub state, audit, disk and screen out. The product's loop, hands, readers, gateway and client
//! run against the simulated hub over real HTTPS; only the terminal is a script. One file per story.
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail the test they help")]

mod changes;
mod conflicts;
mod counts;
mod deployments;
mod drafts;
mod edits;
mod faults;
mod guards;
mod harness;
mod layers;
mod logs;
mod looks;
mod lost;
mod outages;
mod outside;
mod secrets;
mod temper;
mod troubles;
mod wiretap;
