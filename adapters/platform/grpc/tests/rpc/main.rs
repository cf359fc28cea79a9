//! Real servers on port 0, and peers that call them.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod client;
mod identity;
mod raw;
mod server;
mod support;
