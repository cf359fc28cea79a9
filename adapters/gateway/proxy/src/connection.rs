//! One connection to a backend, driven by whoever waits for it.
//!
//! There is no task behind a connection: the request polls it until the head of the answer is there, and the answer's body
//! goes on with that. So nothing is handed from one task to another, and what is read goes straight to the client.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use gateway_domain::Backend;
use http::{HeaderValue, Request, Response, header::HOST};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::{
        TrySendError,
        http1::{self, SendRequest},
    },
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use kernel_application::BoxError;
use tokio::{net::TcpStream, task::unconstrained};

use crate::{body::UpstreamBody, pool::Pool, relay::Relay};

/// What connections are made over.
pub(crate) type Io = MaybeHttpsStream<TokioIo<TcpStream>>;
/// hyper has no name for a connection that can become a tunnel.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection, and everything that a request over it needs to know of its backend.
pub(crate) struct Connection {
    sender: SendRequest<UpstreamBody>,
    /// `None` as soon as it has ended.
    driver: Option<Driver>,
    relay: Relay,
    backend: Backend,
    host: HeaderValue,
}

impl Connection {
    pub(crate) async fn over(io: Io, backend: &Backend) -> Result<Self, BoxError> {
        let host = HeaderValue::from_str(&backend.host())?;
        let (sender, driver) = http1::handshake(io).await?;
        let driver: Driver = Box::pin(driver.with_upgrades());
        Ok(Self { sender, driver: Some(driver), relay: Relay::default(), backend: backend.clone(), host })
    }

    /// Nobody waits for it until the next request: whatever it still hears, the last one has all that it waited for.
    pub(crate) fn rest(&self) {
        self.relay.forget();
    }

    pub(crate) const fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Whether it can take a request now. Finds out what has come since the last one: that the backend has closed it.
    pub(crate) fn is_open(&mut self) -> bool {
        self.drive(Waker::noop());
        self.is_ready()
    }

    /// Sends the request, whose target is to be in origin form, and waits for the head of the answer.
    pub(crate) async fn send(
        mut self: Box<Self>,
        pool: &Pool,
        mut request: Request<UpstreamBody>,
    ) -> Result<Response<Answer>, TrySendError<Request<UpstreamBody>>> {
        request.headers_mut().insert(HOST, self.host.clone());
        // Unconstrained, for a budget that is used up would be told to nobody.
        let mut answered = pin!(unconstrained(self.sender.try_send_request(request)));
        self.relay.has_news();
        // What it waits for comes from the driver alone, so that only the driver needs to wake anybody.
        let response = poll_fn(|cx| {
            self.drive(cx.waker());
            answered.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        });
        let (head, incoming) = response.await?.into_parts();
        // A small answer has nearly always come with its head.
        let driven = if self.is_ready() {
            pool.keep(self);
            None
        } else {
            Some(Driven { connection: self, pool: pool.clone() })
        };
        Ok(Response::from_parts(head, Answer { incoming, early: None, driven }))
    }

    /// Polls the driver, unless nothing has happened since the last time.
    fn drive(&mut self, waker: &Waker) {
        if let Some(driver) = &mut self.driver
            && self.relay.listens(waker)
            && driver.as_mut().poll(&mut self.relay.context()).is_ready()
        {
            // What went wrong is told to the request, where it is still waiting.
            self.driver = None;
        }
    }

    fn is_ready(&self) -> bool {
        self.driver.is_some() && self.sender.is_ready()
    }
}

/// The body of an answer. When all of it has been read the connection goes back to the pool; before that it is closed when
/// this is dropped.
pub(crate) struct Answer {
    incoming: Incoming,
    /// A piece that was looked at already.
    early: Option<hyper::Result<Bytes>>,
    /// `None` where all that there will be is in `incoming` already.
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
        // Nobody would hear of what is still to come.
        if self.driven.is_some() {
            return None;
        }
        if self.incoming.is_end_stream() {
            return Some(Bytes::new());
        }
        let polled = Pin::new(&mut self.incoming).poll_frame(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Some(frame)) = polled else { return None };
        // Trailers come last, and are passed on to nobody.
        let piece = match frame.map(Frame::into_data) {
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(_)) => return Some(Bytes::new()),
            Err(error) => Err(error),
        };
        match piece {
            Ok(piece) if self.incoming.is_end_stream() => Some(piece),
            piece => {
                self.early = Some(piece);
                None
            }
        }
    }

    /// Waits for the connection to become a tunnel.
    pub(crate) async fn upgraded(&mut self, mut upgrade: OnUpgrade) -> hyper::Result<Upgraded> {
        poll_fn(|cx| {
            if let Some(driven) = &mut self.driven {
                driven.connection.drive(cx.waker());
            }
            Pin::new(&mut upgrade).poll(cx)
        })
        .await
    }

    fn let_go_if_ready(&mut self) {
        if let Some(Driven { connection, pool }) = self.driven.take_if(|driven| driven.connection.is_ready())
        {
            pool.keep(connection);
        }
    }

    fn polled(&mut self, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        if let Some(piece) = self.early.take() {
            return Poll::Ready(Some(piece.map(Frame::data)));
        }
        let Some(driven) = &mut self.driven else { return Pin::new(&mut self.incoming).poll_frame(cx) };
        let mut unheard = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.incoming).poll_frame(&mut unheard) {
            Poll::Pending => {
                driven.connection.drive(cx.waker());
                Pin::new(&mut self.incoming).poll_frame(&mut unheard)
            }
            ready @ Poll::Ready(_) => ready,
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let polled = self.polled(cx);
        self.let_go_if_ready();
        if matches!(polled, Poll::Ready(None)) {
            // A backend that has answered before it had the whole request still expects the rest of it.
            self.driven = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.early.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
