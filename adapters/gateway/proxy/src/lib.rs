//! HTTP client that forwards requests to backends: one pool of connections, bodies passed on piece by piece.
//!
//! [`Pool`] holds the connections and their limits; [`HyperUpstreamClient`] forwards over it, [`HyperProbe`] asks for
//! readiness over it. What is done to headers on the way is in `headers`; what is seen of it all, in `observer`.

mod body;
mod client;
mod connector;
mod headers;
mod observer;
mod pool;
mod probe;
mod tunnel;

pub use client::{HyperUpstreamClient, HyperUpstreamClientParameters};
pub use observer::{UpstreamObserver, UpstreamObserverParameters, UpstreamSeries, register_state};
pub use pool::{Pool, Timeouts};
pub use probe::{HyperProbe, HyperProbeParameters, InvalidProbePath, ProbePath, ProbeTarget};
