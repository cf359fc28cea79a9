//! HTTP/2 over cleartext: what passes, and what a client may not do.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, Response, Version, header};
use http_body_util::BodyExt;
use hyper::{body::Incoming, client::conn::http2, client::conn::http2::SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use platform_testkit::PATIENCE;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};

use crate::support::{Backend, Body, Gateway, bytes, fed, full, json, piece, pieces};

pub(crate) async fn connect(gateway: &Gateway) -> SendRequest<Body> {
    let socket = TcpStream::connect(gateway.addr()).await.unwrap();
    let (send, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    send
}

fn request(method: Method, target: &str, body: Body) -> Request<Body> {
    Request::builder().method(method).uri(format!("http://shop.example{target}")).body(body).unwrap()
}

pub(crate) async fn send(client: &SendRequest<Body>, request: Request<Body>) -> Response<Incoming> {
    timeout(PATIENCE, client.clone().send_request(request)).await.unwrap().unwrap()
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let client = connect(&gateway).await;
    let requests = (0..100).map(|number| {
        let client = client.clone();
        async move {
            let body = number.to_string();
            let request = request(Method::POST, &format!("/api/products/{number}"), full(body.clone()));
            let response = send(&client, request).await;
            assert_eq!(response.version(), Version::HTTP_2);
            assert!(response.headers().contains_key(header::DATE));
            let (status, seen) = json(response).await;
            assert_eq!((status, seen["body"].as_str()), (200, Some(body.as_str())));
            assert_eq!(seen["target"], format!("/products/{number}"));
        }
    });
    join_all(requests).await;
}

#[tokio::test]
async fn headers_become_those_of_http1() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let client = connect(&gateway).await;
    let mut asked = request(Method::GET, "/api/products", full(""));
    for cookie in ["a=1", "b=2"] {
        asked.headers_mut().append(header::COOKIE, cookie.parse().unwrap());
    }
    asked.headers_mut().insert(header::TE, "trailers".parse().unwrap());
    let (status, seen) = json(send(&client, asked).await).await;
    let headers = &seen["headers"];
    assert_eq!(status, 200);
    assert_eq!(headers["cookie"], "a=1; b=2");
    assert_eq!(headers["x-forwarded-host"], "shop.example");
    assert!(headers.get("te").is_none() && headers.get("transfer-encoding").is_none(), "{headers}");
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let (heard, mut hearing) = mpsc::channel::<Bytes>(4);
    let backend = Backend::start(move |request| {
        let heard = heard.clone();
        async move {
            let mut body = request.into_body();
            while let Some(piece) = piece(&mut body).await {
                heard.send(piece).await.unwrap();
            }
            Response::new(full("done"))
        }
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let client = connect(&gateway).await;
    let (sender, body) = pieces();
    let sending = async {
        for text in ["one", "two"] {
            sender.send(Ok(text.into())).await.unwrap();
            assert_eq!(hearing.recv().await.unwrap(), text);
        }
        drop(sender);
    };
    let (response, ()) = tokio::join!(send(&client, request(Method::POST, "/api/payments", body)), sending);
    assert_eq!(bytes(response).await, "done");
    let (events, backend) = fed("text/event-stream").await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let client = connect(&gateway).await;
    let mut stream = send(&client, request(Method::GET, "/api/notifications/stream", full(""))).await;
    for event in ["data: 1\n\n", "data: 2\n\n"] {
        events.send(Ok(event.into())).await.unwrap();
        assert_eq!(piece(stream.body_mut()).await.unwrap(), event);
    }
    let (outcome, rest) = tokio::join!(gateway.stop(), stream.body_mut().frame());
    assert_eq!(outcome, platform_runtime::Outcome::Clean);
    assert!(
        rest.is_none_or(|rest| rest.is_ok_and(|frame| frame.into_data().is_ok_and(|data| data.is_empty())))
    );
}

#[tokio::test]
async fn big_answers_wait_for_the_client() {
    let content: Bytes = (0..=u8::MAX).cycle().take(4 * 1024 * 1024).collect::<Vec<_>>().into();
    let answer = content.clone();
    let backend = Backend::start(move |_| {
        let answer = answer.clone();
        async move { Response::new(full(answer)) }
    })
    .await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let client = connect(&gateway).await;
    let answers = (0..4)
        .map(|_| async { bytes(send(&client, request(Method::GET, "/api/products", full(""))).await).await });
    assert!(join_all(answers).await.into_iter().all(|answer| answer == content));
}

#[tokio::test]
async fn an_answer_that_is_cut_does_not_look_complete() {
    let (sender, backend) = fed("application/json").await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let client = connect(&gateway).await;
    let mut response = send(&client, request(Method::GET, "/api/products", full(""))).await;
    sender.send(Ok("[1,".into())).await.unwrap();
    assert_eq!(piece(response.body_mut()).await.unwrap(), "[1,");
    sender.send(Err(std::io::Error::other("broken"))).await.unwrap();
    assert!(timeout(PATIENCE, response.into_body().collect()).await.unwrap().is_err());
}

#[tokio::test]
async fn ambiguous_targets_are_refused() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let client = connect(&gateway).await;
    for (target, host, code) in [
        ("/api/products/../x", None, "invalid_path"),
        ("/api/products%2f", None, "invalid_path"),
        ("/api/products", Some("other.example"), "invalid_target"),
    ] {
        let mut asked = request(Method::GET, target, full(""));
        if let Some(host) = host {
            asked.headers_mut().insert(header::HOST, host.parse().unwrap());
        }
        let (status, problem) = json(send(&client, asked).await).await;
        assert_eq!((status, problem["code"].as_str()), (400, Some(code)), "{target}");
    }
}

#[tokio::test]
async fn requests_in_flight_are_finished_at_a_stop() {
    let (sender, backend) = fed("application/json").await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let client = connect(&gateway).await;
    let response = send(&client, request(Method::GET, "/api/products", full(""))).await;
    let finishing = async {
        sender.send(Ok("1".into())).await.unwrap();
        drop(sender);
        bytes(response).await
    };
    let (outcome, body) = tokio::join!(gateway.stop(), finishing);
    assert_eq!((outcome, body), (platform_runtime::Outcome::Clean, Bytes::from("1")));
    assert!(
        timeout(PATIENCE, client.clone().send_request(request(Method::GET, "/api/products", full(""))))
            .await
            .unwrap()
            .is_err()
    );
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
const END_STREAM: u8 = 1;
/// `GET / HTTP/2` of `http://a`, as HPACK.
const HEAD: &[u8] = b"\x82\x84\x86\x41\x01a";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A connection of bare frames.
struct Frames(TcpStream);

impl Frames {
    async fn open(gateway: &Gateway) -> Self {
        let mut socket = TcpStream::connect(gateway.addr()).await.unwrap();
        socket.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, b"")].concat()).await.unwrap();
        Self(socket)
    }

    /// Kind and payload of the next frame; `None` where the connection has ended.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 9];
        timeout(PATIENCE, self.0.read_exact(&mut head)).await.unwrap().ok()?;
        let mut payload =
            vec![0; usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((head[3], payload))
    }

    /// The error of the connection: 11 is `ENHANCE_YOUR_CALM`. `None` where it ended without one.
    async fn goaway(&mut self) -> Option<u32> {
        while let Some((kind, payload)) = self.next().await {
            if kind == GOAWAY {
                return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
        None
    }
}

#[tokio::test]
async fn the_limits_are_said_at_the_start() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let mut frames = Frames::open(&gateway).await;
    let (kind, settings) = frames.next().await.unwrap();
    assert_eq!(kind, SETTINGS);
    let settings: Vec<(u16, u32)> = settings
        .chunks_exact(6)
        .map(|setting| {
            let (name, value) = setting.split_at(2);
            (u16::from_be_bytes(name.try_into().unwrap()), u32::from_be_bytes(value.try_into().unwrap()))
        })
        .collect();
    for limit in [(3, 128), (6, 32 * 1024)] {
        assert!(settings.contains(&limit), "{settings:?}");
    }
}

