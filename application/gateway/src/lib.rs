//! Use cases of the gateway: forward a request, check the backends.
//!
//! The vocabulary of HTTP (`http`, `bytes`) is this context's own language, so messages carry it as it is; actix and
//! hyper stay in their adapters. What comes between route and backend (limits, breakers, retries) belongs into
//! [`commands::forward`], with its rules in the domain.

pub mod commands;
mod error;
mod health;
mod ports;
pub mod queries;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod upstreams;

pub use error::GatewayError;
pub use health::service_checks;
pub use ports::{
    BackendProbe, BodyError, BodyStream, Client, ForwardObservation, ForwardObserver, RequestBody, Stage,
    UpstreamClient, UpstreamError, UpstreamRequest, UpstreamResponse,
};
pub use upstreams::{BackendList, ServiceSettings, Settings, Upstreams};
