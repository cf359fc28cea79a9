//! What a client gets of every shape that an answer of a backend can come in, however it is cut into writes.
//!
//! A further shape is a line in [`SHAPES`].

mod shapes;

use std::sync::Arc;

use platform_testkit::PATIENCE;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};

use self::shapes::{Framing, LEAVES, SHAPES, Shape, Wait};
use crate::{kept::read, sockets::Answer, support::Gateway};

/// A backend that answers in one shape, and says with which of its connections.
struct Backend {
    url: String,
    /// What the client has got: for each, the backend goes on once.
    got: Arc<Semaphore>,
    /// Connections that are closed.
    closed: Arc<Semaphore>,
}

impl Backend {
    async fn start(shape: &'static Shape, wait: Wait) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let backend = Self { url, got: Arc::new(Semaphore::new(0)), closed: Arc::new(Semaphore::new(0)) };
        let (got, closed) = (Arc::clone(&backend.got), Arc::clone(&backend.closed));
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((socket, _)) = listener.accept().await else { return };
                let (got, closed) = (Arc::clone(&got), Arc::clone(&closed));
                tokio::spawn(async move {
                    if serve(socket, shape, wait, number, &got).await {
                        closed.add_permits(1);
                    }
                });
            }
        });
        backend
    }
}

/// Whether it was the backend that closed the connection.
async fn serve(mut socket: TcpStream, shape: &Shape, wait: Wait, number: usize, got: &Semaphore) -> bool {
    socket.set_nodelay(true).unwrap();
    let mut writes = shape.writes(wait);
    writes[0] = writes[0].replacen("\r\n", &format!("\r\nx-connection: {number}\r\n"), 1);
    while let Some(head) = read(&mut socket).await {
        if head.contains("/health") {
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            continue;
        }
        for (at, write) in writes.iter().enumerate() {
            if at > 0 {
                got.acquire().await.unwrap().forget();
            }
            socket.write_all(write.as_bytes()).await.unwrap();
        }
        if shape.closes {
            return true;
        }
    }
    false
}

/// A client that reads an answer as strictly as it can, and lets the backend go on with each piece that it gets.
struct Client<'a> {
    socket: TcpStream,
    unread: Vec<u8>,
    got: &'a Semaphore,
}

impl<'a> Client<'a> {
    async fn of(gateway: &Gateway, backend: &'a Backend) -> Self {
        let socket = TcpStream::connect(gateway.addr()).await.unwrap();
        Self { socket, unread: Vec::new(), got: &backend.got }
    }

    async fn ask(&mut self, method: &str) -> (Answer, Framing) {
        self.got.forget_permits(usize::MAX);
        let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
        let request = format!("{method} /api/products HTTP/1.1\r\nHost: a\r\n{length}\r\n");
        self.socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = String::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                break;
            }
            head = head + &line + "\r\n";
        }
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let mut answer = Answer { status: status.unwrap(), head, body: Vec::new() };
        let framing = framing(&answer);
        if method != "HEAD" && answer.status != 304 {
            answer.body = match framing {
                Framing::Length(length) => self.take(length).await,
                Framing::Chunks => self.chunks().await,
                Framing::None => Vec::new(),
            };
        }
        (answer, framing)
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line().await, 16).unwrap();
            body.extend(self.take(length).await);
            assert_eq!(self.line().await, "", "after a chunk of {length}, and no trailer is passed on");
            if length == 0 {
                return body;
            }
        }
    }

    async fn line(&mut self) -> String {
        let end = loop {
            match self.unread.windows(2).position(|window| window == b"\r\n") {
                Some(end) => break end,
                None => self.more().await,
            }
        };
        let line = self.take(end).await;
        self.take(2).await;
        String::from_utf8(line).unwrap()
    }

    async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            self.more().await;
        }
        self.unread.drain(..length).collect()
    }

    async fn more(&mut self) {
        let read = timeout(PATIENCE, self.socket.read_buf(&mut self.unread)).await;
        let unread = String::from_utf8_lossy(&self.unread);
        assert!(matches!(read, Ok(Ok(1..))), "{read:?} after {unread:?}");
        self.got.add_permits(1);
    }

    /// What has come beyond the answers.
    async fn rest(mut self) -> String {
        self.socket.shutdown().await.unwrap();
        timeout(PATIENCE, self.socket.read_to_end(&mut self.unread)).await.unwrap().unwrap();
        String::from_utf8_lossy(&self.unread).into_owned()
    }
}

