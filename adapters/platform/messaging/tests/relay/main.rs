//! The relay against an outbox and a log in memory, in virtual time: order under failures, lanes that are away, leases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blocked;
mod lease;
mod log;
mod order;
mod outbox;
mod portions;
mod running;
