//! What the gateway needs from outside: a client for backends, probes, a limiter, and somebody who watches.

mod client;
mod limiter;
mod observer;

use async_trait::async_trait;
pub use client::{
    BodyError, BodyStream, Client, Held, RequestBody, Stage, UpstreamClient, UpstreamError, UpstreamRequest,
    UpstreamResponse,
};
use gateway_domain::Backend;
pub use limiter::{Deciding, RateLimiter};
pub use observer::{AttemptObservation, Change, ForwardObservation, ForwardObserver};
use shaku::Interface;

/// Asks a backend whether it is ready.
#[async_trait]
pub trait BackendProbe: Interface {
    /// `Ok` where the backend says that it is ready; otherwise what is wrong, in words. MUST come to an end by itself.
    async fn probe(&self, backend: &Backend) -> Result<(), String>;
}
