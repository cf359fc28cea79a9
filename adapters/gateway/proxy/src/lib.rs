//! HTTP client that forwards requests to backends: one pool of connections, bodies passed on piece by piece.
//!
//! [`Pool`] holds the connections and their limits; [`HyperUpstreamClient`] forwards over it, [`HyperProbe`] asks for
//! readiness over it. What is done to headers on the way is in `headers`.

mod body;
mod client;
mod headers;
mod metrics;
mod pool;
mod probe;

pub use client::{HyperUpstreamClient, HyperUpstreamClientParameters};
pub use metrics::{UpstreamMetrics, UpstreamMetricsParameters, UpstreamSeries};
pub use pool::{Pool, Timeouts};
pub use probe::{HyperProbe, HyperProbeParameters};
