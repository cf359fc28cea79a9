//! A request's body, lent to one attempt after the other.
//!
//! A body that streams can be sent once. As long as nobody has asked for its first piece it is whole, though, and goes
//! with the next attempt; the former one, should it still ask, gets an error and never an end that looks complete.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use tokio::time::timeout;

use crate::{AnswerBody, BodyError, BodyStream, RequestBody};

type Pieces = BoxStream<'static, Result<Bytes, BodyError>>;

/// The longest body that is kept so that it can be sent again.
pub(crate) const MOST_KEPT: u64 = 64 * 1024;

/// Reads a body that is short enough to be kept, so that it can be sent again.
pub(crate) async fn keep(body: RequestBody, length: u64) -> Result<RequestBody, BodyError> {
    let RequestBody::Stream(mut pieces) = body else { return Ok(body) };
    let mut whole = BytesMut::with_capacity(usize::try_from(length.min(MOST_KEPT)).unwrap_or_default());
    while let Some(piece) = pieces.next().await {
        whole.extend_from_slice(&piece?);
    }
    Ok(RequestBody::Whole(whole.freeze()))
}

/// How long it is waited for the rest of an answer that has failed. Nearly always it has come with its head.
const REST: Duration = Duration::from_millis(100);

/// Reads the body of an answer to its end, so that its connection is free again. `Err` is the same body, where it is
/// too long, too slow, or broken.
pub(crate) async fn held_back(body: AnswerBody) -> Result<AnswerBody, AnswerBody> {
    let AnswerBody::Stream(mut body) = body else { return Ok(body) };
    let (mut pieces, mut left) = (Vec::new(), MOST_KEPT);
    let reading = async {
        while let Some(piece) = body.next().await {
            let length = piece.as_ref().ok().map(Bytes::len);
            pieces.push(piece);
            left = left.checked_sub(u64::try_from(length?).ok()?)?;
        }
        Some(())
    };
    let ended = timeout(REST, reading).await.is_ok_and(|read| read.is_some());
    let read = stream::iter(pieces);
    let stream = |pieces: BodyStream| AnswerBody::Stream(pieces);
    if ended { Ok(stream(Box::pin(read))) } else { Err(stream(Box::pin(read.chain(body)))) }
}

/// The body between attempts.
pub(crate) enum Lending {
    Empty,
    Whole(Bytes),
    Stream(Arc<Lent>),
}

impl Lending {
    pub(crate) fn new(body: RequestBody) -> Self {
        match body {
            RequestBody::Empty => Self::Empty,
            RequestBody::Whole(whole) => Self::Whole(whole),
            RequestBody::Stream(pieces) => Self::Stream(Arc::new(Lent::new(pieces))),
        }
    }

    /// The body for the next attempt.
    pub(crate) fn lend(&self) -> RequestBody {
        match self {
            Self::Empty => RequestBody::Empty,
            Self::Whole(whole) => RequestBody::Whole(whole.clone()),
            Self::Stream(lent) => RequestBody::Stream(Box::pin(lent.lend())),
        }
    }

    /// Whether it can be sent as often as one likes.
    pub(crate) const fn is_kept(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }

    /// Takes it back from the attempt that has it; whether it is still whole.
    pub(crate) fn take_back(&self) -> bool {
        match self {
            Self::Empty | Self::Whole(_) => true,
            Self::Stream(lent) => lent.take_back(),
        }
    }

    /// Whether everybody waits for the client to send more of it.
    pub(crate) fn waits_for_client(&self) -> bool {
        match self {
            Self::Empty | Self::Whole(_) => false,
            Self::Stream(lent) => lent.waiting.load(Relaxed) == WAITING,
        }
    }
}

const FLOWING: u8 = 0;
const WAITING: u8 = 1;

pub(crate) struct Lent {
    held: Mutex<Held>,
    waiting: AtomicU8,
}

/// The stream until the first poll, and the number of the attempt that may have it.
struct Held {
    turn: u32,
    pieces: Option<Pieces>,
}

impl Lent {
    fn new(pieces: Pieces) -> Self {
        let held = Mutex::new(Held { turn: 0, pieces: Some(pieces) });
        Self { held, waiting: AtomicU8::new(FLOWING) }
    }

    fn lend(self: &Arc<Self>) -> Loan {
        Loan { turn: self.lock().turn, lent: Arc::clone(self), pieces: None }
    }

