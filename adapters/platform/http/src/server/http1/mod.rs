//! HTTP/1, one request after the other over a connection, read by rules that are not the server's own.
//!
//! One task has a connection: it reads, asks for the answer, and writes. [`incoming`] reads heads and bodies as the
//! [`RequestReader`] finds them, [`upload`] hands a body on while the answer is made, [`head`], [`framing`] and [`outgoing`]
//! write. A connection that waits has no memory but for what has come of a head that is not whole.

mod asks;
mod framing;
mod head;
mod incoming;
mod outgoing;
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
    web::Bytes,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, timeout},
};

use self::{
    asks::Asks,
    framing::Framing,
    head::{AnswerHead, Lines},
    incoming::{Ended, Incoming},
    outgoing::Outgoing,
    silence::Silence,
    stop::Stop,
    upload::Upload,
};
use super::{
    DISCONNECT, KEEP_ALIVE, SLOWEST_HEAD,
    lane::{Answer, Request},
    refusal::Refusals,
    site::{Reply, Site},
    stall::Stall,
};
use crate::{Follows, Problem, Refused, RequestHead, RequestReader};
use platform_wire::Alarm;

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

/// How long a body may be that goes out in one piece with its head.
const SHORT: usize = 16 * 1024;
/// How much is read of a body that nobody wants, so that the connection can go on.
const UNWANTED: usize = 64 * 1024;

