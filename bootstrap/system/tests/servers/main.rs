//! The same end-to-end tests on the server home: PostgreSQL, Redis, MariaDB and Kafka, each shop with databases, a key
//! prefix and topics of its own. What only servers can do, as being stopped and started, is tested here besides.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../system/access.rs"]
mod access;
#[path = "../system/bad_input.rs"]
mod bad_input;
#[path = "../system/buyer.rs"]
mod buyer;
#[path = "../system/checkout_grpc.rs"]
mod checkout_grpc;
#[path = "../system/checkout_http.rs"]
mod checkout_http;
mod cluster;
#[path = "../system/concurrency.rs"]
mod concurrency;
mod dead_letters;
mod home;
#[path = "../system/identity.rs"]
mod identity;
#[path = "../system/invariants/mod.rs"]
mod invariants;
#[path = "../system/jobs.rs"]
mod jobs;
#[path = "../system/killed_replica.rs"]
mod killed_replica;
#[path = "../system/observability.rs"]
mod observability;
#[path = "../system/outages.rs"]
mod outages;
#[path = "../system/outages_grpc.rs"]
mod outages_grpc;
mod own;
#[path = "../system/process.rs"]
mod process;
#[path = "../system/provider_silence.rs"]
mod provider_silence;
#[path = "../system/provider_tokens.rs"]
mod provider_tokens;
mod replicas;
mod server_outages;
#[path = "../system/shop.rs"]
mod shop;
#[path = "../system/stubborn.rs"]
mod stubborn;
