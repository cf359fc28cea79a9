//! Answers on their way to the client.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::{Poll, ready},
};

use actix_http::Response;
use actix_web::{
    body::{BoxBody, MessageBody},
    http::StatusCode,
    web::Bytes,
};
use tokio::task::unconstrained;

use super::{
    super::connection::Link,
    CONTINUE, Connection,
    asks::Asks,
    framing::Framing,
    head::{AnswerHead, Lines},
    outgoing::Outgoing,
    upload::Upload,
};
use crate::{Follows, Problem};

/// How long a body may be that goes out in one piece with its head.
pub(super) const SHORT: usize = 16 * 1024;
/// How much is read of a body that nobody wants, so that the connection can go on.
const UNWANTED: usize = 64 * 1024;

impl<T: Link> Connection<T> {
    pub(super) async fn answer_of_app(
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
    pub(super) async fn answer<B: MessageBody>(
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
        // An answer that is made of the body goes on with it: there is no other time to say so.
        let is_refusal = head.status.as_u16() >= 400;
        if !is_refusal && !framing.has_ended() && poll_fn(|cx| Poll::Ready(upload.is_called_for(cx))).await {
            self.outgoing.add(CONTINUE);
        }
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
                let ends_with_connection = framing == Framing::UntilClose;
                let sent = match first {
                    Poll::Ready(piece) => match put(&mut framing, piece, &mut self.outgoing) {
                        Ok(()) => self.send(body, framing, upload).await,
                        // Who has asked is told that there was an answer, and that it broke off.
                        Err(failure) => self.flush().await.and(Err(failure)),
                    },
                    Poll::Pending => self.send(body, framing, upload).await,
                };
                if sent.is_err() && ends_with_connection {
                    self.io.reset();
                }
                sent?;
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
        // A task that has used up its turn would be told that nothing has come, whatever has.
        let word = poll_fn(|cx| Poll::Ready(self.incoming.poll_word(Pin::new(&mut self.io), cx)));
        let spoke = unconstrained(word).await;
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
        let mut failed = None;
        poll_fn(|cx| {
            let Self { io, incoming, outgoing, stall, .. } = self;
            loop {
                upload.poll(incoming, Pin::new(io), cx);
                let mut waits = false;
                while !waits && failed.is_none() && !framing.has_ended() && outgoing.has_room() {
                    match body.as_mut().poll_next(cx) {
                        Poll::Ready(piece) => failed = put(&mut framing, piece, outgoing).err(),
                        Poll::Pending => waits = true,
                    }
                }
                ready!(outgoing.poll_flush(Pin::new(io), stall, cx))?;
                if let Some(failure) = failed.take() {
                    return Poll::Ready(Err(failure));
                }
                if framing.has_ended() {
                    return Poll::Ready(Ok(()));
                }
                if waits && upload.has_ended() {
                    return incoming.poll_gone(Pin::new(io), cx).map(Err);
                }
                if waits {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Writes a text.
    pub(super) async fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
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

    pub(super) async fn flush(&mut self) -> io::Result<()> {
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
}

/// What there is of a body, without waiting for more.
async fn poll_once<B: MessageBody>(mut body: Pin<&mut B>) -> Poll<Option<Result<Bytes, B::Error>>> {
    poll_fn(|cx| Poll::Ready(body.as_mut().poll_next(cx))).await
}

/// Takes the next piece of a body, or its end. A body that fails, or is not as long as it was said to be, is an error.
fn put<E: Into<Box<dyn std::error::Error>>>(
    framing: &mut Framing,
    piece: Option<Result<Bytes, E>>,
    out: &mut Outgoing,
) -> io::Result<()> {
    framing.put(piece.transpose().map_err(cut)?, out)
}

/// An answer that breaks off: its connection ends with it, so that it does not look complete.
fn cut(failure: impl Into<Box<dyn std::error::Error>>) -> io::Error {
    io::Error::other(failure.into().to_string())
}
