//! Exchanges over a pool with backends that a test speaks for itself, byte by byte.

mod answered_early;
mod broken;
mod cut;
mod flushed;
mod kept;
mod large;
mod tunnelled;
mod written;

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use gateway_application::{BodyError, Fields, RequestBody};
use gateway_domain::Backend;
use http::Method;
use platform_tls::{ClientFiles, ClientTls};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::yield_now,
    time::{Instant, timeout},
};

use crate::{
    Pool, Timeouts,
    connection::Answer,
    patience::Patience,
    pool::Failure,
    wire::{
        head::Head,
        sending::{RequestHead, UpstreamBody},
    },
};

/// Nothing here takes as long, unless it hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// What may be had until the deadline.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(DEADLINE, future).await.unwrap()
}

fn patience() -> Patience {
    Patience::new(DEADLINE, Instant::now(), None, None)
}

/// A backend, and a pool of connections to it.
struct Shop {
    listener: TcpListener,
    pool: Pool,
    backend: Backend,
}

impl Shop {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let backend = Backend::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let timeouts = Timeouts { connect: DEADLINE, first_byte: DEADLINE, whole: DEADLINE };
        let pool = Pool::new(timeouts, ClientTls::load(ClientFiles::default()).unwrap());
        Self { listener, pool, backend }
    }

    /// The backend's end of the next connection.
    async fn accept(&self) -> Peer {
        let (socket, _) = soon(self.listener.accept()).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Peer { socket, unread: Vec::new() }
    }

    /// Sends what may not be sent twice.
    async fn send(&self, method: &Method, body: RequestBody) -> Result<(Head, Answer), Failure> {
        let (head, patience) = (RequestHead { method, target: "/", headers: None }, patience());
        soon(self.pool.send(&self.backend, head, UpstreamBody::new(body).0, None, &patience)).await
    }

    async fn ask(&self, method: &Method, body: RequestBody) -> Result<Got, Failure> {
        let (head, answer) = self.send(method, body).await?;
        Ok(read(head, answer).await)
    }

    async fn get(&self) -> Result<Got, Failure> {
        self.ask(&Method::GET, RequestBody::Empty).await
    }

    /// Sends what may be sent twice.
    async fn get_or_again(&self) -> Result<Got, Failure> {
        let request = RequestHead { method: &Method::GET, target: "/", headers: None };
        let (again, patience) = (Some(UpstreamBody::EMPTY), patience());
        let sent = self.pool.send(&self.backend, request, UpstreamBody::EMPTY, again, &patience);
        let (head, answer) = soon(sent).await?;
        Ok(read(head, answer).await)
    }
}

/// A whole answer.
#[derive(Debug, PartialEq, Eq)]
struct Got {
    status: u16,
    headers: Fields,
    /// `None` where it broke off.
    body: Option<Vec<u8>>,
}

impl Got {
    /// Status, and body as a text.
    fn shown(&self) -> (u16, Option<&str>) {
        (self.status, self.body.as_deref().map(|body| std::str::from_utf8(body).unwrap()))
    }
}

async fn read(head: Head, mut answer: Answer) -> Got {
    let mut body = Some(Vec::new());
    if let Some(whole) = answer.take_whole() {
        body = Some(whole.to_vec());
    } else {
        while let Some(piece) = soon(answer.next()).await {
            match (piece, &mut body) {
                (Ok(piece), Some(body)) => body.extend_from_slice(&piece),
                _ => body = None,
            }
        }
    }
    Got { status: head.status.as_u16(), headers: head.headers, body }
}

/// A backend's end of a connection.
struct Peer {
    socket: TcpStream,
    unread: Vec<u8>,
}

impl Peer {
    async fn write(&mut self, text: impl AsRef<[u8]>) {
        soon(self.socket.write_all(text.as_ref())).await.unwrap();
    }

    /// Writes each part for itself, once the one before it can have been read.
    async fn write_parts<'a>(&mut self, parts: impl IntoIterator<Item = &'a [u8]>) {
        for part in parts {
            self.write(part).await;
            settle().await;
        }
    }

    /// The next request's head; `None` where the connection has been closed.
    async fn head(&mut self) -> Option<String> {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if !self.more().await {
                return None;
            }
        };
        Some(String::from_utf8(self.take(end).await).unwrap())
    }

    async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            assert!(self.more().await, "closed after {} of {length} bytes", self.unread.len());
        }
        self.unread.drain(..length).collect()
    }

    /// Whether the other side has closed the connection, and has said nothing more before.
    async fn was_left(mut self) -> bool {
        !self.more().await && self.unread.is_empty()
    }

    async fn more(&mut self) -> bool {
        soon(self.socket.read_buf(&mut self.unread)).await.unwrap_or(0) > 0
    }
}

/// Lets everything else go on, as far as it can with what has come until now.
async fn settle() {
    for _ in 0..4 {
        yield_now().await;
    }
}

/// A body that the test says piece by piece; it ends when the sender is dropped.
fn said() -> (mpsc::Sender<Result<Bytes, BodyError>>, RequestBody) {
    let (sender, mut receiver) = mpsc::channel(1);
    let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
    (sender, RequestBody::Stream(Box::pin(stream)))
}

/// A body that comes in these pieces.
fn pieces(pieces: impl IntoIterator<Item = &'static [u8], IntoIter: Send + 'static>) -> RequestBody {
    let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from_static(piece)));
    RequestBody::Stream(Box::pin(futures_util::stream::iter(pieces)))
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
