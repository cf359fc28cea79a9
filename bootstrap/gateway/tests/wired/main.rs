//! The gateway with real little backends behind it, on free ports.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod balancing;
mod failures;
mod forwarding;
mod headers;
mod neighbours;
mod operations;
mod protection;
mod support;
