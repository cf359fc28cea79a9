//! HTTP/2: one connection, many requests at once.
//!
//! The limits are what a client could otherwise use up: streams at once, the size of headers, resets it causes. What
//! comes out of a stream is a request like any other to the application, or to the passage.

mod exchange;
mod gather;
mod incoming;
mod recalls;
#[cfg(test)]
mod tests;

use std::{
    error::Error,
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_http::{Request as AppRequest, Response};
use actix_service::Service;
use actix_web::{
    body::{BoxBody, MessageBody},
    web::Bytes,
};
use h2::{
    Ping, PingPong, Reason, RecvStream,
    server::{Builder, Connection, SendResponse},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};

use self::{
    gather::{Gathering, Outlet, gather},
    recalls::Recalls,
};
use super::{KEEP_ALIVE, SLOWEST_HEAD, site::Site};

/// Requests at once over one connection.
const STREAMS: u32 = 128;
/// Names and values of a request's headers, with 32 bytes more for each (RFC 9113, 6.5.2).
const HEADER_LIST: u32 = 32 * 1024;
/// What a client may send ahead on one stream, and on all of them.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// What is kept of an answer until the client takes it.
const SEND_BUFFER: usize = 256 * 1024;
/// Streams that the client has taken back while nobody had looked at them yet: more are an attack.
const PENDING_RESETS: usize = 32;
/// Streams that we had to reset, because the client broke a rule: more are an attack.
const OWN_RESETS: usize = 64;
/// So many [`KEEP_ALIVE`] without a request, and the connection is closed.
const IDLE_TICKS: u32 = 4;

/// Serves until the client goes, is idle for too long, or the server stops and all requests are answered. A client may
/// leave an answer `unread` for as long.
pub(super) async fn serve<T, S, B>(
    io: T,
    site: Rc<Site<S>>,
    peer: Option<SocketAddr>,
    unread: Duration,
    mut stopping: watch::Receiver<bool>,
) -> Result<(), Box<dyn Error>>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service<AppRequest> + 'static,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let (io, outlet) = gather(io);
    let mut connection = match timeout(SLOWEST_HEAD, greet(io, &outlet)).await {
        Ok(connection) => connection?,
        Err(_) => return Ok(()),
    };
    let mut pulse = connection.ping_pong().map(Pulse::new);
    let mut ticks = interval(KEEP_ALIVE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let (open, recalls) = (Rc::new(()), Rc::<Recalls>::default());
    let mut idle = 0;
    let mut closing = false;
    loop {
        tokio::select! {
            accepted = poll_fn(|cx| turn(&mut connection, &outlet, cx)) => {
                let Some(accepted) = accepted else { return Ok(()) };
                let (request, respond) = accepted?;
                idle = 0;
                if recalls.are_too_many() {
                    // Sent by the next turns of the loop, which end with the connection.
                    connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                    continue;
                }
                let (site, open, recalls) = (Rc::clone(&site), Rc::clone(&open), Rc::clone(&recalls));
                actix_web::rt::spawn(async move {
                    recalls.note(exchange::answer(&site, request, respond, peer, unread).await);
                    drop(open);
                });
            }
            // A sender that is gone says nothing about stopping.
            Ok(_) = stopping.wait_for(|stopping| *stopping), if !closing => {
                closing = true;
                connection.graceful_shutdown();
            }
            _ = ticks.tick() => {
                idle = if Rc::strong_count(&open) == 1 { idle + 1 } else { 0 };
                if idle >= IDLE_TICKS && !closing {
                    closing = true;
                    connection.graceful_shutdown();
                }
                if pulse.as_mut().is_some_and(|pulse| !pulse.beat()) {
                    return Ok(());
                }
            }
            heard = Pulse::heard(&mut pulse) => heard?,
        }
    }
}

/// What both ends say first.
async fn greet<T>(io: Gathering<T>, outlet: &Outlet<T>) -> Result<Library<T>, Box<dyn Error>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut greeting = pin!(settings().handshake(io));
    poll_fn(|cx| {
        let greeted = greeting.as_mut().poll(cx);
        if greeted.is_pending() {
            ready!(outlet.poll_send(cx))?;
        }
        greeted.map_err(Into::into)
    })
    .await
}

/// The next request. Where there is none, all that was to be said in the meantime goes out at once.
fn turn<T>(library: &mut Library<T>, outlet: &Outlet<T>, cx: &mut Context<'_>) -> Poll<Option<Accepted>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    match library.poll_accept(cx) {
        Poll::Ready(accepted) => Poll::Ready(accepted.map(|accepted| accepted.map_err(Into::into))),
        Poll::Pending => ready!(outlet.poll_send(cx))
            .map_or_else(|failure| Poll::Ready(Some(Err(failure.into()))), |()| Poll::Pending),
    }
}

/// What speaks the protocol.
type Library<T> = Connection<Gathering<T>, Bytes>;
type Accepted = Result<(http_02::Request<RecvStream>, SendResponse<Bytes>), Box<dyn Error>>;

fn settings() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(Some(OWN_RESETS));
    builder
}

/// Tells whether the other end is still there.
struct Pulse {
    ping_pong: PingPong,
    asked: bool,
}

impl Pulse {
    fn new(ping_pong: PingPong) -> Self {
        Self { ping_pong, asked: false }
    }

    /// Asks for a sign; whether the last one came.
    fn beat(&mut self) -> bool {
        if self.asked {
            return false;
        }
        self.asked = self.ping_pong.send_ping(Ping::opaque()).is_ok();
        true
    }

    /// Resolves with each sign.
    async fn heard(pulse: &mut Option<Self>) -> Result<(), h2::Error> {
        match pulse {
            Some(pulse) if pulse.asked => {
                poll_fn(|cx| pulse.ping_pong.poll_pong(cx)).await?;
                pulse.asked = false;
                Ok(())
            }
            _ => std::future::pending().await,
        }
    }
}
