//! How long a client may be silent.

use std::{
    future::Future as _,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep},
};

/// Goes off when nothing has come for a while.
///
/// A busy connection is silent for a moment after each request, and to look at the clock and set a timer each time costs
/// more than the wait. So a timer goes on ticking beside it, and a silence is over when it was there for a few ticks: up to
/// one of them later than it was to be.
pub(super) struct Silence {
    tick: Duration,
    ticking: Option<Ticking>,
    /// So many ticks were heard since the last word.
    heard: u32,
}

struct Ticking {
    sleep: Pin<Box<Sleep>>,
    woken: Waker,
}

/// So many ticks are as long as a client may be silent.
const TICKS: u32 = 3;

impl Silence {
    /// A client may be silent for `limit`.
    pub(super) fn new(limit: Duration) -> Self {
        Self { tick: limit / TICKS, ticking: None, heard: 0 }
    }

    /// The client has said something.
    pub(super) const fn broken(&mut self) {
        self.heard = 0;
    }

    /// Ready when the silence has been too long. Asked for the first time, it begins.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let tick = self.tick;
        loop {
            let Ticking { sleep, woken } = self.ticking.get_or_insert_with(|| Ticking {
                sleep: Box::pin(sleep(tick)),
                woken: Waker::noop().clone(),
            });
            // A timer that is set for this task already wakes it.
            if !sleep.is_elapsed() && woken.will_wake(cx.waker()) {
                return Poll::Pending;
            }
            woken.clone_from(cx.waker());
            // A task that has used up its turn would be told to wait without being woken later.
            if pin!(unconstrained(sleep.as_mut())).poll(cx).is_pending() {
                return Poll::Pending;
            }
            // The first tick may have begun before the silence.
            if self.heard >= TICKS {
                return Poll::Ready(());
            }
            self.heard += 1;
            sleep.as_mut().reset(Instant::now() + tick);
            woken.clone_from(Waker::noop());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::{
        task::coop,
        time::{advance, timeout},
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    async fn lasts(silence: &mut Silence, most: Duration) -> Option<u64> {
        let start = Instant::now();
        let over = timeout(most, poll_fn(|cx| silence.poll(cx))).await;
        over.is_ok().then(|| start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_is_over_after_its_time_and_not_much_later() {
        let mut silence = Silence::new(LIMIT);
        let lasted = lasts(&mut silence, LIMIT * 2).await.unwrap();
        assert!((15..=20).contains(&lasted), "{lasted}");
        let mut silence = Silence::new(LIMIT);
        assert_eq!(lasts(&mut silence, Duration::from_secs(4)).await, None);
        advance(Duration::from_secs(4)).await;
        silence.broken();
        let lasted = lasts(&mut silence, LIMIT * 2).await.unwrap();
        assert!((15..=20).contains(&lasted), "what was said begins it anew: {lasted}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_something_now_and_then_is_not_silent() {
        let mut silence = Silence::new(LIMIT);
        for _ in 0..10 {
            assert_eq!(lasts(&mut silence, Duration::from_secs(14)).await, None);
            silence.broken();
        }
        assert!(lasts(&mut silence, LIMIT * 2).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_has_used_up_its_turn_is_woken_all_the_same() {
        let (mut silence, mut first) = (Silence::new(LIMIT), true);
        let over = poll_fn(|cx| {
            if std::mem::take(&mut first) {
                while let Poll::Ready(step) = coop::poll_proceed(cx) {
                    step.made_progress();
                }
            }
            silence.poll(cx)
        });
        assert!(timeout(LIMIT * 2, over).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_last_is_woken() {
        let mut silence = Silence::new(LIMIT);
        assert!(silence.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(lasts(&mut silence, LIMIT * 2).await.is_some());
    }
}
