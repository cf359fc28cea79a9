//! An answer on its way to the client, until it is known how it went.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{Stream, task::AtomicWaker};
use gateway_domain::{Outcome, member::Slot};
use kernel_application::{BoxError, CallContext};
use tokio::task::AbortHandle;

use super::{exchange::outcome, messages::Blame, metadata, observation};
use crate::{
    CallPiece, CallPieces, ForwardObserver, GatewayError, Stage, UpstreamError, Upstreams, Validity,
    attempts::{Course, Made, failure},
};

/// A call under way: its place, and what is told when it is over. Dropped before that, its client has gone away.
pub(super) struct Ending {
    pub(super) upstreams: Arc<Upstreams>,
    pub(super) observer: Arc<dyn ForwardObserver>,
    pub(super) ctx: CallContext,
    pub(super) course: Course,
    pub(super) open: Option<Made>,
    pub(super) slot: Slot,
    pub(super) hurried: bool,
    pub(super) blame: Blame,
    pub(super) over: bool,
}

/// The status of a call whose client has gone away.
const CANCELLED: u16 = 1;

impl Ending {
    /// The backend has said how it went.
    pub(super) fn status(&mut self, status: u16) {
        self.settle(outcome(status, self.hurried), Ok(status));
    }

    /// The answer has broken off.
    fn broken(&mut self, error: BoxError) -> GatewayError {
        match self.blame.error() {
            Some(error) => self.fail(Outcome::Cancelled, error.into()),
            None => self.failed(Outcome::Broken, UpstreamError::Exchange(error)),
        }
    }

    /// Its time is over.
    fn late(&mut self) -> GatewayError {
        let outcome = if self.hurried { Outcome::Cancelled } else { Outcome::TimedOut };
        self.failed(outcome, UpstreamError::TimedOut(Stage::Deadline))
    }

    /// The caller is not any more who they were.
    fn expired(&mut self) -> GatewayError {
        self.fail(Outcome::Cancelled, GatewayError::TokenExpired)
    }

    fn failed(&mut self, outcome: Outcome, error: UpstreamError) -> GatewayError {
        let error = failure(self.course.service, self.slot.member().backend(), error);
        self.fail(outcome, error)
    }

    fn fail(&mut self, outcome: Outcome, error: GatewayError) -> GatewayError {
        self.settle(outcome, Err(&error));
        error
    }

    fn settle(&mut self, outcome: Outcome, result: Result<u16, &GatewayError>) {
        self.over = true;
        if let Some(made) = self.open.take()
            && let Some(upstream) = self.upstreams.of(self.course.service)
        {
            made.settle(upstream, &*self.observer, &mut self.slot, outcome, self.upstreams.uptime().now());
        }
        self.observer.called(&self.ctx, &observation(&self.course, result));
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.over {
            self.settle(Outcome::Cancelled, Ok(CANCELLED));
        }
    }
}

/// Passes pieces on until the status is there, the answer breaks off, or `remaining` or `validity` is over.
///
/// A client that does not read is not asked for, so that nobody would notice here that the time is over; a watch does,
/// and lets go of the backend and its place.
pub(super) fn until_its_end(
    pieces: CallPieces<BoxError>,
    ending: Ending,
    remaining: Option<Duration>,
    validity: Validity,
) -> impl Stream<Item = Result<CallPiece, GatewayError>> + Send {
    let shared =
        Arc::new(Shared { state: Mutex::new(State::Live(pieces, ending)), waker: AtomicWaker::new() });
    let watch = (remaining.is_some() || validity.has_end()).then(|| {
        let shared = Arc::clone(&shared);
        let watching = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = passed(remaining) => shared.cut(Ending::late),
                () = validity.over() => shared.cut(Ending::expired),
            }
        });
        watching.abort_handle()
    });
    Answer { shared, watch }
}

async fn passed(remaining: Option<Duration>) {
    match remaining {
        Some(remaining) => tokio::time::sleep(remaining).await,
        None => std::future::pending().await,
    }
}

struct Answer {
    shared: Arc<Shared>,
    watch: Option<AbortHandle>,
}

struct Shared {
    state: Mutex<State>,
    waker: AtomicWaker,
}

#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each call, and it is large as long as that goes on"
)]
enum State {
    Live(CallPieces<BoxError>, Ending),
    Cut(GatewayError),
    Over,
}

impl Shared {
    fn cut(&self, reason: fn(&mut Ending) -> GatewayError) {
        let mut state = self.lock();
        if let State::Live(_, ending) = &mut *state {
            *state = State::Cut(reason(ending));
            drop(state);
            self.waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<CallPiece, GatewayError>>> {
        self.waker.register(cx.waker());
        let mut state = self.lock();
        let (pieces, ending) = match &mut *state {
            State::Live(pieces, ending) => (pieces, ending),
            State::Over => return Poll::Ready(None),
            State::Cut(_) => {
                return Poll::Ready(std::mem::replace(&mut *state, State::Over).into_error().map(Err));
            }
        };
        let piece = match ready!(pieces.as_mut().poll_next(cx)) {
            Some(Ok(CallPiece::Data(data))) => return Poll::Ready(Some(Ok(CallPiece::Data(data)))),
            Some(Ok(CallPiece::Trailers(trailers))) => {
                ending.status(metadata::status(&trailers));
                Ok(CallPiece::Trailers(trailers))
            }
            Some(Err(error)) => Err(ending.broken(error)),
            None => Err(ending.broken("answer ended without a status".into())),
        };
        *state = State::Over;
        Poll::Ready(Some(piece))
    }

    /// A thread that panicked here left a whole state behind.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn into_error(self) -> Option<GatewayError> {
        match self {
            Self::Cut(error) => Some(error),
            Self::Live(..) | Self::Over => None,
        }
    }
}

impl Stream for Answer {
    type Item = Result<CallPiece, GatewayError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.shared.poll(cx)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}
