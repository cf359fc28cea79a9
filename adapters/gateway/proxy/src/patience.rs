//! How long the head of an answer may take.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
    time::Duration,
};

use gateway_application::Stage;
use platform_wire::Alarm;
use tokio::time::Instant;

use crate::pulse::Pulse;

/// Counts from the last piece of the request that the backend has taken, so that a long upload does not look like a slow
/// backend; but not beyond what is left for the request.
pub(crate) struct Patience {
    usual: Duration,
    start: Instant,
    deadline: Option<Instant>,
    pulse: Option<Pulse>,
}

impl Patience {
    /// From `start`, which is now, on.
    pub(crate) fn new(usual: Duration, start: Instant, left: Option<Duration>, pulse: Option<Pulse>) -> Self {
        Self { usual, start, deadline: left.and_then(|left| start.checked_add(left)), pulse }
    }

    /// When the request was begun.
    pub(crate) const fn start(&self) -> Instant {
        self.start
    }

    /// What the backend has at least, from the start.
    pub(crate) fn least(&self) -> Duration {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(self.start));
        left.map_or(self.usual, |left| left.min(self.usual))
    }

    /// Resolves when it is over, with what it was that ended it.
    pub(crate) async fn ends(&self) -> Stage {
        let mut alarm = Alarm::default();
        poll_fn(|cx| self.poll(cx, &mut alarm)).await
    }

    /// The same, with an alarm that is there already.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, alarm: &mut Alarm) -> Poll<Stage> {
        loop {
            let end = self.end();
            if let Some(deadline) = self.deadline.filter(|deadline| *deadline < end) {
                return alarm.poll(cx, deadline).map(|()| Stage::Deadline);
            }
            ready!(alarm.poll(cx, end));
            if self.end() == end {
                return Poll::Ready(Stage::FirstByte);
            }
        }
    }

    fn end(&self) -> Instant {
        self.pulse.as_ref().map_or(self.start, Pulse::last) + self.usual
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const USUAL: Duration = Duration::from_secs(10);

    async fn ends(patience: &Patience) -> (Stage, Duration) {
        let start = Instant::now();
        (patience.ends().await, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn the_nearer_end_counts() {
        for (left, expected) in [
            (None, (Stage::FirstByte, USUAL)),
            (Some(USUAL * 2), (Stage::FirstByte, USUAL)),
            (Some(USUAL / 2), (Stage::Deadline, USUAL / 2)),
            (Some(Duration::ZERO), (Stage::Deadline, Duration::ZERO)),
        ] {
            let patience = Patience::new(USUAL, Instant::now(), left, None);
            assert_eq!(ends(&patience).await, expected);
            assert_eq!(patience.least(), expected.1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_backend_that_takes_piece_after_piece_is_not_slow() {
        let pulse = Pulse::new();
        let patience = Patience::new(USUAL, Instant::now(), Some(USUAL * 10), Some(pulse.clone()));
        let upload = async {
            for _ in 0..4 {
                sleep(USUAL / 2).await;
                pulse.beat();
            }
        };
        assert!(timeout(USUAL * 2, async { tokio::join!(upload, patience.ends()) }).await.is_err());
        assert_eq!(ends(&patience).await, (Stage::FirstByte, USUAL));
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_may_not_outlast_the_request() {
        let pulse = Pulse::new();
        let patience = Patience::new(USUAL, Instant::now(), Some(USUAL * 3), Some(pulse.clone()));
        let upload = async {
            loop {
                sleep(USUAL / 2).await;
                pulse.beat();
            }
        };
        let stage = tokio::select! {
            stage = patience.ends() => stage,
            () = upload => unreachable!("it goes on and on"),
        };
        assert_eq!(stage, Stage::Deadline);
    }
}
