//! gRPC servers that misbehave, and the other services beside them.
//!
//! A further way to misbehave is a script, and a line in the test of its kind.

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Response;
use hyper_h2::{Reason, SendStream, server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tonic::Code;

use super::{BASKET, PRODUCT, before, client::Client, shop::Shop};
use crate::neighbours::{among_unlucky, frees_places};

type Step = Pin<Box<dyn Future<Output = ()> + Send>>;
type Script = fn(TcpStream) -> Step;

/// Follows the script, for each connection.
async fn scripted(script: Script) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(script(socket));
        }
    });
    url
}

type Respond = server::SendResponse<Bytes>;

/// Does the same with each call.
async fn each_call(socket: TcpStream, act: fn(Respond) -> Step) {
    let Ok(mut connection) = server::handshake(socket).await else { return };
    while let Some(Ok((_, respond))) = connection.accept().await {
        tokio::spawn(act(respond));
    }
}

/// The head of an answer, and its first bytes.
fn begin(respond: &mut Respond, headers: &[(&str, &str)], data: &'static [u8]) -> SendStream<Bytes> {
    let mut head = Response::builder().header("content-type", "application/grpc");
    for (name, value) in headers {
        head = head.header(*name, *value);
    }
    let mut body = respond.send_response(head.body(()).unwrap(), false).unwrap();
    body.send_data(Bytes::from_static(data), false).unwrap();
    body
}

/// Nine bytes each: length, type, flags, stream.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/// A message of a hundred bytes, of which there are four.
const HALF: &[u8] = &[0, 0, 0, 0, 100, b'h', b'a', b'l', b'f'];

const SAYS_NOTHING: Script = |socket| {
    Box::pin(async move {
        let _socket = socket;
        std::future::pending::<()>().await;
    })
};
const NEVER_ANSWERS: Script = |socket| {
    Box::pin(each_call(socket, |respond| {
        Box::pin(async move {
            let _respond = respond;
            std::future::pending::<()>().await;
        })
    }))
};
const SILENT_IN_ITS_ANSWER: Script = |socket| {
    Box::pin(each_call(socket, |mut respond| {
        Box::pin(async move {
            let _body = begin(&mut respond, &[], HALF);
            std::future::pending::<()>().await;
        })
    }))
};

const RESETS: Script = |socket| {
    Box::pin(async move {
        let _ = socket.set_zero_linger();
    })
};
const RESETS_CALLS: Script = |socket| {
    Box::pin(each_call(socket, |mut respond| {
        Box::pin(async move { respond.send_reset(Reason::INTERNAL_ERROR) })
    }))
};
const RESETS_IN_ITS_ANSWER: Script = |socket| {
    Box::pin(each_call(socket, |mut respond| {
        Box::pin(async move { begin(&mut respond, &[], HALF).send_reset(Reason::INTERNAL_ERROR) })
    }))
};

const SPEAKS_HTTP_1: Script = |mut socket| {
    Box::pin(async move {
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        let _ = socket.read(&mut [0; 4_096]).await;
    })
};
const NO_FRAMES: Script = |mut socket| {
    Box::pin(async move {
        let _ = socket.write_all(&SETTINGS).await;
        let _ = socket.write_all(&[0xff; 64]).await;
        let _ = socket.read(&mut [0; 4_096]).await;
    })
};
const NO_STATUS: Script = |socket| {
    Box::pin(each_call(socket, |mut respond| {
        Box::pin(async move {
            let mut body = begin(&mut respond, &[], b"no message");
            let _ = body.send_data(Bytes::new(), true);
        })
    }))
};

