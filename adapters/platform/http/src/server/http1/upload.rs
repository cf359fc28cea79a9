//! The body of a request on its way to whoever answers.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use actix_web::web::Bytes;
use futures_channel::mpsc::{Receiver, Sender, channel};
use futures_util::{Stream, task::AtomicWaker};
use tokio::io::AsyncRead;

use super::{
    asks::Asks,
    incoming::{Ended, Incoming},
};
use crate::{BodyBroken, Follows, IncomingBody};

/// Hands pieces on, no faster than they are taken: one waits, and then nothing more is read.
pub(super) struct Upload {
    state: State,
    sender: Option<Sender<Piece>>,
    /// Where the client waits to be told.
    wanted: Option<Arc<Wanted>>,
}

/// Whether a body is wanted, and who waits for that.
#[derive(Default)]
struct Wanted {
    is: AtomicBool,
    waiting: AtomicWaker,
}

type Piece = Result<Bytes, BodyBroken>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// All of it was handed on, or there is none.
    Ended,
    Going,
    /// What would follow is a tunnel's, and nobody has agreed.
    Asked,
    Tunnel,
    /// Whoever answers wants no more of it.
    Unwanted,
    Broken,
}

impl Upload {
    /// That of a request, and its other end.
    pub(super) fn of(asks: Asks) -> (Self, IncomingBody) {
        let state = match asks.follows {
            Follows::Nothing => return (Self { state: State::Ended, sender: None, wanted: None }, None),
            Follows::Body => State::Going,
            Follows::Tunnel => State::Asked,
        };
        let (sender, pieces) = channel(0);
        if !asks.expects_continue {
            return (Self { state, sender: Some(sender), wanted: None }, Some(Box::pin(pieces)));
        }
        let wanted = Arc::<Wanted>::default();
        let body = Awaited { pieces, wanted: Arc::clone(&wanted) };
        (Self { state, sender: Some(sender), wanted: Some(wanted) }, Some(Box::pin(body)))
    }

    /// Whether the client is to be told that its body is wanted: true once, and never where some of it has come. The task
    /// is woken when it becomes so.
    pub(super) fn is_called_for(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(wanted) = &self.wanted else { return false };
        wanted.waiting.register(cx.waker());
        if !wanted.is.load(Ordering::Acquire) {
            return false;
        }
        self.wanted = None;
        self.sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }

    pub(super) fn open_tunnel(&mut self) {
        self.state = State::Tunnel;
    }

    /// Reads as much as is taken.
    pub(super) fn poll(
        &mut self,
        incoming: &mut Incoming,
        mut io: Pin<&mut impl AsyncRead>,
        cx: &mut Context<'_>,
    ) {
        while let (State::Going | State::Tunnel, Some(sender)) = (self.state, &mut self.sender) {
            match sender.poll_ready(cx) {
                Poll::Pending => return,
                Poll::Ready(Err(_)) => return self.stop(State::Unwanted),
                Poll::Ready(Ok(())) => {}
            }
            match incoming.poll_data(io.as_mut(), cx) {
                Poll::Pending => return,
                Poll::Ready(Ok(Some(data))) => {
                    self.wanted = None;
                    // Somebody who has gone in the meantime is noticed next time.
                    let _ = sender.start_send(Ok(data));
                    if !incoming.is_within_request() {
                        self.end();
                    }
                }
                Poll::Ready(Ok(None)) => self.end(),
                // A tunnel ends with whoever leaves first.
                Poll::Ready(Err(Ended::Closed)) if self.state == State::Tunnel => self.end(),
                Poll::Ready(Err(_)) => {
                    let _ = sender.start_send(Err(BodyBroken));
                    self.stop(State::Broken);
                }
            }
        }
    }

    /// All of it has come.
    pub(super) fn end(&mut self) {
        self.stop(State::Ended);
    }

    fn stop(&mut self, state: State) {
        self.state = state;
        (self.sender, self.wanted) = (None, None);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether nobody wants what is still to come.
    pub(super) fn is_unwanted(&self) -> bool {
        let gone = || self.sender.as_ref().is_some_and(Sender::is_closed);
        self.state == State::Unwanted || self.state == State::Going && gone()
    }

    pub(super) fn is_broken(&self) -> bool {
        self.state == State::Broken
    }
}

/// A body whose client waits: whoever looks at it wants it.
struct Awaited {
    pieces: Receiver<Piece>,
    wanted: Arc<Wanted>,
}

impl Stream for Awaited {
    type Item = Piece;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        if !self.wanted.is.swap(true, Ordering::Release) {
            self.wanted.waiting.wake();
        }
        Pin::new(&mut self.pieces).poll_next(cx)
    }
}
