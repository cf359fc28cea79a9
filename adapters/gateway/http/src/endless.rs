//! Answers without an end of their own: event streams and tunnels.

use std::sync::Arc;

use gateway_application::{UpstreamResponse, Validity};
use kernel_application::{Caller, Clock};
use platform_http::Stopping;

/// Whether an answer goes on until somebody ends it.
pub(crate) fn is_endless(response: &UpstreamResponse) -> bool {
    response.headers.get("content-type").is_some_and(|kind| kind.starts_with(b"text/event-stream"))
}

/// What ends them: this server stops, or the caller is not any more who they were.
pub(crate) struct End<'a> {
    pub(crate) stopping: Stopping,
    pub(crate) caller: &'a Caller,
    pub(crate) clock: &'a Arc<dyn Clock>,
}

impl End<'_> {
    /// Resolves when it has come.
    pub(crate) fn comes(self) -> impl Future<Output = ()> + use<> {
        let Self { stopping, caller, clock } = self;
        let validity = Validity::of(caller, clock);
        async move {
            tokio::select! {
                () = stops(stopping) => {}
                () = validity.over() => {}
            }
        }
    }
}

/// A sender that is gone says nothing about stopping: then it never comes.
async fn stops(Stopping(mut stopping): Stopping) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, time::Duration};

    use futures_util::FutureExt;
    use gateway_application::testing::TokioClock;
    use kernel_application::{
        Principal,
        testing::{context, context_of},
    };
    use tokio::{sync::watch, time::advance};

    use super::*;

    fn end(
        stopping: &watch::Sender<bool>,
        caller: &Caller,
        clock: &Arc<dyn Clock>,
    ) -> impl Future<Output = ()> + use<> {
        End { stopping: Stopping(stopping.subscribe()), caller, clock }.comes()
    }

    #[tokio::test(start_paused = true)]
    async fn it_comes_with_the_stop_or_the_token_s_end() {
        let stopping = watch::Sender::new(false);
        let clock: Arc<dyn Clock> = Arc::<TokioClock>::default();
        let ada = context_of("ada").caller().principal().cloned().unwrap();
        let until = Caller::known(Principal::until(ada, clock.now() + Duration::from_secs(30)));
        let (mut known, mut trusted) =
            (pin!(end(&stopping, &until, &clock)), pin!(end(&stopping, context().caller(), &clock)));
        assert!(known.as_mut().now_or_never().is_none());
        advance(Duration::from_secs(31)).await;
        assert!(known.as_mut().now_or_never().is_some(), "the token has expired");
        assert!(trusted.as_mut().now_or_never().is_none(), "who needs none goes on");
        stopping.send_replace(true);
        assert!(trusted.as_mut().now_or_never().is_some());
        // And where nobody can stop it, it goes on.
        let mut running = pin!(end(&watch::Sender::new(false), context().caller(), &clock));
        assert!(running.as_mut().now_or_never().is_none());
    }
}
