//! The service as it runs: real servers on free ports, a real file, the embedded log.

#![expect(clippy::unwrap_used, reason = "tests")]

mod access;
mod events;
mod grpc;
mod http;
mod support;
