//! The client against a real server.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod failures;
mod server;
