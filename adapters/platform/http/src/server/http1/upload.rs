//! The body of a request on its way to whoever answers.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::web::Bytes;
use futures_channel::mpsc::{Sender, channel};
use tokio::io::AsyncRead;

use super::incoming::{Ended, Incoming};
use crate::{BodyBroken, Follows, IncomingBody};

/// Hands pieces on, no faster than they are taken: one waits, and then nothing more is read.
pub(super) struct Upload {
    state: State,
    sender: Option<Sender<Result<Bytes, BodyBroken>>>,
}

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
    pub(super) fn of(follows: Follows) -> (Self, IncomingBody) {
        let state = match follows {
            Follows::Nothing => return (Self { state: State::Ended, sender: None }, None),
            Follows::Body => State::Going,
            Follows::Tunnel => State::Asked,
        };
        let (sender, receiver) = channel(0);
        (Self { state, sender: Some(sender) }, Some(Box::pin(receiver)))
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
        self.sender = None;
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
