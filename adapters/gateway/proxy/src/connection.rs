//! One connection to a backend, driven by whoever waits for it.
//!
//! There is no task behind a connection: the request polls it until the head of the answer is there, and the answer's body
//! goes on with that. So nothing is handed from one task to another, and what is read goes straight to the client.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use gateway_domain::Backend;
use http::{HeaderValue, Method, StatusCode};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use kernel_application::BoxError;
use platform_wire::{Alarm, scratch};
use tokio::{
    io::{AsyncRead, AsyncReadExt, ReadBuf},
    net::TcpStream,
    task::unconstrained,
};

use crate::{
    patience::Patience,
    pool::Pool,
    wire::{
        WireError,
        body::BodyReader,
        head::{self, Head},
        sending::{RequestHead, Sending, UpstreamBody},
    },
};

/// What connections are made over.
pub(crate) type Io = TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// The least and the most that is read of a body at once.
const PIECE: usize = 16 * 1024;
const LARGE_PIECE: usize = 256 * 1024;

/// A connection, and everything that a request over it needs to know of its backend.
pub(crate) struct Connection {
    io: Io,
    backend: Backend,
    host: HeaderValue,
    sending: Sending,
    alarm: Alarm,
    /// A head that has not come to its end; then memory for the next piece of a body.
    memory: BytesMut,
    /// What has come and was not taken.
    come: Bytes,
    /// How much of a body is read at once.
    piece: usize,
}

/// Why a request has no answer.
pub(crate) struct Unanswered {
    pub(crate) error: WireError,
    /// The request's body, where the backend has seen nothing of the request.
    pub(crate) unsent: Option<UpstreamBody>,
}

impl From<WireError> for Unanswered {
    fn from(error: WireError) -> Self {
        Self { error, unsent: None }
    }
}

impl Connection {
    pub(crate) fn over(io: Io, backend: &Backend) -> Result<Self, BoxError> {
        let host = HeaderValue::from_str(&backend.host())?;
        Ok(Self {
            io,
            backend: backend.clone(),
            host,
            sending: Sending::default(),
            alarm: Alarm::default(),
            memory: BytesMut::new(),
            come: Bytes::new(),
            piece: PIECE,
        })
    }

    pub(crate) const fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Whether it can take a request. A backend that has closed it, or says anything unasked, has ended it.
    pub(crate) fn is_open(&mut self) -> bool {
        scratch::reading(|memory| {
            let mut heard = ReadBuf::new(memory);
            let hear = poll_fn(|cx| Pin::new(&mut self.io).poll_read(cx, &mut heard));
            // A task that has used up its turn would be told that nothing has come, whatever has.
            pin!(unconstrained(hear)).poll(&mut Context::from_waker(Waker::noop())).is_pending()
        })
    }

    /// Sends the request, and waits for the head of the answer as long as there is patience.
    pub(crate) async fn send(
        mut self: Box<Self>,
        pool: &Pool,
        request: RequestHead<'_>,
        body: UpstreamBody,
        patience: &Patience,
    ) -> Result<(Head, Answer), Unanswered> {
        let mut body = Some(body);
        let is_head = request.method == Method::HEAD;
        let head = poll_fn(|cx| {
            if let Some(body) = body.take()
                && let Err((error, unsent)) =
                    self.sending.begin(Pin::new(&mut self.io), cx, (request, &self.host), body)
            {
                return Poll::Ready(Err(Unanswered { error, unsent: Some(unsent) }));
            }
            if let Poll::Ready(head) = self.poll_head(cx, is_head) {
                return Poll::Ready(head.map_err(Unanswered::from));
            }
            let late = ready!(patience.poll(cx, &mut self.alarm));
            Poll::Ready(Err(WireError::Late(late).into()))
        });
        let head = head.await?;
        let reader = BodyReader::new(head.length);
        let mut answer = Answer {
            reader,
            early: None,
            persists: head.persists,
            driven: Some(Driven { connection: self, pool: pool.clone() }),
        };
        if head.status != StatusCode::SWITCHING_PROTOCOLS {
            answer.take_early()?;
        }
        Ok((head, answer))
    }

    fn poll_head(&mut self, cx: &mut Context<'_>, is_head: bool) -> Poll<Result<Head, WireError>> {
        loop {
            self.sending.poll(Pin::new(&mut self.io), cx)?;
            let head = scratch::reading(|memory| {
                let mut read = ReadBuf::new(memory);
                ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
                Poll::Ready(self.head(read.filled(), is_head))
            });
            if let Some(head) = ready!(head)? {
                return Poll::Ready(Ok(head));
            }
        }
    }

