//! Backends that misbehave, and the other routes beside them.
//!
//! A further way to misbehave is a script, and a line in the test of its kind.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use crate::support::{Backend, Gateway, bytes};
use futures_util::future::join_all;
use http_body_util::BodyExt;
use platform_testkit::{PATIENCE, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

type Script = fn(TcpStream) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Reads a head and then follows the script, for each connection.
async fn scripted(script: Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4_096];
                let _ = socket.read(&mut head).await;
                script(socket).await;
            });
        }
    });
    url
}

async fn write(mut socket: TcpStream, answer: &'static str) {
    let _ = socket.write_all(answer.as_bytes()).await;
}

/// Writes, and says no more.
async fn fall_silent(mut socket: TcpStream, answer: &'static str) {
    let _ = socket.write_all(answer.as_bytes()).await;
    std::future::pending::<()>().await;
}

/// Writes, and has forgotten everything when the other side acknowledges it.
async fn reset(mut socket: TcpStream, answer: &'static str) {
    let _ = socket.write_all(answer.as_bytes()).await;
    let _ = socket.set_zero_linger();
}

/// Writes for as long as anybody listens, a piece at a time.
async fn trickle(mut socket: TcpStream, start: &'static str, piece: Vec<u8>) {
    let _ = socket.write_all(start.as_bytes()).await;
    while socket.write_all(&piece).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

const NEVER_ANSWERS: Script = |socket| Box::pin(fall_silent(socket, ""));
const SILENT_IN_ITS_HEAD: Script = |socket| Box::pin(fall_silent(socket, "HTTP/1.1 200 OK\r\ncontent-"));
const SILENT_IN_ITS_BODY: Script =
    |socket| Box::pin(fall_silent(socket, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));

const RESETS: Script = |socket| Box::pin(reset(socket, ""));
const RESETS_IN_ITS_HEAD: Script = |socket| Box::pin(reset(socket, "HTTP/1.1 200 OK\r\ncontent-"));
const RESETS_IN_ITS_BODY: Script =
    |socket| Box::pin(reset(socket, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));

const NO_HTTP: Script = |socket| Box::pin(write(socket, "\u{1}\u{2}\u{3} no HTTP at all\r\n\r\n"));
const NO_STATUS: Script = |socket| Box::pin(write(socket, "HTTP/1.1 well OK\r\ncontent-length: 0\r\n\r\n"));
const NO_HEADER: Script = |socket| Box::pin(write(socket, "HTTP/1.1 200 OK\r\nwhat is this\r\n\r\n"));
const NO_CHUNK: Script =
    |socket| Box::pin(write(socket, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhalf"));
/// The good one is larger than what is read at once, so that it has been passed on in part when the bad one is seen.
const NO_CHUNK_BEHIND_A_GOOD_ONE: Script = |mut socket| {
    Box::pin(async move {
        let good = [&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n80000\r\n"[..], &[b'x'; 0x80000]]
            .concat();
        let _ = socket.write_all(&good).await;
        write(socket, "\r\nzz\r\nhalf").await;
    })
};
const HEADERS_WITHOUT_END: Script =
    |socket| Box::pin(trickle(socket, "HTTP/1.1 200 OK\r\n", b"x-more: x\r\n".repeat(1_000)));

const TRICKLES_ITS_HEAD: Script =
    |socket| Box::pin(trickle(socket, "HTTP/1.1 200 OK\r\nx-long: ", b"x".to_vec()));
const TRICKLES_ITS_BODY: Script =
    |socket| Box::pin(trickle(socket, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x".to_vec()));

const PROMISES_MORE: Script =
    |socket| Box::pin(write(socket, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
const PROMISES_A_LONGER_CHUNK: Script =
    |socket| Box::pin(write(socket, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nhalf"));
const TWO_LENGTHS: Script =
    |socket| Box::pin(write(socket, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc"));
const LENGTH_AND_CHUNKS: Script = |socket| {
    Box::pin(write(
        socket,
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ))
};
const NO_LENGTH: Script =
    |socket| Box::pin(write(socket, "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nabc"));
const SENDS_MORE: Script =
    |socket| Box::pin(write(socket, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok, and more"));

/// How long a bad backend's clients wait for the head of an answer.
const FIRST_BYTE: Duration = Duration::from_secs(1);

/// The status that a client gets of the bad one with a whole answer; `None` where the answer is cut.
async fn outcome(gateway: &Gateway) -> Option<u16> {
    let response = gateway.try_get("/api/products").await.ok()?;
    let status = response.status().as_u16();
    response.into_body().collect().await.is_ok().then_some(status)
}

/// Asks another service's route again and again, while others have to do with the bad one; how long nine of ten took.
async fn beside(gateway: &Gateway) -> Duration {
    let mut times = Vec::new();
    for _ in 0..50 {
        let begun = Instant::now();
        assert_eq!(gateway.get_json("/api/baskets/u1").await.0, 200);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[times.len() * 9 / 10]
}

/// Clients of the bad one get what is expected, and clients of another service do not notice.
async fn hurts_nobody_else(name: &str, script: Script, expected: Option<u16>) {
    let (bad, well) = (scripted(script).await, Backend::echo().await);
    let variables = [
        ("PRODUCT_SERVICE_URLS", bad.as_str()),
        ("UPSTREAM_FIRST_BYTE_TIMEOUT", "1s"),
        ("UPSTREAM_TIMEOUT", "1500ms"),
        ("CIRCUIT_BREAKER_ENABLED", "false"),
    ];
    let gateway = Gateway::before(&well.url(), &variables).await;
    let ask = async || assert_eq!(outcome(&gateway).await, expected, "one that {name}");
    let took = among_unlucky(ask, beside(&gateway)).await;
    // Who waited for the bad one would wait for as long as it does.
    assert!(took < FIRST_BYTE / 4, "beside one that {name}: {took:?}");
    assert!(frees_places(&gateway, "product").await, "one that {name} keeps places");
}

/// What comes of `beside` while sixteen others do what they do, over and over.
pub(crate) async fn among_unlucky<T>(others: impl AsyncFn(), beside: impl Future<Output = T>) -> T {
    let over = AtomicBool::new(false);
    let other = async || {
        loop {
            others().await;
            if over.load(Ordering::Relaxed) {
                break;
            }
        }
    };
    let beside = async {
        let came = beside.await;
        over.store(true, Ordering::Relaxed);
        came
    };
    tokio::join!(join_all((0..16).map(|_| other())), beside).1
}

/// Whether the backends of the service have no requests in the end.
pub(crate) async fn frees_places(gateway: &Gateway, service: &str) -> bool {
    let places = format!("gateway_backend_in_flight{{service=\"{service}\"");
    let free = || async {
        let metrics = gateway.metrics().await;
        metrics.lines().any(|line| line.starts_with(&places) && line.ends_with(" 0")).then_some(())
    };
    eventually(PATIENCE, free).await.is_ok()
}

#[tokio::test]
async fn a_backend_that_hangs_hurts_its_own_clients_only() {
    hurts_nobody_else("never answers", NEVER_ANSWERS, Some(504)).await;
    hurts_nobody_else("falls silent in its head", SILENT_IN_ITS_HEAD, Some(504)).await;
    hurts_nobody_else("falls silent in its body", SILENT_IN_ITS_BODY, None).await;
}

#[tokio::test]
async fn a_backend_that_resets_hurts_its_own_clients_only() {
    hurts_nobody_else("resets", RESETS, Some(502)).await;
    hurts_nobody_else("resets in its head", RESETS_IN_ITS_HEAD, Some(502)).await;
    hurts_nobody_else("resets in its body", RESETS_IN_ITS_BODY, None).await;
}

#[tokio::test]
async fn a_backend_that_sends_garbage_hurts_its_own_clients_only() {
    hurts_nobody_else("speaks no HTTP", NO_HTTP, Some(502)).await;
    hurts_nobody_else("has no status", NO_STATUS, Some(502)).await;
    hurts_nobody_else("has no header", NO_HEADER, Some(502)).await;
    hurts_nobody_else("has headers without end", HEADERS_WITHOUT_END, Some(502)).await;
    hurts_nobody_else("has no chunk", NO_CHUNK, Some(502)).await;
    hurts_nobody_else("has no chunk behind a good one", NO_CHUNK_BEHIND_A_GOOD_ONE, None).await;
}

#[tokio::test]
async fn a_backend_that_trickles_hurts_its_own_clients_only() {
    hurts_nobody_else("trickles its head", TRICKLES_ITS_HEAD, Some(504)).await;
    hurts_nobody_else("trickles its body", TRICKLES_ITS_BODY, None).await;
}

#[tokio::test]
async fn a_backend_that_lies_about_its_length_hurts_its_own_clients_only() {
    hurts_nobody_else("promises more", PROMISES_MORE, None).await;
    hurts_nobody_else("promises a longer chunk", PROMISES_A_LONGER_CHUNK, None).await;
    hurts_nobody_else("has two lengths", TWO_LENGTHS, Some(502)).await;
    hurts_nobody_else("has a length and chunks", LENGTH_AND_CHUNKS, Some(502)).await;
    hurts_nobody_else("has a length that is none", NO_LENGTH, Some(502)).await;
    hurts_nobody_else("sends more than it said", SENDS_MORE, Some(200)).await;
}

/// What comes after the announced length belongs to nobody: not to this answer, and not to the next one.
#[tokio::test]
async fn bytes_beyond_the_announced_length_reach_nobody() {
    let script: Script = |socket| {
        Box::pin(write(
            socket,
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison",
        ))
    };
    let url = scripted(script).await;
    let gateway = Gateway::before(&url, &[]).await;
    for _ in 0..20 {
        let response = gateway.get("/api/products").await;
        assert_eq!(response.status(), 200);
        assert_eq!(bytes(response).await, "ok");
    }
}

/// Without chunks an answer ends with its connection: the way that ends is all there is to tell.
#[tokio::test]
async fn an_answer_that_breaks_off_looks_complete_to_no_old_client() {
    const BEGUN: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n";
    let broken = scripted(|socket| Box::pin(write(socket, BEGUN))).await;
    let whole = scripted(|socket| {
        Box::pin(write(socket, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n"))
    });
    for (url, ends_well) in [(broken, false), (whole.await, true)] {
        let gateway = Gateway::before(&url, &[]).await;
        let mut socket = TcpStream::connect(gateway.addr()).await.unwrap();
        socket.write_all(b"GET /api/products HTTP/1.0\r\nhost: a\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let end = timeout(PATIENCE, socket.read_to_end(&mut answer)).await.unwrap();
        assert_eq!(end.is_ok(), ends_well, "{end:?}: {}", String::from_utf8_lossy(&answer));
        if ends_well {
            assert!(answer.ends_with(b"\r\n\r\nhe"), "{}", String::from_utf8_lossy(&answer));
        }
    }
}