impl<T: AsyncRead + AsyncWrite + Unpin> Connection<T> {
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
                Err(Ended::Refused(Refused::Body) | Ended::Closed) => return Ok(()),
                Err(Ended::Failed(failure)) => return Err(failure),
            };
            let asks = Asks::of(&head, follows);
            if asks.expects_continue {
                self.write(|out| out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n")).await?;
            }
            let (mut upload, body) = Upload::of(follows);
            let reply = {
                let answer = pin!(site.answer(Request { head, body, peer: self.peer }));
                self.asked(answer, &mut upload).await
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

    /// Waits for an answer, and hands the body of the request on as it comes.
    async fn asked<R>(&mut self, mut answer: Pin<&mut impl Future<Output = R>>, upload: &mut Upload) -> R {
        poll_fn(|cx| {
            upload.poll(&mut self.incoming, Pin::new(&mut self.io), cx);
            answer.as_mut().poll(cx)
        })
        .await
    }

    async fn answer_of_app(
        &mut self,
        asks: Asks,
        response: Response<BoxBody>,
        upload: &mut Upload,
    ) -> io::Result<bool> {
        let (response, body) = response.into_parts();
        let head = response.head();
        let head = AnswerHead { status: head.status, fields: &head.headers, persists: head.keep_alive() };
        self.answer(asks, head, pin!(body), upload).await
    }

    /// Sends an answer; whether the connection goes on.
    async fn answer<B: MessageBody>(
        &mut self,
        asks: Asks,
        mut head: AnswerHead<'_, impl Lines>,
        mut body: Pin<&mut B>,
        upload: &mut Upload,
    ) -> io::Result<bool> {
        if asks.follows == Follows::Tunnel && head.status == StatusCode::SWITCHING_PROTOCOLS {
            self.open_tunnel(head, body, upload).await?;
            return Ok(false);
        }
        let size = body.size();
        let mut framing = Framing::of(head.status, size, asks);
        head.persists &= asks.persists && framing != Framing::UntilClose && !self.stop.is_now();
        head.persists &= self.may_go_on(upload).await;
        let goes_on = head.persists;
        // As nearly all answers are: there, and short.
        let first = if framing.has_ended() { Poll::Pending } else { poll_once(body.as_mut()).await };
        match first {
            Poll::Pending if framing.has_ended() => self.write(|out| head.write(size, asks, out)).await?,
            Poll::Ready(Some(Ok(piece))) if piece.len() <= SHORT && framing.is_all(&piece) => {
                let write = |out: &mut Vec<u8>| {
                    head.write(size, asks, out);
                    out.extend_from_slice(&piece);
                };
                self.write(write).await?;
            }
            first => {
                let mut text = Vec::new();
                head.write(size, asks, &mut text);
                self.outgoing.add(&text);
                if let Poll::Ready(piece) = first {
                    framing.put(piece.transpose().map_err(cut)?, &mut self.outgoing)?;
                }
                self.send(body, framing, upload).await?;
            }
        }
        Ok(goes_on && self.may_go_on(upload).await && upload.has_ended())
    }

    /// From here on both ends say to each other what they like.
    async fn open_tunnel(
        &mut self,
        head: AnswerHead<'_, impl Lines>,
        body: Pin<&mut impl MessageBody>,
        upload: &mut Upload,
    ) -> io::Result<()> {
        let spoke = poll_fn(|cx| Poll::Ready(self.incoming.poll_word(Pin::new(&mut self.io), cx))).await;
        if spoke.is_ready() {
            let early = "nothing may follow a request for an upgrade before its answer";
            let problem = Problem::new(StatusCode::BAD_REQUEST, "malformed_request", early);
            self.outgoing.add(&self.refusals.answer(problem, self.peer));
            return self.flush().await;
        }
        self.incoming.open_tunnel();
        upload.open_tunnel();
        let mut text = Vec::new();
        head.write_switch(&mut text);
        self.outgoing.add(&text);
        self.send(body, Framing::UntilClose, upload).await
    }

    /// Sends what waits and the rest of a body, and hands on what the client sends.
    async fn send(
        &mut self,
        mut body: Pin<&mut impl MessageBody>,
        mut framing: Framing,
        upload: &mut Upload,
    ) -> io::Result<()> {
        poll_fn(|cx| {
            let Self { io, incoming, outgoing, stall, .. } = self;
            loop {
                upload.poll(incoming, Pin::new(io), cx);
                let mut waits = false;
                while !waits && !framing.has_ended() && outgoing.has_room() {
                    match body.as_mut().poll_next(cx) {
                        Poll::Ready(piece) => framing.put(piece.transpose().map_err(cut)?, outgoing)?,
                        Poll::Pending => waits = true,
                    }
                }
                ready!(outgoing.poll_flush(Pin::new(io), stall, cx))?;
                if framing.has_ended() {
                    return Poll::Ready(Ok(()));
                }
                if waits {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Writes a text.
    async fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut write = Some(write);
        let Self { io, outgoing, stall, .. } = self;
        poll_fn(|cx| {
            if let Some(write) = write.take() {
                outgoing.begin(write, Pin::new(io), cx)?;
            }
            outgoing.poll_flush(Pin::new(io), stall, cx)
        })
        .await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.write(|_| {}).await
    }

    /// Whether the body of the request stands in the way of the next one. What has come of one that nobody wants is read.
    async fn may_go_on(&mut self, upload: &mut Upload) -> bool {
        poll_fn(|cx| {
            let mut left = UNWANTED;
            while upload.is_unwanted() && left > 0 {
                match self.incoming.poll_data(Pin::new(&mut self.io), cx) {
                    Poll::Ready(Ok(Some(data))) => left = left.saturating_sub(data.len().max(1)),
                    Poll::Ready(Ok(None)) => upload.end(),
                    Poll::Ready(Err(_)) | Poll::Pending => break,
                }
            }
            Poll::Ready(!upload.is_unwanted() && !upload.is_broken())
        })
        .await
    }

    /// The last answer, to what is no request.
    async fn refuse(mut self, problem: Problem) -> io::Result<()> {
        self.outgoing.add(&self.refusals.answer(problem, self.peer));
        self.close().await
    }

    /// Closes. A client that has something on its way would lose the last answer if that was done at once.
    async fn close(mut self) -> io::Result<()> {
        self.flush().await?;
        let end = async {
            poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await?;
            poll_fn(|cx| self.incoming.poll_rest(Pin::new(&mut self.io), cx)).await;
            Ok(())
        };
        // Whatever comes of it, nobody is waited for any longer.
        timeout(DISCONNECT, end).await.unwrap_or(Ok(()))
    }
}

/// What there is of a body, without waiting for more.
async fn poll_once<B: MessageBody>(mut body: Pin<&mut B>) -> Poll<Option<Result<Bytes, B::Error>>> {
    poll_fn(|cx| Poll::Ready(body.as_mut().poll_next(cx))).await
}

/// An answer that breaks off: its connection ends with it, so that it does not look complete.
fn cut(failure: impl Into<Box<dyn std::error::Error>>) -> io::Error {
    io::Error::other(failure.into().to_string())
}
