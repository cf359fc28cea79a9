//! The gateway with real little backends behind it, on free ports.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access_log;
mod admin;
mod answers;
mod balancing;
mod browsers;
mod certificates;
mod failures;
mod forwarding;
mod grpc;
mod headers;
mod http2;
mod identity;
mod kept;
mod lasting;
mod neighbours;
mod operations;
mod protection;
mod protocol;
mod smuggling;
mod sockets;
mod stalled;
mod support;
mod tls;
mod websocket;
