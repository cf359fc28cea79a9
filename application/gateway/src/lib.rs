//! Use cases of the gateway: forward a request, pass on a gRPC call, check the backends.
//!
//! The vocabulary of HTTP (`http`, `bytes`) is this context's own language, so messages carry it as it is, their headers
//! as [`Fields`]; servers and clients stay in their adapters. What comes between route and backend is in
//! [`commands::forward`], step by step; its rules are the domain's, their settings in [`policy`]. [`Upstreams`] holds the
//! backends at work, and the [`Caretaker`] looks after them.

mod administration;
mod admission;
mod attempts;
mod body;
mod call_readiness;
mod caretaker;
pub mod commands;
mod error;
mod health;
mod limiter;
pub mod policy;
mod ports;
pub mod queries;
mod quota;
mod random;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod upstreams;
mod uptime;
mod validity;

pub use administration::{
    Administration, AdministrationError, AuditEntry, BackendStatus, BalancerView, BreakerStatus, Changed,
    LeavingView, Parts as AdministrationParts, RateFigures, RateView, StatusView,
};
pub use call_readiness::CallReadiness;
pub use caretaker::Caretaker;
pub use error::GatewayError;
pub use health::service_checks;
pub use kernel_application::Fields;
pub use limiter::{LocalRateLimiter, LocalRateLimiterParameters, RateCounts, rate_limit_headers};
pub use ports::{
    AnswerBody, AttemptObservation, BackendProbe, BodyError, BodyStream, CallClient, CallObservation,
    CallPiece, CallPieces, CallRefusal, CallRequest, CallResponse, Change, Client, Decider, Deciding,
    ForwardObservation, ForwardObserver, Held, InnerTarget, RateLimiter, RequestBody, Ruling, Stage,
    StateStore, UpstreamClient, UpstreamError, UpstreamRequest, UpstreamResponse,
};
pub use quota::RateQuota;
pub use upstreams::{BackendList, BalancingSettings, ServiceSettings, Settings, Upstreams};
pub use validity::Validity;
