//! A request on its way to a backend.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::stream::BoxStream;
use gateway_application::{BodyError, Fields, RequestBody};
use http::{HeaderValue, Method};
use platform_wire::scratch;
use tokio::io::AsyncWrite;

use super::WireError;
use crate::{headers::ToBackend, pulse::Pulse};

/// The head of a request.
#[derive(Clone, Copy)]
pub(crate) struct RequestHead<'a> {
    pub(crate) method: &'a Method,
    /// Path and query.
    pub(crate) target: &'a str,
    /// The client's headers, where a client asks.
    pub(crate) headers: Option<ToBackend<'a>>,
}

/// A request's body, with what beats for each piece that the backend has taken.
pub(crate) struct UpstreamBody {
    body: RequestBody,
    pulse: Option<Pulse>,
}

impl UpstreamBody {
    pub(crate) const EMPTY: Self = Self { body: RequestBody::Empty, pulse: None };

    /// A body, and its pulse, where it comes in pieces.
    pub(crate) fn new(body: RequestBody) -> (Self, Option<Pulse>) {
        let pulse = matches!(body, RequestBody::Stream(_)).then(Pulse::new);
        (Self { body, pulse: pulse.clone() }, pulse)
    }
}

/// What of a request is still to be sent.
#[derive(Default)]
pub(crate) struct Sending {
    /// Written as soon as the connection takes it.
    waiting: BytesMut,
    pieces: Option<Pieces>,
    /// Whether the connection keeps something back.
    unflushed: bool,
    /// Why the backend takes no more of it. It may have answered before.
    refused: Option<io::Error>,
}

/// A body that comes in pieces.
struct Pieces {
    stream: BoxStream<'static, Result<Bytes, BodyError>>,
    /// What is left of its length; `None` where it goes in chunks.
    left: Option<u64>,
    pulse: Option<Pulse>,
}

