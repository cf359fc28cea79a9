//! The gateway with real little backends behind it, on free ports.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod failures;
mod forwarding;
mod headers;
mod operations;
mod support;
