//! The end of the server, as one connection hears of it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Waker},
};

use tokio::{sync::watch, task::unconstrained};

/// Wakes the connection once, when the server stops. It is asked for with every request, so it costs a look and no lock.
pub(super) struct Stop {
    stopping: watch::Receiver<bool>,
    /// What wakes, from the first time on that somebody waits.
    waking: Option<Pin<Box<dyn Future<Output = ()>>>>,
    woken: Waker,
}

impl Stop {
    pub(super) fn new(stopping: watch::Receiver<bool>) -> Self {
        Self { stopping, waking: None, woken: Waker::noop().clone() }
    }

    /// Whether the server stops. A server that is gone without a word does not.
    pub(super) fn is_now(&self) -> bool {
        self.stopping.has_changed().unwrap_or_else(|_| *self.stopping.borrow())
    }

    /// The same, and the task is woken when that changes.
    pub(super) fn has_come(&mut self, cx: &mut Context<'_>) -> bool {
        if self.waking.is_none() || !self.woken.will_wake(cx.waker()) {
            self.woken.clone_from(cx.waker());
            let mut stopping = self.stopping.clone();
            let waking = self.waking.get_or_insert_with(|| {
                // A task that has used up its turn would be told to wait without being woken later.
                Box::pin(unconstrained(async move { drop(stopping.changed().await) }))
            });
            if waking.as_mut().poll(cx).is_ready() {
                self.waking = Some(Box::pin(std::future::pending()));
            }
        }
        self.is_now()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, task::Poll, time::Duration};

    use tokio::{task::coop, time::timeout};

    use super::*;

    async fn comes(stop: &mut Stop) -> bool {
        let comes = poll_fn(|cx| if stop.has_come(cx) { Poll::Ready(()) } else { Poll::Pending });
        timeout(Duration::from_secs(5), comes).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_woken_however_often_it_was_asked() {
        let (sender, receiver) = watch::channel(false);
        let mut stop = Stop::new(receiver);
        assert!(!comes(&mut stop).await && !stop.is_now());
        let (came, ()) = tokio::join!(comes(&mut stop), async { sender.send(true).unwrap() });
        assert!(came && stop.is_now());
        assert!(comes(&mut stop).await, "and stays so");
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_has_used_up_its_turn_is_woken_all_the_same() {
        let (sender, receiver) = watch::channel(false);
        let (mut stop, mut first) = (Stop::new(receiver), true);
        let comes = poll_fn(|cx| {
            if std::mem::take(&mut first) {
                while let Poll::Ready(step) = coop::poll_proceed(cx) {
                    step.made_progress();
                }
            }
            if stop.has_come(cx) { Poll::Ready(()) } else { Poll::Pending }
        });
        let sending = async {
            tokio::task::yield_now().await;
            sender.send(true).unwrap();
        };
        let (came, ()) = tokio::join!(timeout(Duration::from_secs(5), comes), sending);
        assert!(came.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn another_task_may_wait_later() {
        let (sender, receiver) = watch::channel(false);
        let mut stop = Stop::new(receiver);
        assert!(!stop.has_come(&mut Context::from_waker(Waker::noop())));
        let waiting = tokio::spawn(async move { sender.send(true) });
        assert!(comes(&mut stop).await);
        assert!(waiting.await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_gone_says_nothing() {
        let mut stop = Stop::new(watch::channel(false).1);
        assert!(!comes(&mut stop).await && !stop.is_now());
    }
}