    fn take_back(&self) -> bool {
        let mut held = self.lock();
        held.turn += 1;
        held.pieces.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body as one attempt has it.
struct Loan {
    turn: u32,
    lent: Arc<Lent>,
    pieces: Option<Pieces>,
}

impl Loan {
    /// The stream, taken at the first poll if the body was not taken back before.
    fn pieces(&mut self) -> Option<&mut Pieces> {
        if self.pieces.is_none() {
            let mut held = self.lent.lock();
            if held.turn == self.turn {
                self.pieces = held.pieces.take();
            }
        }
        self.pieces.as_mut()
    }
}

impl Stream for Loan {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(pieces) = self.pieces() else { return Poll::Ready(Some(Err(BodyError::Withdrawn))) };
        let polled = pieces.as_mut().poll_next(cx);
        let state = if polled.is_pending() { WAITING } else { FLOWING };
        self.lent.waiting.store(state, Relaxed);
        Poll::Ready(ready!(polled))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn streaming(pieces: Vec<Result<Bytes, BodyError>>) -> RequestBody {
        RequestBody::Stream(Box::pin(stream::iter(pieces)))
    }

    fn pieces(body: RequestBody) -> Pieces {
        match body {
            RequestBody::Stream(pieces) => pieces,
            _ => panic!("a stream was lent"),
        }
    }

    #[tokio::test]
    async fn an_untouched_body_goes_with_the_next_attempt_and_only_with_that() {
        let lending = Lending::new(streaming(vec![Ok("a".into()), Ok("b".into())]));
        let mut first = pieces(lending.lend());
        assert!(lending.take_back());
        let mut second = pieces(lending.lend());
        assert!(matches!(first.next().await, Some(Err(BodyError::Withdrawn))), "must not look complete");
        assert_eq!(second.next().await.unwrap().unwrap(), "a");
        assert!(!lending.take_back(), "a body that was touched is gone");
        assert_eq!(second.next().await.unwrap().unwrap(), "b");
        assert!(second.next().await.is_none());
    }

    fn answer(pieces: Vec<Result<Bytes, kernel_application::BoxError>>, ends: bool) -> AnswerBody {
        let pieces = stream::iter(pieces);
        let pieces: BodyStream =
            if ends { Box::pin(pieces) } else { Box::pin(pieces.chain(stream::pending())) };
        pieces.into()
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_answer_is_held_back_and_any_other_goes_on_where_it_was() {
        let long = || Ok(Bytes::from(vec![b'x'; 40 * 1024]));
        for (pieces, ends, held) in [
            (vec![Ok("a".into()), Ok("b".into())], true, true),
            (vec![], true, true),
            (vec![long(), long(), Ok("end".into())], true, false),
            (vec![Ok("a".into())], false, false),
            (vec![Ok("a".into()), Err("broke off".into())], true, false),
        ] {
            let expected: Vec<_> = pieces.iter().map(|piece| piece.as_ref().ok().cloned()).collect();
            let back = held_back(answer(pieces, ends)).await;
            assert_eq!(back.is_ok(), held, "{expected:?}");
            let (Ok(back) | Err(back)) = back;
            let back: Vec<_> = back.into_stream().take(expected.len()).map(Result::ok).collect().await;
            assert_eq!(back, expected, "nothing is lost");
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_there_stays_as_it_is() {
        let whole = held_back(Bytes::from_static(b"abc").into()).await;
        assert!(matches!(whole, Ok(AnswerBody::Whole(whole)) if whole == "abc"));
    }

    #[tokio::test]
    async fn a_kept_body_can_be_sent_again() {
        let kept = keep(streaming(vec![Ok("a".into()), Ok("b".into())]), 2).await.unwrap();
        let lending = Lending::new(kept);
        for _ in 0..2 {
            assert!(matches!(lending.lend(), RequestBody::Whole(whole) if whole == "ab"));
            assert!(lending.take_back() && lending.is_kept());
        }
        let broken = keep(streaming(vec![Ok("a".into()), Err(BodyError::Broken)]), 2).await;
        assert!(matches!(broken, Err(BodyError::Broken)));
    }

    #[test]
    fn a_slow_client_is_told_from_a_slow_backend() {
        let silent = stream::once(async { Ok("a".into()) }).chain(stream::pending());
        let lending = Lending::new(RequestBody::Stream(Box::pin(silent)));
        let mut lent = pieces(lending.lend());
        assert!(!lending.waits_for_client(), "nobody has asked yet");
        assert!(lent.next().now_or_never().is_some());
        assert!(!lending.waits_for_client(), "the backend has not asked for more");
        assert!(lent.next().now_or_never().is_none());
        assert!(lending.waits_for_client());
    }
}