    /// The head that ends with what has come now, and with what has come before.
    fn head(&mut self, new: &[u8], is_head: bool) -> Result<Option<Head>, WireError> {
        if new.is_empty() {
            return Err(self.sending.refusal().map_or(WireError::Closed, WireError::Broken));
        }
        let Some((head, come)) = head::read_on(&mut self.memory, new, is_head)? else { return Ok(None) };
        self.come = come;
        Ok(Some(head))
    }

    /// Reads some more behind what is in memory; how much.
    fn poll_some(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        scratch::reading(|memory| {
            let mut read = ReadBuf::new(memory);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut read))?;
            self.memory.extend_from_slice(read.filled());
            Poll::Ready(Ok(read.filled().len()))
        })
    }

    /// Reads some more of a body; how much.
    fn poll_piece(&mut self, cx: &mut Context<'_>, left: Option<u64>) -> Poll<io::Result<usize>> {
        let left = left.and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
        if left < PIECE {
            let read = ready!(self.poll_some(cx))?;
            self.come = self.memory.split().freeze();
            return Poll::Ready(Ok(read));
        }
        if self.memory.capacity() < PIECE {
            self.memory.reserve(self.piece.min(left));
        }
        let read = ready!(pin!(self.io.read_buf(&mut self.memory)).poll(cx))?;
        if self.memory.capacity() == self.memory.len() {
            self.piece = (self.piece * 2).min(LARGE_PIECE);
        }
        self.come = self.memory.split().freeze();
        Poll::Ready(Ok(read))
    }

    /// Nothing is left of the last exchange.
    fn is_ready(&self) -> bool {
        self.sending.is_done() && self.come.is_empty() && self.memory.is_empty()
    }
}

/// The body of an answer. When all of it has been read the connection goes back to the pool; before that it is closed when
/// this is dropped.
pub(crate) struct Answer {
    reader: BodyReader,
    /// A piece that was taken already.
    early: Option<Bytes>,
    persists: bool,
    /// `None` where all that there will be is in `early`.
    driven: Option<Driven>,
}

/// The connection that an answer still comes over, and where it goes afterwards.
struct Driven {
    connection: Box<Connection>,
    pool: Pool,
}

impl Answer {
    /// All of it, where it has come with its head in one piece.
    pub(crate) fn take_whole(&mut self) -> Option<Bytes> {
        if self.driven.is_some() || !self.reader.has_ended() {
            return None;
        }
        Some(self.early.take().unwrap_or_default())
    }

    /// The connection, and what has come over it behind the head.
    pub(crate) fn into_tunnel(self) -> Option<(Io, Bytes)> {
        let connection = self.driven?.connection;
        Some((connection.io, connection.come))
    }

    /// Takes what has come with the head, which is nearly always all.
    fn take_early(&mut self) -> Result<(), WireError> {
        if let Some(Driven { connection, .. }) = &mut self.driven {
            self.early = self.reader.take(&mut connection.come)?;
        }
        self.let_go_if_ended();
        Ok(())
    }

    /// Gives the connection back, or closes it where it is of no more use.
    fn let_go_if_ended(&mut self) {
        if !self.reader.has_ended() {
            return;
        }
        let Some(Driven { mut connection, pool }) = self.driven.take() else { return };
        connection.memory = BytesMut::new();
        // A backend that has answered before it had the whole request still expects the rest of it.
        if self.persists && connection.is_ready() {
            pool.keep(connection);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, WireError>>> {
        if let Some(piece) = self.early.take() {
            return Poll::Ready(Some(Ok(piece)));
        }
        loop {
            let Some(Driven { connection, .. }) = &mut self.driven else { return Poll::Ready(None) };
            connection.sending.poll(Pin::new(&mut connection.io), cx)?;
            if let Some(piece) = self.reader.take(&mut connection.come)? {
                self.let_go_if_ended();
                return Poll::Ready(Some(Ok(piece)));
            }
            if self.reader.has_ended() {
                self.let_go_if_ended();
                return Poll::Ready(None);
            }
            let read = ready!(connection.poll_piece(cx, self.reader.left()))?;
            if read == 0 && (connection.sending.was_reset() || !self.reader.close()) {
                self.driven = None;
                return Poll::Ready(Some(Err(WireError::Cut)));
            }
        }
    }
}

impl Stream for Answer {
    type Item = Result<Bytes, WireError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = ready!(self.poll(cx));
        if matches!(polled, Some(Err(_))) {
            self.driven = None;
        }
        Poll::Ready(polled)
    }
}
