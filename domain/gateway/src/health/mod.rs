//! Whether a backend should get requests: active probes, passive observation, and ejection.
//!
//! These are one backend's parts. [`Roster`](crate::balancing::Roster) puts them together for a service, where the share
//! of backends left out is known.

mod ejection;
mod outliers;
mod probes;

pub use ejection::{Ejection, EjectionSettings};
pub use outliers::{OutlierDetector, OutlierSettings, Suspicion};
pub use probes::{ProbeSettings, ProbeTally};
