//! Backends that misbehave, and the other routes beside them.

use std::{future::Future, pin::Pin, time::Duration};

use crate::support::{Backend, Gateway, bytes};
use futures_util::future::join_all;
use http_body_util::BodyExt;
use platform_testkit::{PATIENCE, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
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

/// Writes for as long as anybody listens, a piece at a time.
async fn trickle(mut socket: TcpStream, start: &str, piece: &[u8]) {
    if socket.write_all(start.as_bytes()).await.is_err() {
        return;
    }
    while socket.write_all(piece).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn write(mut socket: TcpStream, answer: &str) {
    let _ = socket.write_all(answer.as_bytes()).await;
}

const HANGS: Script = |socket| {
    Box::pin(async move {
        let _socket = socket;
        std::future::pending::<()>().await;
    })
};
const RESETS: Script = |socket| {
    Box::pin(async move {
        // Data that was not read makes the close a reset.
        let _ = socket.set_zero_linger();
        drop(socket);
    })
};
const GARBAGE: Script = |socket| Box::pin(write_owned(socket, "\u{1}\u{2}\u{3} no HTTP at all\r\n\r\n"));
const TRICKLES_ITS_HEAD: Script =
    |socket| Box::pin(async move { trickle(socket, "HTTP/1.1 200 OK\r\nx-long: ", b"x").await });
const HAS_NO_END_OF_HEADERS: Script = |socket| {
    Box::pin(async move { trickle(socket, "HTTP/1.1 200 OK\r\n", &b"x-more: x\r\n".repeat(1_000)).await })
};
const TWO_LENGTHS: Script = |socket| {
    Box::pin(write_owned(socket, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc"))
};
const PROMISES_MORE: Script =
    |socket| Box::pin(write_owned(socket, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
const TRICKLES_ITS_BODY: Script = |socket| {
    Box::pin(async move { trickle(socket, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"x").await })
};
const BAD_CHUNK: Script =
    |socket| Box::pin(write_owned(socket, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhalf"));

async fn write_owned(socket: TcpStream, answer: &'static str) {
    write(socket, answer).await;
}

/// The status that a client gets of the bad one with a whole answer; `None` where the answer is cut.
async fn outcome(gateway: &Gateway) -> Option<u16> {
    let response = gateway.try_get("/api/products").await.ok()?;
    let status = response.status().as_u16();
    response.into_body().collect().await.is_ok().then_some(status)
}

#[tokio::test]
async fn a_bad_backend_hurts_its_own_clients_only() {
    for (name, script, expected) in [
        ("hangs", HANGS, Some(504)),
        ("resets", RESETS, Some(502)),
        ("garbage", GARBAGE, Some(502)),
        ("trickles its head", TRICKLES_ITS_HEAD, Some(504)),
        ("has no end of headers", HAS_NO_END_OF_HEADERS, Some(502)),
        ("two lengths", TWO_LENGTHS, Some(502)),
        ("promises more", PROMISES_MORE, None),
        ("trickles its body", TRICKLES_ITS_BODY, None),
        ("bad chunk", BAD_CHUNK, None),
    ] {
        let (bad, well) = (scripted(script).await, Backend::echo().await);
        let variables = [
            ("PRODUCT_SERVICE_URLS", bad.as_str()),
            ("UPSTREAM_FIRST_BYTE_TIMEOUT", "1s"),
            ("UPSTREAM_TIMEOUT", "1500ms"),
            ("CIRCUIT_BREAKER_ENABLED", "false"),
        ];
        let gateway = Gateway::before(&well.url(), &variables).await;
        let bad = join_all((0..16).map(|_| outcome(&gateway)));
        let beside = async {
            for _ in 0..50 {
                assert_eq!(gateway.get_json("/api/baskets/u1").await.0, 200, "beside one that {name}");
            }
        };
        let (bad, ()) = tokio::join!(bad, beside);
        assert!(bad.iter().all(|outcome| *outcome == expected), "{name}: {bad:?}");
        let places = "gateway_backend_in_flight{service=\"product\"";
        let free = || async {
            let metrics = gateway.metrics().await;
            metrics.lines().any(|line| line.starts_with(places) && line.ends_with(" 0")).then_some(())
        };
        eventually(PATIENCE, free).await.unwrap_or_else(|_| panic!("one that {name} keeps places"));
    }
}

/// What comes after the announced length belongs to nobody: not to this answer, and not to the next one.
#[tokio::test]
async fn bytes_beyond_the_announced_length_reach_nobody() {
    let script: Script = |socket| {
        Box::pin(write_owned(
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
