//! Repeats a call within one deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{
    failure::{Failure, Verdict},
    metrics::KafkaMetrics,
};

/// Makes `attempt` until it succeeds, cannot, or `within` is over; each attempt is told when that is.
pub(crate) async fn repeat<T, F>(
    operation: &'static str,
    within: Duration,
    metrics: &KafkaMetrics,
    attempt: impl Fn(Instant) -> F + Send,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>> + Send,
{
    let deadline = Instant::now() + within;
    let mut tries = Tries { operation, metrics, deadline, pause: Tries::FIRST, last: None };
    loop {
        match attempt(tries.deadline).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => tries.after(failure).await?,
        }
    }
}

/// The tries of one call: growing pauses from 20 ms to 400 ms, until the deadline.
struct Tries<'a> {
    operation: &'static str,
    metrics: &'a KafkaMetrics,
    deadline: Instant,
    pause: Duration,
    last: Option<Failure>,
}

impl Tries<'_> {
    const FIRST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_millis(400);

    /// Waits before the next try; answers why there is none, where that is so.
    async fn after(&mut self, failure: Failure) -> Result<(), Failure> {
        self.metrics.failed(self.operation, failure.kind());
        // An attempt that the deadline cut short says less than the one before it.
        let failure = match (failure, self.last.take()) {
            (Failure::TimedOut(_), Some(earlier)) => earlier,
            (failure, _) => failure,
        };
        if failure.verdict() == Verdict::GiveUp || Instant::now() + self.pause >= self.deadline {
            return Err(failure);
        }
        self.last = Some(failure);
        self.metrics.retried(self.operation);
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Self::LONGEST);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use platform_telemetry::Metrics;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tries_end_with_the_deadline() {
        let metrics = Metrics::new();
        let (kafka, started) = (KafkaMetrics::new(&metrics), Instant::now());
        let failing = |_| async { Err::<(), _>(Failure::TimedOut(Duration::ZERO)) };
        assert!(repeat("append", Duration::from_secs(2), &kafka, failing).await.is_err());
        // 20 + 40 + 80 + 160 + 320 + 400 × 3: another 400 would be too late.
        assert_eq!(started.elapsed().as_millis(), 1820);
        let text = metrics.encode();
        assert!(text.contains(r#"kafka_retries_total{operation="append"} 8"#), "{text}");
        assert!(text.contains(r#"kafka_errors_total{operation="append",kind="timed_out"} 9"#), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_change_is_not_tried_again() {
        let (kafka, started) = (KafkaMetrics::new(&Metrics::new()), Instant::now());
        let failing = |_| async { Err::<(), _>(Failure::TooLarge) };
        assert!(repeat("append", Duration::from_secs(2), &kafka, failing).await.is_err());
        assert!(started.elapsed().is_zero());
    }
}