/// What the head says, which must not say two things.
fn framing(answer: &Answer) -> Framing {
    let known = ["content-length", "transfer-encoding"];
    let fields = answer.head.lines().filter_map(|line| line.split_once(':'));
    let saying = fields.filter(|(name, _)| known.iter().any(|known| known.eq_ignore_ascii_case(name)));
    assert!(saying.count() <= 1, "{answer:?}");
    match (answer.header("content-length"), answer.header("transfer-encoding")) {
        (Some(length), _) => Framing::Length(length.parse().unwrap()),
        (_, Some(encoding)) => {
            assert_eq!(encoding, "chunked");
            Framing::Chunks
        }
        _ => Framing::None,
    }
}

/// Without probes, which would ask beside the client.
const QUIET: (&str, &str) = ("HEALTH_CHECK_INTERVAL", "1h");

/// Asks twice over one connection, and gets the same exact answer twice.
async fn is_passed_on(shape: &'static Shape, wait: Wait) {
    let name = format!("one that {}, where it is waited {wait:?}", shape.name);
    let backend = Backend::start(shape, wait).await;
    let gateway = Gateway::before(&backend.url, &[QUIET]).await;
    let mut client = Client::of(&gateway, &backend).await;
    let mut connections = Vec::new();
    for _ in 0..2 {
        let (answer, framing) = client.ask(shape.method).await;
        assert_eq!((answer.status, framing), (shape.status, shape.framing), "{name}: {answer:?}");
        assert_eq!(String::from_utf8_lossy(&answer.body), shape.body, "{name}");
        connections.push(answer.header("x-connection").unwrap().to_owned());
    }
    assert_eq!(client.rest().await, "", "{name}");
    let again = connections[0] == connections[1];
    assert_eq!(again, !shape.closes, "{name} frees its connection, unless that is closed");
}

#[tokio::test]
async fn an_answer_that_comes_at_once_is_passed_on_as_it_is() {
    for shape in SHAPES {
        is_passed_on(shape, Wait::Nowhere).await;
    }
}

#[tokio::test]
async fn an_answer_whose_head_comes_first_is_passed_on_as_it_is() {
    for shape in SHAPES {
        is_passed_on(shape, Wait::AfterTheHead).await;
    }
}

#[tokio::test]
async fn an_answer_whose_end_is_late_is_passed_on_as_it_is() {
    for shape in SHAPES {
        is_passed_on(shape, Wait::BeforeTheEnd).await;
    }
}

#[tokio::test]
async fn an_answer_that_comes_piece_by_piece_is_passed_on_as_it_is() {
    for shape in SHAPES {
        is_passed_on(shape, Wait::BeforeEachPiece).await;
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_while_it_was_kept_is_replaced() {
    let backend = Backend::start(&LEAVES, Wait::BeforeTheEnd).await;
    let gateway = Gateway::before(&backend.url, &[QUIET]).await;
    let mut client = Client::of(&gateway, &backend).await;
    let mut connections = Vec::new();
    // The last one is not repeated: it has not been sent over a closed connection at all.
    for method in ["GET", "GET", "POST"] {
        let (answer, _) = client.ask(method).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, LEAVES.body.as_bytes()), "{method}");
        connections.push(answer.header("x-connection").unwrap().to_owned());
        timeout(PATIENCE, backend.closed.acquire()).await.unwrap().unwrap().forget();
    }
    connections.dedup();
    assert_eq!(connections.len(), 3, "each over its own");
    let metrics = gateway.metrics().await;
    assert!(!metrics.contains("gateway_upstream_errors_total{"), "{metrics}");
}
