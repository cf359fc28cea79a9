//! The event log against real brokers, against librdkafka, and against a cluster that fails on demand.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails is a test that fails")]

mod appending;
mod compatibility;
mod contract;
mod declared;
mod faults;
mod leader;
mod reading;
mod secured;
mod support;
mod verifying;
