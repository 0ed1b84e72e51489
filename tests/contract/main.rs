//! Contract tests: the hub client and the simulated hub, written apart from each other, meet over real HTTPS. Every
//! read and write the client has, every refusal it tells apart, and the recorded documents both must accept.
#![expect(clippy::expect_used, reason = "helpers of tests fail the test they help")]

mod deployments;
mod faults;
mod fixtures;
mod jobs;
#[path = "../flow/outside.rs"]
mod outside;
mod reads;
mod refusals;
mod stage;
mod writes;
