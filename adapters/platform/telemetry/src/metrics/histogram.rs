//! A histogram of durations that threads observe without waiting for each other.

use std::{
    array, fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric},
};

/// Upper bounds in nanoseconds, from half a millisecond, what a cached read takes, to the 30 seconds a request may
/// take at most.
const BOUNDS: [u64; 15] = [
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
];

/// Durations by bucket, in seconds where they are shown. Clones are the same histogram.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram(Arc<Observed>);

#[derive(Debug, Default)]
struct Observed {
    /// One more than bounds: the last is without.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Histogram {
    pub(crate) fn observe(&self, elapsed: Duration) {
        // Some centuries of work fit.
        let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| nanoseconds > *bound);
        if let Some(bucket) = self.0.buckets.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
        self.0.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let seconds = |bound: &u64| Duration::from_nanos(*bound).as_secs_f64();
        let buckets: [(f64, u64); BOUNDS.len() + 1] = array::from_fn(|index| {
            let counted = self.0.buckets.get(index).map_or(0, |bucket| bucket.load(Relaxed));
            (BOUNDS.get(index).map_or(f64::INFINITY, seconds), counted)
        });
        // A sum of what was read, so that it agrees with the buckets while others observe.
        let count = buckets.iter().map(|(_, counted)| counted).sum();
        let sum = Duration::from_nanos(self.0.nanoseconds.load(Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    use prometheus_client::{metrics::histogram::Histogram as Theirs, registry::Registry};

    use super::*;

    fn encoded(metric: impl prometheus_client::registry::Metric) -> String {
        let mut registry = Registry::default();
        registry.register("seconds", "How long it took", metric);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn it_reads_as_the_library_s_own() {
        const BUCKETS: [f64; 15] =
            [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let (ours, theirs) = (Histogram::default(), Theirs::new(BUCKETS));
        assert_eq!(encoded(ours.clone()), encoded(theirs.clone()), "before anything is observed");
        // Powers of two, whose sum is exact either way, besides each bound and its neighbours.
        let exact = [0, 7_812_500, 15_625_000, 125_000_000, 500_000_000, 4_000_000_000, 32_000_000_000];
        for elapsed in exact.map(Duration::from_nanos) {
            ours.observe(elapsed);
            theirs.observe(elapsed.as_secs_f64());
        }
        assert_eq!(encoded(ours.clone()), encoded(theirs.clone()));
        for bound in BUCKETS.map(Duration::from_secs_f64) {
            let nanosecond = Duration::from_nanos(1);
            for elapsed in [bound.saturating_sub(nanosecond), bound, bound + nanosecond] {
                ours.observe(elapsed);
                theirs.observe(elapsed.as_secs_f64());
            }
        }
        let counted = |text: String| -> Vec<String> {
            text.lines().filter(|line| !line.starts_with("seconds_sum")).map(str::to_owned).collect()
        };
        assert_eq!(counted(encoded(ours)), counted(encoded(theirs)));
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let histogram = Histogram::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| histogram.observe(Duration::from_millis(500))));
            }
        });
        let text = encoded(histogram);
        assert!(text.contains("seconds_count 4000\n") && text.contains("seconds_sum 2000.0\n"), "{text}");
    }
}
