//! The service as it runs, and wants tokens: real servers on free ports, a real file, the embedded log; basket service,
//! product service and payment provider are the test's own.

#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod access;
mod grpc;
mod http;
mod keys;
mod peers;
mod provider;
mod support;
