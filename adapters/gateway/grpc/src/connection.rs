//! One connection, until it ends, is told to, or has been idle for too long.

use std::{pin::pin, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use kernel_application::BoxError;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::timeout,
};
use tonic::body::Body;

/// How long a connection may be without calls. It is as long as NAT and balancers leave idle connections alone.
const IDLE: Duration = Duration::from_mins(5);
/// How long a client without calls may take to hear that it is over.
const FAREWELL: Duration = Duration::from_secs(10);

/// The calls of a connection, for whoever waits until there are none.
#[derive(Clone, Debug)]
pub(crate) struct Calls(watch::Sender<Count>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    begun: u64,
    ended: u64,
}

/// A call under way; it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(watch::Sender<Count>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| count.ended += 1);
    }
}

impl Calls {
    pub(crate) fn none() -> Self {
        Self(watch::Sender::default())
    }

    pub(crate) fn begin(&self) -> UnderWay {
        self.0.send_modify(|count| count.begun += 1);
        UnderWay(self.0.clone())
    }

    /// Resolves when there has been no call for a while.
    async fn idle(&self) {
        let mut count = self.0.subscribe();
        // Its sender is here, so that neither wait can fail.
        while let Ok(calm) = count.wait_for(|count| count.begun == count.ended).await.map(|count| count.begun)
        {
            let begun = count.wait_for(|count| count.begun != calm);
            if timeout(IDLE, begun).await.is_err() {
                return;
            }
        }
    }
}

/// Serves `socket`; what is under way when `stopping` turns true is answered, and nothing more.
pub(crate) async fn serve<S>(
    builder: &Builder<TokioExecutor>,
    socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    service: S,
    calls: &Calls,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), BoxError>
where
    S: Service<Request<Incoming>, Response = Response<Body>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
{
    let mut connection = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let idle = tokio::select! {
        ended = connection.as_mut() => return ended,
        // Where nobody can stop it any more, it is not needed either.
        _ = stopping.wait_for(|stopping| *stopping) => false,
        () = calls.idle() => true,
    };
    connection.as_mut().graceful_shutdown();
    if idle { timeout(FAREWELL, connection).await? } else { connection.await }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_that_begin_or_are_under_way_keep_a_connection() {
        let calls = Calls::none();
        let mut idle = pin!(calls.idle());
        assert!(idle.as_mut().now_or_never().is_none());
        advance(IDLE / 2).await;
        // So short that nobody sees it begin and end.
        drop(calls.begin());
        assert!(idle.as_mut().now_or_never().is_none());
        advance(IDLE / 2 + Duration::from_secs(1)).await;
        assert!(idle.as_mut().now_or_never().is_none(), "the time begins anew");
        let long = calls.begin();
        assert!(idle.as_mut().now_or_never().is_none());
        advance(2 * IDLE).await;
        assert!(idle.as_mut().now_or_never().is_none(), "one is under way");
        drop(long);
        assert!(idle.as_mut().now_or_never().is_none());
        advance(IDLE + Duration::from_secs(1)).await;
        assert!(idle.as_mut().now_or_never().is_some());
    }
}
