//! Use cases of the gateway: forward a request, check the backends.
//!
//! The vocabulary of HTTP (`http`, `bytes`) is this context's own language, so messages carry it as it is; actix and
//! hyper stay in their adapters. What comes between route and backend is in [`commands::forward`], step by step; its
//! rules are the domain's, their settings in [`policy`]. [`Upstreams`] holds the backends at work, and the
//! [`Caretaker`] looks after them.

mod body;
mod caretaker;
pub mod commands;
mod error;
mod health;
mod limiter;
pub mod policy;
mod ports;
pub mod queries;
mod random;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod upstreams;
mod uptime;

pub use caretaker::Caretaker;
pub use error::GatewayError;
pub use health::service_checks;
pub use limiter::{LocalRateLimiter, LocalRateLimiterParameters, RateCounts, rate_limit_headers};
pub use ports::{
    AttemptObservation, BackendProbe, BodyError, BodyStream, Change, Client, Deciding, ForwardObservation,
    ForwardObserver, Held, RateLimiter, RequestBody, Stage, UpstreamClient, UpstreamError, UpstreamRequest,
    UpstreamResponse,
};
pub use upstreams::{BackendList, BalancingSettings, ServiceSettings, Settings, Upstreams};
