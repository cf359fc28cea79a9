//! Web sockets: a tunnel once the backend has agreed, and nothing before.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use platform_runtime::Outcome;
use platform_testkit::{PATIENCE, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use crate::{
    sockets::{answers, exchange},
    support::{Backend, Gateway, json},
};

pub(crate) const HANDSHAKE: &str = "GET /api/notifications/socket HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive, Upgrade\r\n\
                         Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
pub(crate) const AGREED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A backend that answers each handshake with `answer`, and says back in capitals what it hears then.
pub(crate) struct Peer {
    addr: SocketAddr,
    handshakes: Arc<AtomicUsize>,
    /// The heads that arrived, and the ends of tunnels as empty texts.
    heard: mpsc::UnboundedReceiver<String>,
}

impl Peer {
    pub(crate) async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let handshakes = Arc::new(AtomicUsize::new(0));
        let (tell, heard) = mpsc::unbounded_channel();
        let counter = Arc::clone(&handshakes);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, answer, Arc::clone(&counter), tell.clone()));
            }
        });
        Self { addr, handshakes, heard }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) async fn hears(&mut self) -> String {
        timeout(PATIENCE, self.heard.recv()).await.unwrap().unwrap()
    }
}

async fn serve(
    mut socket: TcpStream,
    answer: &'static str,
    handshakes: Arc<AtomicUsize>,
    tell: mpsc::UnboundedSender<String>,
) {
    loop {
        let Some(head) = head(&mut socket).await else { return };
        if head.starts_with("GET /health") {
            if socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.is_err() {
                return;
            }
            continue;
        }
        handshakes.fetch_add(1, Ordering::SeqCst);
        tell.send(head).unwrap();
        if answer.is_empty() || socket.write_all(answer.as_bytes()).await.is_err() || answer != AGREED {
            return;
        }
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = socket.read(&mut bytes).await {
            bytes[..length].make_ascii_uppercase();
            if socket.write_all(&bytes[..length]).await.is_err() {
                break;
            }
        }
        let _ = tell.send(String::new());
        return;
    }
}

/// Reads byte by byte, so that nothing of a tunnel is taken with it.
pub(crate) async fn head(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(socket.read_u8().await.ok()?);
    }
    String::from_utf8(bytes).ok()
}

