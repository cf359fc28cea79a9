//! Connections without a network: a test has the client's end in its hand, and says who answers.

mod answers;
mod broken;
mod expectations;
mod patience;
mod refusals;
mod requests;
mod stopping;
mod tunnels;
mod uploads;

use std::{rc::Rc, time::Duration};

use actix_web::{body::BodySize, web::Bytes};
use futures_util::{
    Stream, StreamExt,
    stream::{self, LocalBoxStream},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex},
    join,
    time::timeout,
};

use super::super::DISCONNECT;
use super::*;
use crate::{
    BodyBroken, IncomingBody, PassedAnswer, PassedBody, Passing,
    server::tests::{
        bare::{ROOM, Server, UNREAD, answer_of, whole},
        reader::Reader,
    },
};

/// What most tests ask.
const GET: &str = "GET /below/a HTTP/1.1\r\nhost: a\r\n\r\n";
const SECOND: Duration = Duration::from_secs(1);

impl Server {
    /// Serves a connection on which something has come already.
    async fn serve(&self, io: impl Link, first: &str) -> io::Result<()> {
        let (first, stall) = (first.as_bytes().to_vec(), Stall::new(UNREAD, self.load.clone()));
        let (stopping, refusals) = (self.stopped.clone(), self.refusals.clone());
        let reader = Box::<Reader>::default();
        let connection = Connection::new(io, (first, None), reader, stall, stopping, refusals);
        connection.serve::<_, BoxBody>(&self.site).await
    }

    /// Serves a connection that has `room` for so many bytes on the way, until it is over.
    async fn talk<R>(&self, room: usize, client: impl AsyncFnOnce(DuplexStream) -> R) -> (R, io::Result<()>) {
        let (end, io) = duplex(room);
        within(async { join!(client(end), self.serve(io, "")) }).await
    }

    /// What comes back for all that a client sends, before the connection is over.
    async fn ask(&self, sent: &str) -> String {
        let ask = async |mut client: DuplexStream| {
            send(&mut client, sent).await;
            client.shutdown().await.unwrap();
            rest(&mut client).await
        };
        let (answer, outcome) = self.talk(ROOM, ask).await;
        outcome.unwrap();
        answer
    }

    fn stop(&self) {
        self.stopping.send_replace(true);
    }
}

impl Link for DuplexStream {
    fn reset(&self) {}
}

/// What never ends shows as a failure: the clock is not a real one.
async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(3600 * SECOND, future).await.unwrap()
}

/// Until nobody has anything to do: the clock goes on only then.
async fn quiet() {
    let _ = timeout(SECOND / 1000, std::future::pending::<()>()).await;
}

async fn send(client: &mut (impl AsyncWrite + Unpin), text: &str) {
    client.write_all(text.as_bytes()).await.unwrap();
}

/// What has come, once nothing more does.
async fn heard(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut come = Vec::new();
    while let Ok(Ok(1..)) = timeout(SECOND / 1000, client.read_buf(&mut come)).await {}
    plain(&come)
}

/// All that comes until the server has closed the connection.
async fn rest(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut come = Vec::new();
    client.read_to_end(&mut come).await.unwrap();
    plain(&come)
}

/// Without the fields that every answer has.
fn plain(come: &[u8]) -> String {
    const EVERY: [&str; 5] =
        ["date: ", "x-request-id: ", "traceparent: ", "x-content-type-options: ", "cache-control: "];
    let lines = std::str::from_utf8(come).unwrap().split_inclusive("\r\n");
    lines.filter(|line| !EVERY.iter().any(|name| line.starts_with(name))).collect()
}

/// A body that announces a size and has these pieces, whatever they are.
struct Pieces {
    size: BodySize,
    pieces: LocalBoxStream<'static, io::Result<Bytes>>,
}

impl MessageBody for Pieces {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        self.pieces.poll_next_unpin(cx)
    }
}

fn pieces(size: BodySize, pieces: impl Stream<Item = io::Result<Bytes>> + 'static) -> PassedAnswer {
    answer_of(PassedBody::stream(Pieces { size, pieces: pieces.boxed_local() }))
}

/// The same, with a second before each piece, or before it [fails](FAILS).
fn slowly(size: BodySize, texts: &'static [&'static str]) -> PassedAnswer {
    let piece = |text: &&'static str| match *text {
        FAILS => Err(io::Error::other("it is gone")),
        text => Ok(Bytes::from_static(text.as_bytes())),
    };
    let waits = async |piece| {
        tokio::time::sleep(SECOND).await;
        piece
    };
    pieces(size, stream::iter(texts.iter().map(piece)).then(waits))
}

/// A piece that does not come.
const FAILS: &str = "FAILS";

/// All of a body.
async fn taken(body: IncomingBody) -> Result<Vec<u8>, BodyBroken> {
    let mut all = Vec::new();
    let mut body = body.unwrap_or_else(|| stream::empty().boxed());
    while let Some(piece) = body.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}

/// Answers with what was asked.
fn echo() -> Server {
    Server::new(async |Passing { head, body, .. }| {
        let body = taken(body).await.map_or("broke off".into(), |body| String::from_utf8(body).unwrap());
        whole(format!("{} {} {body}", head.method, head.target))
    })
}

/// How an answer to go on looks.
fn ok(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len())
}

/// The last one.
fn last(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len())
}

/// A task carries it about whether it does anything or not: thousands of them are to fit into a processor's cache.
#[test]
fn a_connection_is_small() {
    let server = Server::new(async |_| unreachable!("nobody asks"));
    let (_, io) = duplex(1);
    let (stall, reader) = (Stall::new(UNREAD, server.load.clone()), Box::<Reader>::default());
    let (stopping, refusals) = (server.stopped.clone(), server.refusals.clone());
    let connection = Connection::new(io, (Vec::new(), None), reader, stall, stopping, refusals);
    let size = size_of_val(&connection.serve::<_, BoxBody>(&server.site));
    assert!(size <= 2_560, "{size} bytes");
}
