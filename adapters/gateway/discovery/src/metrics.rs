//! What became of each look at a source.

use platform_telemetry::Metrics;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

/// Looks at sources. Clones share them.
#[derive(Clone, Debug)]
pub struct DiscoveryMetrics {
    updates: Family<Update, Counter>,
    failing: Family<Origin, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Update {
    source: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Origin {
    source: String,
}

impl DiscoveryMetrics {
    /// Registers `gateway_discovery_updates_total` and `gateway_discovery_failing`.
    pub fn new(metrics: &Metrics) -> Self {
        let new = Self { updates: Family::default(), failing: Family::default() };
        let help = "Looks at a source that found something new (`taken`) or something wrong (`refused`)";
        metrics.register("gateway_discovery_updates", help, new.updates.clone());
        let help =
            "1 while the last look at a source has found something wrong, and an older list is in force";
        metrics.register("gateway_discovery_failing", help, new.failing.clone());
        new
    }

    pub(crate) fn taken(&self, source: &str) {
        self.count(source, "taken");
        self.set_failing(source, false);
    }

    pub(crate) fn refused(&self, source: &str) {
        self.count(source, "refused");
        self.set_failing(source, true);
    }

    /// A source that nobody names any more has no figures.
    pub(crate) fn forget(&self, source: &str) {
        let source = source.to_owned();
        for outcome in ["taken", "refused"] {
            self.updates.remove(&Update { source: source.clone(), outcome });
        }
        self.failing.remove(&Origin { source });
    }

    fn count(&self, source: &str, outcome: &'static str) {
        self.updates.get_or_create_owned(&Update { source: source.to_owned(), outcome }).inc();
    }

    pub(crate) fn set_failing(&self, source: &str, failing: bool) {
        self.failing.get_or_create_owned(&Origin { source: source.to_owned() }).set(failing.into());
    }
}
