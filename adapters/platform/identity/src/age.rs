//! A figure that tells of an issuer that is away, long before the keys that it gave are of no use.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::{MetricType, gauge::ConstGauge},
};

use crate::verifier::Verifier;

pub(crate) const NAME: &str = "identity_keys_age_seconds";
pub(crate) const HELP: &str = "Since the issuer last told its keys, or since the start";

/// Looked at when somebody asks. It does not keep alive what it looks at.
pub(crate) struct Age(Weak<Verifier>);

impl Age {
    pub(crate) fn of(verifier: &Arc<Verifier>) -> Self {
        Self(Arc::downgrade(verifier))
    }
}

impl EncodeMetric for Age {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        let age = self.0.upgrade().and_then(|verifier| verifier.age()).unwrap_or_default();
        ConstGauge::new(age.as_secs_f64()).encode(encoder)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

impl fmt::Debug for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Age").finish_non_exhaustive()
    }
}
