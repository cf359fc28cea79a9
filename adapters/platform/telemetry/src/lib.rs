//! Logs and metrics: one logger per process, one registry per process, and the observers that feed both.
//!
//! A new kind of metric is a file in `metrics/` with a struct that registers itself in [`Metrics`] and records what
//! really happened; routes and handlers never touch the registry.

mod logging;
mod metrics;
mod observer;

pub use logging::{FlushGuard, LogFormat, chain, component, logger, logger_to, lossless, silent};
pub use metrics::{HttpMetrics, MessagingMetrics, Metrics, RpcMetrics};
pub use observer::UseCaseMetrics;
