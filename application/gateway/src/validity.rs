//! Until when a caller is who they are.

use std::{sync::Arc, time::Duration};

use kernel_application::{Caller, Clock, Principal};
use kernel_domain::Timestamp;
use tokio::time::sleep;

/// How often the clock is looked at, however far the end is: it may be set meanwhile, and machines sleep.
const LOOK: Duration = Duration::from_mins(1);

/// Until when a caller is who they are: for what goes on for longer than a token is good. Without an end by default.
#[derive(Clone, Default)]
pub struct Validity(Option<(Timestamp, Arc<dyn Clock>)>);

impl Validity {
    /// That of `caller`, by `clock`.
    pub fn of(caller: &Caller, clock: &Arc<dyn Clock>) -> Self {
        let end = caller.principal().and_then(Principal::expires_at);
        Self(end.map(|end| (end, Arc::clone(clock))))
    }

    /// Whether there is an end.
    pub const fn has_end(&self) -> bool {
        self.0.is_some()
    }

    /// Resolves when the caller is not any more who they were; never, where that has no end.
    pub async fn over(&self) {
        let Some((end, clock)) = &self.0 else { return std::future::pending().await };
        // What has passed is no duration.
        while let Ok(left) = (*end - clock.now()).to_std()
            && !left.is_zero()
        {
            sleep(left.min(LOOK)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use kernel_domain::UserId;
    use tokio::time::advance;

    use super::*;
    use crate::testing::TokioClock;

    const SECOND: Duration = Duration::from_secs(1);

    fn ada() -> Principal {
        Principal::new(UserId::new("ada").unwrap(), [])
    }

    /// That of a token that is good for `left`.
    fn lasting(clock: &Arc<TokioClock>, left: Duration) -> Validity {
        let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
        Validity::of(&Caller::known(ada().until(clock.now() + left)), &clock)
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_over_with_the_token_and_not_before() {
        let validity = lasting(&Arc::default(), Duration::from_mins(10));
        let mut over = pin!(validity.over());
        for _ in 0..10 {
            assert!(over.as_mut().now_or_never().is_none());
            advance(Duration::from_millis(59_900)).await;
        }
        assert!(over.as_mut().now_or_never().is_none(), "a second is left");
        advance(SECOND).await;
        assert!(over.as_mut().now_or_never().is_some());
        assert!(validity.over().now_or_never().is_some(), "what is over stays over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_was_set_is_noticed() {
        let clock = Arc::<TokioClock>::default();
        let validity = lasting(&clock, Duration::from_hours(1));
        let mut over = pin!(validity.over());
        assert!(over.as_mut().now_or_never().is_none());
        clock.set_forward(Duration::from_hours(1));
        advance(LOOK + SECOND).await;
        assert!(over.as_mut().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_end_stays() {
        let clock: Arc<dyn Clock> = Arc::<TokioClock>::default();
        for caller in [Caller::known(ada()), Caller::Anonymous, Caller::Trusted] {
            let validity = Validity::of(&caller, &clock);
            let mut over = pin!(validity.over());
            assert!(!validity.has_end() && over.as_mut().now_or_never().is_none(), "{caller:?}");
            advance(Duration::from_hours(24)).await;
            assert!(over.as_mut().now_or_never().is_none(), "{caller:?}");
        }
    }
}