impl Sending {
    /// Begins a request: writes its head, and all of its body that is there. Gives the body back where nothing at all could
    /// be written.
    pub(crate) fn begin(
        &mut self,
        mut io: Pin<&mut (impl AsyncWrite + ?Sized)>,
        cx: &mut Context<'_>,
        (head, host): (RequestHead<'_>, &HeaderValue),
        body: UpstreamBody,
    ) -> Result<(), (WireError, UpstreamBody)> {
        let written = scratch::writing(|text| {
            let length = Length::of(head, &body.body);
            head.write(text, host, length);
            if let RequestBody::Whole(whole) = &body.body {
                text.extend_from_slice(whole);
            }
            let written = match io.as_mut().poll_write(cx, text) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(written)) => written,
                Poll::Pending => 0,
                Poll::Ready(Err(error)) => return Err(error),
            };
            self.waiting.extend_from_slice(text.get(written..).unwrap_or_default());
            Ok(length)
        });
        let length = match written {
            Ok(length) => length,
            Err(error) => return Err((WireError::Broken(error), body)),
        };
        self.unflushed = true;
        let UpstreamBody { body, pulse } = body;
        if let RequestBody::Stream(stream) = body {
            let left = if let Length::Known(length) = length { Some(length) } else { None };
            self.pieces = Some(Pieces { stream, left, pulse });
        }
        Ok(())
    }

    /// Sends on, as far as that goes now. Fails where the client's body does.
    pub(crate) fn poll(
        &mut self,
        mut io: Pin<&mut (impl AsyncWrite + ?Sized)>,
        cx: &mut Context<'_>,
    ) -> Result<(), BodyError> {
        while self.is_needed() {
            if let Poll::Ready(Err(error)) = self.poll_write(io.as_mut(), cx) {
                *self = Self { refused: Some(error), ..Self::default() };
                return Ok(());
            }
            let Some(pieces) = self.pieces.as_mut().filter(|_| self.waiting.is_empty()) else {
                return Ok(());
            };
            let Poll::Ready(piece) = pieces.stream.as_mut().poll_next(cx) else { return Ok(()) };
            if let Some(pulse) = &pieces.pulse {
                pulse.beat();
            }
            let ended = piece.is_none();
            pieces.write(piece.transpose()?, &mut self.waiting)?;
            self.unflushed = true;
            if ended {
                self.pieces = None;
            }
        }
        Ok(())
    }

    /// Whether anything is left to be done.
    pub(crate) const fn is_needed(&self) -> bool {
        self.unflushed || self.pieces.is_some()
    }

    /// Whether the backend has had all of the request.
    pub(crate) const fn is_done(&self) -> bool {
        !self.is_needed() && self.refused.is_none()
    }

    /// Why the backend took no more.
    pub(crate) const fn refusal(&mut self) -> Option<io::Error> {
        self.refused.take()
    }

    /// Whether it was the backend that broke the connection, and had not ended its answer before. Who reads is not told
    /// that once who writes has been.
    pub(crate) fn was_reset(&self) -> bool {
        // After its end a connection that breaks is a broken pipe.
        self.refused.as_ref().is_some_and(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }

    fn poll_write(
        &mut self,
        mut io: Pin<&mut (impl AsyncWrite + ?Sized)>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            match ready!(io.as_mut().poll_write(cx, &self.waiting))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.waiting.advance(written),
            }
        }
        // The memory of what was written is not kept while the connection waits.
        drop(mem::take(&mut self.waiting));
        if self.unflushed {
            ready!(io.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl Pieces {
    /// Writes another piece, or the end, as the length has it. A body that is not as long as it was said to be is broken.
    fn write(&mut self, piece: Option<Bytes>, to: &mut BytesMut) -> Result<(), BodyError> {
        let length = piece.as_ref().map_or(0, Bytes::len);
        match (piece, &mut self.left) {
            (Some(_), _) if length == 0 => {}
            (Some(piece), Some(left)) => {
                let length = u64::try_from(length).unwrap_or(u64::MAX);
                *left = left.checked_sub(length).ok_or(BodyError::Broken)?;
                to.extend_from_slice(&piece);
            }
            (Some(piece), None) => {
                to.extend_from_slice(format!("{length:X}\r\n").as_bytes());
                to.extend_from_slice(&piece);
                to.extend_from_slice(b"\r\n");
            }
            (None, Some(0)) => {}
            (None, Some(_)) => return Err(BodyError::Broken),
            (None, None) => to.extend_from_slice(b"0\r\n\r\n"),
        }
        Ok(())
    }
}

/// How the length of a request's body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// Not at all: there is none, and nobody expects one.
    None,
    Known(u64),
    Chunked,
}

impl Length {
    fn of(head: RequestHead<'_>, body: &RequestBody) -> Self {
        let announced = || head.headers.and_then(|headers| announced(&headers.request.headers));
        match body {
            RequestBody::Empty if announced().is_some() => Self::Known(0),
            RequestBody::Empty if matches!(*head.method, Method::POST | Method::PUT | Method::PATCH) => {
                Self::Known(0)
            }
            RequestBody::Empty => Self::None,
            RequestBody::Whole(whole) => Self::Known(u64::try_from(whole.len()).unwrap_or(u64::MAX)),
            RequestBody::Stream(_) => announced().map_or(Self::Chunked, Self::Known),
        }
    }
}

fn announced(headers: &Fields) -> Option<u64> {
    headers.text("content-length")?.parse().ok()
}

impl RequestHead<'_> {
    fn write(&self, text: &mut Vec<u8>, host: &HeaderValue, length: Length) {
        for part in [self.method.as_str(), " ", self.target, " HTTP/1.1\r\nhost: "] {
            text.extend_from_slice(part.as_bytes());
        }
        text.extend_from_slice(host.as_bytes());
        text.extend_from_slice(b"\r\n");
        match length {
            Length::None => {}
            Length::Known(length) => {
                text.extend_from_slice(b"content-length: ");
                text.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
                text.extend_from_slice(b"\r\n");
            }
            Length::Chunked => text.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        }
        if let Some(headers) = &self.headers {
            headers.write(text);
        }
        text.extend_from_slice(b"\r\n");
    }
}