async fn open(gateway: &Gateway) -> (TcpStream, String) {
    let mut socket = TcpStream::connect(gateway.addr()).await.unwrap();
    socket.write_all(HANDSHAKE.as_bytes()).await.unwrap();
    let head = timeout(PATIENCE, head(&mut socket)).await.unwrap().unwrap();
    (socket, head)
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_until_one_side_ends() {
    let mut peer = Peer::start(AGREED).await;
    let gateway = Gateway::before(&peer.url(), &[]).await;
    let (mut socket, head) = open(&gateway).await;
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    for field in [
        "connection: upgrade\r\n",
        "upgrade: websocket\r\n",
        "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n",
    ] {
        assert!(head.contains(field), "{head}");
    }
    assert!(!head.contains("transfer-encoding") && !head.contains("content-length"), "{head}");
    let asked = peer.hears().await.to_ascii_lowercase();
    assert!(asked.starts_with("get /notifications/socket http/1.1\r\n"), "{asked}");
    for field in [
        "connection: upgrade\r\n",
        "upgrade: websocket\r\n",
        "sec-websocket-key: ",
        "sec-websocket-version: 13\r\n",
        "x-forwarded-host: shop.example\r\n",
    ] {
        assert!(asked.contains(field), "{asked}");
    }
    // More than all buffers on the way hold: nobody reads while nobody writes.
    let long = vec![b'a'; 4 * 1024 * 1024];
    let (mut reading, mut writing) = socket.split();
    let mut back = vec![0; long.len()];
    let (written, read) =
        tokio::join!(writing.write_all(&long), timeout(PATIENCE, reading.read_exact(&mut back)));
    written.unwrap();
    read.unwrap().unwrap();
    assert!(back.iter().all(|byte| *byte == b'A'));
    socket.write_all(b"GET / HTTP/1.1\n\n\0").await.unwrap();
    let mut echoed = [0; 17];
    timeout(PATIENCE, socket.read_exact(&mut echoed)).await.unwrap().unwrap();
    assert_eq!(&echoed, b"GET / HTTP/1.1\n\n\0");
    drop(socket);
    assert_eq!(peer.hears().await, "", "the backend sees the end");
}

#[tokio::test]
async fn nothing_passes_before_the_backend_agrees() {
    let mut peer = Peer::start("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno").await;
    let gateway = Gateway::before(&peer.url(), &[]).await;
    // Together with the handshake it is refused; later it would be the tunnel's, and there is none.
    let smuggled = format!("{HANDSHAKE}GET /api/products HTTP/1.1\r\nHost: a\r\n\r\n");
    let refused = exchange(gateway.addr(), &[smuggled.as_bytes()], false).await;
    assert_eq!((refused.len(), refused[0].status), (1, 400));
    assert_eq!(peer.handshakes.load(Ordering::SeqCst), 0);
    let (mut socket, head) = open(&gateway).await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    assert!(peer.hears().await.starts_with("GET /notifications/socket"));
    let _ = socket.write_all(b"GET /api/products HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, socket.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest, b"no", "the connection ends with the answer");
    assert_eq!(peer.handshakes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_handshake_is_sent_once() {
    let (one, two) = (Peer::start("").await, Peer::start("").await);
    let gateway = Gateway::before(&format!("{},{}", one.url(), two.url()), &[]).await;
    let (_, head) = open(&gateway).await;
    assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
    assert_eq!(one.handshakes.load(Ordering::SeqCst) + two.handshakes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn other_upgrades_are_not_passed_on() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    for (version, upgrade, connection) in [
        ("1.1", "h2c", "upgrade"),
        ("1.1", "websocket, h2c", "upgrade"),
        ("1.1", "websocket", "keep-alive"),
        ("1.0", "websocket", "upgrade"),
    ] {
        let bytes = format!(
            "GET /api/products HTTP/{version}\r\nHost: a\r\nConnection: {connection}\r\nUpgrade: {upgrade}\r\n\r\n"
        );
        let answers = exchange(gateway.addr(), &[bytes.as_bytes()], true).await;
        assert_eq!((answers.len(), answers[0].status), (1, 200), "{upgrade}");
        let seen: serde_json::Value = serde_json::from_slice(&answers[0].body).unwrap();
        assert!(
            seen["headers"].get("upgrade").is_none() && seen["headers"].get("connection").is_none(),
            "{seen}"
        );
    }
}

#[tokio::test]
async fn a_switch_that_nobody_asked_for_is_no_answer() {
    let peer = Peer::start(AGREED).await;
    let gateway = Gateway::before(&peer.url(), &[("RETRY_ENABLED", "false")]).await;
    let (status, problem) = json(gateway.get("/api/products").await).await;
    assert_eq!((status, problem["code"].as_str()), (502, Some("bad_backend_answer")));
}

#[tokio::test]
async fn an_open_tunnel_takes_a_place() {
    let peer = Peer::start(AGREED).await;
    let limits = [("UPSTREAM_MAX_IN_FLIGHT", "1"), ("UPSTREAM_MAX_WAITING", "0")];
    let gateway = Gateway::before(&peer.url(), &limits).await;
    let (socket, head) = open(&gateway).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let (status, problem) = json(gateway.get("/api/notifications/1").await).await;
    assert_eq!((status, problem["code"].as_str()), (503, Some("overloaded")));
    drop(socket);
    let free = async || open(&gateway).await.1.starts_with("HTTP/1.1 101 ").then_some(());
    eventually(PATIENCE, free).await.unwrap();
}

#[tokio::test]
async fn tunnels_end_with_the_server() {
    let mut peer = Peer::start(AGREED).await;
    let gateway = Gateway::before(&peer.url(), &[]).await;
    let (mut socket, _) = open(&gateway).await;
    peer.hears().await;
    let mut rest = Vec::new();
    let (outcome, read) = tokio::join!(gateway.stop(), timeout(PATIENCE, socket.read_to_end(&mut rest)));
    assert_eq!(outcome, Outcome::Clean);
    read.unwrap().unwrap();
    assert!(answers(&rest).is_empty());
    assert_eq!(peer.hears().await, "");
}
