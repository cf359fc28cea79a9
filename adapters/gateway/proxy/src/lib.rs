//! HTTP client that forwards requests to backends: connections for each thread, bodies passed on piece by piece.
//!
//! [`Pool`] holds the connections and their limits, and whoever sends over one of them drives it (`connection`); what is
//! said over it is in `wire`.
//! [`HttpUpstreamClient`] forwards over it, [`HttpProbe`] asks for readiness over it. What is done to headers on the way
//! is in `headers`; how long a backend may take, in `patience`; what is seen of it all, in `observer`.

mod body;
mod client;
mod connection;
mod connector;
mod headers;
mod observer;
mod patience;
mod per_thread;
mod pool;
mod probe;
mod pulse;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tunnel;
mod wire;

pub use client::{HttpUpstreamClient, HttpUpstreamClientParameters};
pub use observer::{UpstreamObserver, UpstreamObserverParameters, UpstreamSeries, register_state};
pub use pool::{Pool, Timeouts};
pub use probe::{HttpProbe, HttpProbeParameters, InvalidProbePath, ProbePath, ProbeTarget};
