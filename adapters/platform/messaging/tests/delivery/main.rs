//! From outbox to effect on real files, by subject.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod applying;
mod bench;
mod dead_letters;
mod failing;
mod halting;
mod relaying;
mod replicas;
