//! What the gateway needs from outside: a client for backends, probes, a limiter, and somebody who watches.

mod call;
mod client;
mod limiter;
mod observer;
mod state;

use async_trait::async_trait;
pub use call::{CallClient, CallPiece, CallPieces, CallRequest, CallResponse};
pub use client::{
    AnswerBody, BodyError, BodyStream, Client, Held, InnerTarget, RequestBody, Stage, UpstreamClient,
    UpstreamError, UpstreamRequest, UpstreamResponse,
};
use gateway_domain::Backend;
pub use limiter::{Decider, Deciding, RateLimiter, Ruling};
pub use observer::{
    AttemptObservation, CallObservation, CallRefusal, Change, ForwardObservation, ForwardObserver,
};
use shaku::Interface;
pub use state::StateStore;

/// Asks a backend whether it is ready.
#[async_trait]
pub trait BackendProbe: Interface {
    /// `Ok` where the backend says that it is ready; otherwise what is wrong, in words. MUST come to an end by itself.
    async fn probe(&self, backend: &Backend) -> Result<(), String>;
}
