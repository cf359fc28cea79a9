//! HTTP/1, one request after the other over a connection, read by rules that are not the server's own.
//!
//! One task has a connection: it reads, asks for the answer, and writes. [`incoming`] reads heads and bodies as the
//! [`RequestReader`] finds them, [`upload`] hands a body on while the answer is made, [`sending`] writes the answer, with
//! [`head`], [`framing`] and [`outgoing`], and [`closing`] ends it all. A connection that waits has no buffer, but for what
//! has come of a head that is not whole.

mod asks;
mod closing;
mod framing;
mod head;
mod incoming;
mod outgoing;
mod sending;
mod silence;
mod stop;
#[cfg(test)]
mod tests;
mod upload;

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    task::{Poll, ready},
};

use actix_http::{Request as AppRequest, Response};
use actix_service::Service;
use actix_web::{
    body::{BoxBody, MessageBody},
    http::StatusCode,
};
use platform_wire::Alarm;
use tokio::{sync::watch, time::Instant};

use self::{
    asks::Asks,
    head::AnswerHead,
    incoming::{Ended, Incoming},
    outgoing::Outgoing,
    silence::Silence,
    stop::Stop,
    upload::Upload,
};
use super::{
    KEEP_ALIVE, SLOWEST_HEAD,
    connection::Link,
    lane::{Answer, Request},
    refusal::Refusals,
    site::{Reply, Site},
    stall::Stall,
};
use crate::{Follows, Problem, Refused, RequestHead, RequestReader};

/// Tells a client that waits to send its body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A connection that speaks HTTP/1.
pub(super) struct Connection<T> {
    io: T,
    peer: Option<SocketAddr>,
    incoming: Incoming,
    outgoing: Outgoing,
    /// Between requests.
    silence: Silence,
    /// Goes off when the head of a request does not come to its end.
    alarm: Alarm,
    /// Runs while the client does not read.
    stall: Stall,
    stop: Stop,
    refusals: Refusals,
}

impl<T: Link> Connection<T> {
    /// `first` has come already.
    pub(super) fn new(
        io: T,
        (first, peer): (Vec<u8>, Option<SocketAddr>),
        reader: Box<dyn RequestReader>,
        stall: Stall,
        stopping: watch::Receiver<bool>,
        refusals: Refusals,
    ) -> Self {
        let (incoming, outgoing) = (Incoming::new(reader, &first), Outgoing::default());
        let (silence, alarm) = (Silence::new(KEEP_ALIVE), Alarm::default());
        Self { io, peer, incoming, outgoing, silence, alarm, stall, stop: Stop::new(stopping), refusals }
    }

    /// Serves until the client goes or is silent, the server stops, or something is refused.
    pub(super) async fn serve<S, B>(mut self, site: &Site<S>) -> io::Result<()>
    where
        S: Service<AppRequest>,
        S::Response: Into<Response<B>>,
        S::Error: Into<Response<BoxBody>>,
        B: MessageBody + 'static,
    {
        loop {
            let (head, follows) = match self.next().await {
                Ok(request) => request,
                Err(Ended::Refused(Refused::Request(problem))) => {
                    return Box::pin(self.refuse(problem)).await;
                }
                Err(Ended::Refused(Refused::Body) | Ended::Closed) => return Box::pin(self.leave()).await,
                Err(Ended::Failed(failure)) => return Err(failure),
            };
            let asks = Asks::of(&head, follows);
            let (mut upload, body) = Upload::of(asks);
            let reply = {
                let answer = pin!(site.answer(Request { head, body, peer: self.peer }));
                self.asked(answer, &mut upload).await?
            };
            let goes_on = match reply {
                Reply::Passage(Answer { status, fields, body }) => {
                    let head = AnswerHead { status, fields: &fields, persists: true };
                    self.answer(asks, head, pin!(body), &mut upload).await?
                }
                Reply::Application(response) => {
                    Box::pin(self.answer_of_app(asks, response, &mut upload)).await?
                }
            };
            if !goes_on {
                return Box::pin(self.close()).await;
            }
        }
    }

    /// The next request. A client that begins one has to come to the end of its head.
    async fn next(&mut self) -> Result<(Box<RequestHead>, Follows), Ended> {
        let mut begun = None;
        let Self { io, incoming, silence, alarm, stop, .. } = self;
        poll_fn(|cx| {
            if let Poll::Ready(head) = incoming.poll_head(Pin::new(io), cx) {
                silence.broken();
                return Poll::Ready(head);
            }
            // Who has asked for nothing yet is not waited for.
            if stop.has_come(cx) {
                return Poll::Ready(Err(Ended::Closed));
            }
            if !incoming.has_begun() {
                ready!(silence.poll(cx));
                return Poll::Ready(Err(Ended::Closed));
            }
            ready!(alarm.poll(cx, *begun.get_or_insert_with(Instant::now) + SLOWEST_HEAD));
            let late = Problem::bare(StatusCode::REQUEST_TIMEOUT);
            Poll::Ready(Err(Ended::Refused(Refused::Request(late))))
        })
        .await
    }

    /// Waits for an answer, and hands the body of the request on as it comes. A client that waits to be told is told once
    /// somebody wants its body: where it is refused, it keeps it.
    async fn asked<R>(
        &mut self,
        mut answer: Pin<&mut impl Future<Output = R>>,
        upload: &mut Upload,
    ) -> io::Result<R> {
        // To the end: an encrypted connection may have taken it and not have sent it.
        let mut calls = false;
        poll_fn(|cx| {
            let Self { io, incoming, outgoing, stall, .. } = self;
            upload.poll(incoming, Pin::new(io), cx);
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(Ok(answer));
            }
            if upload.is_called_for(cx) {
                outgoing.add(CONTINUE);
                calls = true;
            }
            if calls && let Poll::Ready(called) = outgoing.poll_flush(Pin::new(io), stall, cx) {
                called?;
                calls = false;
            }
            Poll::Pending
        })
        .await
    }
}
