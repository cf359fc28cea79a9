//! End to end on the embedded home: real processes, HTTP through the gateway, gRPC on the services.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod bad_input;
mod buyer;
mod checkout_grpc;
mod checkout_http;
mod concurrency;
mod home;
mod identity;
mod invariants;
mod jobs;
mod killed_replica;
mod observability;
mod outages;
mod outages_grpc;
mod process;
mod provider_silence;
mod provider_tokens;
mod shop;
mod stubborn;
