//! Workers that repeat an operation for a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::BoxError;

/// What came of one round.
#[derive(Debug, Default)]
pub(super) struct Sample {
    pub(super) elapsed: Duration,
    /// How long each call took that succeeded, in microseconds.
    pub(super) latencies: Vec<u32>,
    pub(super) errors: u64,
    /// The first of them, in words.
    pub(super) error: Option<String>,
}

impl Sample {
    pub(super) fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.errors += other.errors;
        self.error = self.error.take().or(other.error);
    }
}

/// Repeats `operation` by `clients` workers until `length` is over; each call that was begun is finished.
pub(super) async fn run<L, O, F>(
    clients: usize,
    length: Duration,
    load: &Arc<L>,
    operation: &O,
) -> Result<Sample, BoxError>
where
    L: Send + Sync + 'static,
    O: Fn(Arc<L>, u64) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), BoxError>> + Send,
{
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..clients {
        let (load, operation) = (Arc::clone(load), operation.clone());
        workers.spawn(async move {
            let mut sample = Sample::default();
            while begun.elapsed() < length {
                let called = Instant::now();
                match operation(Arc::clone(&load), chance()).await {
                    Ok(()) => sample.latencies.push(micros(called.elapsed())),
                    Err(failure) => sample.add(failed(&*failure)),
                }
            }
            sample
        });
    }
    let mut all = Sample::default();
    while let Some(sample) = workers.join_next().await {
        all.add(sample?);
    }
    all.elapsed = begun.elapsed();
    Ok(all)
}

fn failed(failure: &(dyn std::error::Error + 'static)) -> Sample {
    let reasons = std::iter::successors(Some(failure), |error| error.source());
    let error = Some(reasons.map(ToString::to_string).collect::<Vec<_>>().join(": "));
    Sample { errors: 1, error, ..Sample::default() }
}

pub(super) fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// Looks like chance, comes once: the steps of a counter, each mixed in a way that can be undone (splitmix64).
fn chance() -> u64 {
    static TURN: AtomicU64 = AtomicU64::new(1);
    let mut number = TURN.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[tokio::test]
    async fn calls_and_errors_are_counted_apart() {
        let calls = Arc::new(AtomicU64::new(0));
        let operation = |calls: Arc<AtomicU64>, _| async move {
            tokio::task::yield_now().await;
            let turn = calls.fetch_add(1, Ordering::Relaxed);
            if turn.is_multiple_of(2) { Ok(()) } else { Err(BoxError::from("odd")) }
        };
        let sample = run(3, Duration::from_millis(20), &calls, &operation).await.unwrap();
        let succeeded = sample.latencies.len() as u64;
        assert_eq!(succeeded + sample.errors, calls.load(Ordering::Relaxed));
        assert!(succeeded.abs_diff(sample.errors) <= 1 && sample.elapsed >= Duration::from_millis(20));
        assert_eq!(sample.error.as_deref(), Some("odd"));
    }

    #[test]
    fn chances_are_spread_and_never_repeated() {
        let drawn: BTreeSet<u64> = (0..10_000).map(|_| chance()).collect();
        assert_eq!(drawn.len(), 10_000);
        let tenths: BTreeSet<u64> = drawn.iter().map(|chance| chance / (u64::MAX / 10)).collect();
        assert!(tenths.len() >= 10);
    }
}
