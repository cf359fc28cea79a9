//! The gateway with a Redis that it shares with others.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod shared_limit;
#[expect(dead_code, reason = "these tests need less of it than those without servers")]
#[path = "../wired/support.rs"]
mod support;
