//! gRPC and gRPC-Web of the gateway: the edge for clients, and the connections to backends.
//!
//! Calls are passed on as bytes: no message is decoded, and what a method is called with is between client and service.
//! [`GrpcGateway`] serves: `connection` is one of them, `edge` sorts requests, `forward` turns calls into the
//! application's and their answers back, `web` translates for browsers, `health` and `reflection` are the gateway's own
//! services. [`HyperCallClient`] calls backends over [`Channels`], and [`HealthProbe`] asks them for their health. What
//! happens to a call in between is decided in the application.

mod body;
mod client;
mod connection;
mod cors;
mod edge;
mod forward;
mod health;
mod held;
mod probe;
mod reflection;
mod server;
mod status;
mod web;

pub use client::{Channels, HyperCallClient, HyperCallClientParameters};
pub use edge::{Desk, EdgeSettings};
pub use probe::HealthProbe;
pub use server::{GrpcGateway, ServerError, Serving};
