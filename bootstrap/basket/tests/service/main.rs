//! The service as it runs: real servers on free ports, a real file, the embedded log, a product service of the test's own.

#![expect(clippy::unwrap_used, reason = "tests")]

mod access;
mod events;
mod grpc;
mod http;
mod peers;
mod support;