const TRICKLES: Script = |socket| {
    Box::pin(each_call(socket, |mut respond| {
        Box::pin(async move {
            let mut body = begin(&mut respond, &[], &[0, 0, 1, 0, 0]);
            while body.send_data(Bytes::from_static(b"x"), false).is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
    }))
};

const PROMISES_A_LONGER_MESSAGE: Script = |socket| {
    Box::pin(each_call(socket, |mut respond| {
        Box::pin(async move {
            let mut body = begin(&mut respond, &[], HALF);
            let status = [("grpc-status".parse().unwrap(), "0".parse().unwrap())];
            let _ = body.send_trailers(status.into_iter().collect());
        })
    }))
};
const HAS_ANOTHER_LENGTH: Script = |socket| {
    Box::pin(each_call(socket, |mut respond| {
        Box::pin(async move {
            let mut body = begin(&mut respond, &[("content-length", "3")], HALF);
            let _ = body.send_data(Bytes::new(), true);
        })
    }))
};
const LONGER_FRAMES: Script = |mut socket| {
    Box::pin(async move {
        let _ = socket.write_all(&SETTINGS).await;
        // Sixteen mebibytes of settings, of which there are eight bytes.
        let _ = socket.write_all(&[0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).await;
        let _ = socket.read(&mut [0; 4_096]).await;
    })
};

/// How long a bad server's clients wait for the head of an answer.
const FIRST_BYTE: Duration = Duration::from_secs(1);

/// Calls another service again and again, while others have to do with the bad one; how long nine of ten took.
async fn beside(client: &Client) -> Duration {
    let mut times = Vec::new();
    for _ in 0..50 {
        let begun = Instant::now();
        client.ask(BASKET, "AddItem").await.unwrap();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[times.len() * 9 / 10]
}

/// Clients of the bad one get what is expected, and clients of another service do not notice.
async fn hurts_nobody_else(name: &str, script: Script, expected: Code) {
    let (bad, well) = (scripted(script).await, Shop::open().await);
    let variables = [
        ("PRODUCT_SERVICE_GRPC_URLS", bad.as_str()),
        ("UPSTREAM_CONNECT_TIMEOUT", "1s"),
        ("UPSTREAM_FIRST_BYTE_TIMEOUT", "1s"),
        ("UPSTREAM_TIMEOUT", "1500ms"),
        ("CIRCUIT_BREAKER_ENABLED", "false"),
    ];
    let gateway = before(&well.url(), &variables).await;
    let (unlucky, lucky) = (Client::of(&gateway).await, Client::of(&gateway).await);
    let ask = async || {
        let status = unlucky.ask(PRODUCT, "GetProduct").await.unwrap_err();
        assert_eq!(status.code(), expected, "one that {name}: {status}");
    };
    let took = among_unlucky(ask, beside(&lucky)).await;
    // Who waited for the bad one would wait for as long as it does.
    assert!(took < FIRST_BYTE / 4, "beside one that {name}: {took:?}");
    assert!(frees_places(&gateway, "product-grpc").await, "one that {name} keeps places");
}

#[tokio::test]
async fn a_server_that_hangs_hurts_its_own_clients_only() {
    hurts_nobody_else("says nothing", SAYS_NOTHING, Code::DeadlineExceeded).await;
    hurts_nobody_else("never answers", NEVER_ANSWERS, Code::DeadlineExceeded).await;
    hurts_nobody_else("falls silent in its answer", SILENT_IN_ITS_ANSWER, Code::DeadlineExceeded).await;
}

#[tokio::test]
async fn a_server_that_resets_hurts_its_own_clients_only() {
    hurts_nobody_else("resets", RESETS, Code::Unavailable).await;
    hurts_nobody_else("resets calls", RESETS_CALLS, Code::Unavailable).await;
    hurts_nobody_else("resets in its answer", RESETS_IN_ITS_ANSWER, Code::Unavailable).await;
}

#[tokio::test]
async fn a_server_that_sends_garbage_hurts_its_own_clients_only() {
    hurts_nobody_else("speaks HTTP/1", SPEAKS_HTTP_1, Code::Unavailable).await;
    hurts_nobody_else("has no frames", NO_FRAMES, Code::Unavailable).await;
    // The client misses it; the gateway only passes on that there is no more.
    hurts_nobody_else("has no status", NO_STATUS, Code::Internal).await;
}

#[tokio::test]
async fn a_server_that_trickles_hurts_its_own_clients_only() {
    hurts_nobody_else("trickles", TRICKLES, Code::DeadlineExceeded).await;
}

#[tokio::test]
async fn a_server_that_lies_about_its_length_hurts_its_own_clients_only() {
    // The gateway does not open messages; the client finds that this one is short.
    hurts_nobody_else("promises more", PROMISES_A_LONGER_MESSAGE, Code::Internal).await;
    hurts_nobody_else("has another length", HAS_ANOTHER_LENGTH, Code::Unavailable).await;
    hurts_nobody_else("has longer frames", LONGER_FRAMES, Code::Unavailable).await;
}
