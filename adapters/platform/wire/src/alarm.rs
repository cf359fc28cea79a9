//! A timer that one connection has for all its requests.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::time::{Instant, Sleep, sleep_until};

/// Goes off when the time of the request that waits is over.
///
/// Nearly every request is over long before its time, and to set a timer for each costs more than to wait for it. So the
/// timer stays set for the end of an earlier request, and is set anew when it goes off, or where another end is nearer.
#[derive(Default)]
pub struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready as soon as `end` has come.
    pub fn poll(&mut self, cx: &mut Context<'_>, end: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if sleep.deadline() > end {
            sleep.as_mut().reset(end);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= end {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use tokio::time::timeout;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_goes_off_at_the_end_of_whoever_waits() {
        let (mut alarm, start) = (Alarm::default(), Instant::now());
        let mut wait = async |from: u32, end: u32| {
            tokio::time::advance(start + SECOND * from - Instant::now()).await;
            let over = poll_fn(|cx| alarm.poll(cx, start + SECOND * end));
            let waited = timeout(SECOND * 20, over).await.is_ok();
            waited.then(|| start.elapsed().as_secs())
        };
        assert_eq!(wait(0, 10).await, Some(10));
        assert_eq!(wait(10, 10).await, Some(10), "a time that has come is over at once");
        assert_eq!(wait(10, 40).await, None);
        assert_eq!(wait(30, 35).await, Some(35), "a nearer end counts");
        assert_eq!(wait(36, 90).await, None);
        assert_eq!(wait(100, 110).await, Some(110), "and so does a later one, whatever was set before");
    }
}
