//! Connections without a network: a test has the client's end in its hand, and says who answers.

mod answers;
mod broken;
mod patience;
mod refusals;
mod requests;
mod stopping;
mod tunnels;
mod uploads;

use std::{rc::Rc, time::Duration};

use actix_web::{
    body::BodySize,
    http::{
        ConnectionType,
        header::{DATE, HeaderValue},
    },
    web::Bytes,
};
use futures_util::{
    FutureExt, Stream, StreamExt,
    future::LocalBoxFuture,
    stream::{self, LocalBoxStream},
};
use kernel_application::Fields;
use platform_identity::Authenticator;
use platform_telemetry::{HttpMetrics, Metrics, silent};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    join,
    time::timeout,
};
use utoipa::openapi::OpenApi;

use super::super::DISCONNECT;
use super::*;
use crate::{
    BodyBroken, IncomingBody, Passage, Passed, PassedAnswer, PassedBody, Passing,
    server::{edge::Edge, lane::Lane, load::Load, methods::Methods, passage::Below, tests::reader::Reader},
};

/// What most tests ask.
const GET: &str = "GET /below/a HTTP/1.1\r\nhost: a\r\n\r\n";
/// As much as is on the way where that does not matter.
pub(in crate::server) const ROOM: usize = 1024 * 1024;
/// How long a client may leave alone what is sent to it.
pub(in crate::server) const UNREAD: Duration = Duration::from_secs(20);
const SECOND: Duration = Duration::from_secs(1);

/// What answers below `/below`.
struct Scripted<F>(F);

impl<F: AsyncFn(Passing) -> PassedAnswer + 'static> Passage for Scripted<F> {
    fn pass(&self, passing: Passing) -> LocalBoxFuture<'_, Passed> {
        async { Passed { answer: Ok((self.0)(passing).await), line: None } }.boxed_local()
    }
}

/// What answers everything else. It closes the connection, or fails, where it is asked to.
pub(in crate::server) struct Application;

impl Service<AppRequest> for Application {
    type Response = Response<BoxBody>;
    type Error = Response<BoxBody>;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Self::Error>>;

    actix_service::always_ready!();

    fn call(&self, request: AppRequest) -> Self::Future {
        async move {
            let text = format!("{} {}", request.method(), request.uri());
            let mut response = Response::ok().set_body(BoxBody::new(text));
            response.headers_mut().insert(DATE, HeaderValue::from_static("today"));
            match request.path() {
                "/fails" => return Err(response),
                "/closes" => response.head_mut().set_connection_type(ConnectionType::Close),
                _ => {}
            }
            Ok(response)
        }
        .boxed_local()
    }
}

/// A server, as far as one connection needs it.
pub(in crate::server) struct Server {
    pub(in crate::server) site: Site<Application>,
    load: Load,
    refusals: Refusals,
    stopping: watch::Sender<bool>,
    pub(in crate::server) stopped: watch::Receiver<bool>,
}

impl Server {
    pub(in crate::server) fn new(answer: impl AsyncFn(Passing) -> PassedAnswer + 'static) -> Self {
        let (stopping, stopped) = watch::channel(false);
        let (metrics, load) = (HttpMetrics::new(&Metrics::new()), Load::new(8));
        let edge = Edge {
            authenticator: Authenticator::off(),
            on_rejected: None,
            around: None,
            logger: silent(),
            metrics: metrics.clone(),
            load: load.clone(),
            timeout: SECOND,
            stopping: stopped.clone(),
            encrypted: false,
        };
        let below = Below::new("/below", Rc::new(Scripted(answer)));
        let lane = Lane::new(Rc::new(edge), Rc::new(Methods::of(&OpenApi::default())), below);
        let site = Site::bare(Rc::new(Application), lane);
        Self { site, load, refusals: Refusals { metrics, logger: silent() }, stopping, stopped }
    }

    /// Serves a connection on which something has come already.
    async fn serve(&self, io: impl AsyncRead + AsyncWrite + Unpin, first: &str) -> io::Result<()> {
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

/// An answer with a length.
pub(in crate::server) fn whole(text: impl Into<Bytes>) -> PassedAnswer {
    answer_of(PassedBody::Whole(text.into()))
}

fn answer_of(body: PassedBody) -> PassedAnswer {
    PassedAnswer { status: StatusCode::OK, fields: Fields::default(), body }
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