#[tokio::test]
async fn requests_taken_back_at_once_are_an_attack() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let mut frames = Frames::open(&gateway).await;
    let flood: Vec<u8> = (0..5_000_u32)
        .flat_map(|number| {
            let stream = number * 2 + 1;
            let head = frame(HEADERS, END_HEADERS | END_STREAM, stream, HEAD);
            [head, frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())].concat()
        })
        .collect();
    let _ = frames.0.write_all(&flood).await;
    assert!(matches!(frames.goaway().await, Some(11) | None));
    assert_eq!(gateway.get_json("/api/products").await.0, 200, "others are served");
}

#[tokio::test]
async fn headers_without_end_are_an_attack() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let mut frames = Frames::open(&gateway).await;
    let _ = frames.0.write_all(&frame(HEADERS, 0, 1, HEAD)).await;
    // A literal field with a name of one byte and an empty value, again and again.
    let field = frame(CONTINUATION, 0, 1, b"\x00\x01x\x00");
    for _ in 0..20_000 {
        if frames.0.write_all(&field).await.is_err() {
            break;
        }
    }
    assert!(matches!(frames.goaway().await, Some(11) | None));
    assert_eq!(gateway.get_json("/api/products").await.0, 200, "others are served");
}

#[tokio::test]
async fn a_body_of_another_length_than_announced_is_no_request() {
    let (backend, count) = crate::sockets::counting().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let mut frames = Frames::open(&gateway).await;
    // `POST /api/products` of `http://a` with `content-length: 9`.
    let head = b"\x83\x04\x0d/api/products\x86\x41\x01a\x0f\x0d\x019";
    let bytes = [frame(HEADERS, END_HEADERS, 1, head), frame(DATA, END_STREAM, 1, b"abc")].concat();
    frames.0.write_all(&bytes).await.unwrap();
    loop {
        let (kind, _) = frames.next().await.unwrap();
        if matches!(kind, RST_STREAM | HEADERS) {
            break;
        }
    }
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_client_that_begins_and_says_nothing_more_is_let_go() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[]).await;
    let mut socket = TcpStream::connect(gateway.addr()).await.unwrap();
    socket.write_all(&PREFACE[..10]).await.unwrap();
    let mut rest = Vec::new();
    let within = Duration::from_secs(20);
    timeout(within, socket.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.is_empty());
}
