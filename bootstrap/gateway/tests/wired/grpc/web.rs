//! gRPC-Web, as browsers speak it: over HTTP/1.1 and HTTP/2, in bytes and in text.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use super::{BASKET, PRODUCT, before, shop::Shop};
use crate::support::{Gateway, full};

const BYTES: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text";

pub(crate) fn framed(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[0], &length[..], text.as_bytes()].concat()
}

fn request(
    gateway: &Gateway,
    method: &str,
    kind: &str,
    body: impl Into<Bytes>,
) -> Request<crate::support::Body> {
    Request::post(format!("http://{}/{method}", gateway.grpc()))
        .header(header::CONTENT_TYPE, kind)
        .header("x-grpc-web", "1")
        .body(full(body))
        .unwrap()
}

async fn send(http2: bool, request: Request<crate::support::Body>) -> Response<Incoming> {
    Client::builder(TokioExecutor::new()).http2_only(http2).build_http().request(request).await.unwrap()
}

/// The messages of a body, each with its flag.
fn messages(mut body: &[u8]) -> Vec<(u8, String)> {
    let mut messages = Vec::new();
    while let [flag, a, b, c, d, rest @ ..] = body {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        messages.push((*flag, String::from_utf8_lossy(&rest[..length]).into_owned()));
        body = &rest[length..];
    }
    assert!(body.is_empty(), "no message is cut off");
    messages
}

/// Decodes part by part, as clients do: each may be padded.
fn decoded(text: &[u8]) -> Vec<u8> {
    let parts = text.split_inclusive(|byte| *byte == b'=').fold(Vec::<Vec<u8>>::new(), |mut parts, part| {
        match parts.last_mut() {
            Some(last) if part == b"=" => last.push(b'='),
            _ => parts.push(part.to_vec()),
        }
        parts
    });
    parts.iter().flat_map(|part| STANDARD.decode(part).unwrap()).collect()
}

async fn body(response: Response<Incoming>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn trailers_are_the_last_message_whatever_carries_it() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let method = format!("{PRODUCT}/GetProduct");
    for http2 in [false, true] {
        let response = send(http2, request(&gateway, &method, BYTES, framed("7"))).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()[header::CONTENT_TYPE]),
            (200, &BYTES.parse().unwrap())
        );
        let whole = body(response).await;
        let messages = messages(&whole);
        assert_eq!(messages[0], (0, shop.addr.to_string()));
        assert_eq!(messages[1].0, 0x80);
        assert!(messages[1].1.contains("grpc-status: 0\r\n"), "{messages:?}");

        let response = send(http2, request(&gateway, &method, TEXT, STANDARD.encode(framed("7")))).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], TEXT);
        assert_eq!(decoded(&body(response).await), whole);
    }
}

#[tokio::test]
async fn streams_and_errors_come_through() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let response = send(false, request(&gateway, &format!("{BASKET}/Watch"), BYTES, framed("2"))).await;
    let messages = messages(&body(response).await);
    assert_eq!(messages[..2], [(0, "0".to_owned()), (0, "1".to_owned())]);
    assert!(messages[2].1.contains("grpc-status: 9\r\n") && messages[2].1.contains("x-why: sold\r\n"));
    for (method, status) in [(format!("{BASKET}/Fail"), "9"), ("other.v1.Other/Get".to_owned(), "12")] {
        let response = send(false, request(&gateway, &method, BYTES, framed(""))).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["grpc-status"]),
            (200, &status.parse().unwrap())
        );
        assert!(body(response).await.is_empty());
    }
}

/// A gRPC client would not wait for the gateway to say that its time is over.
#[tokio::test]
async fn deadlines_of_clients_are_kept_before_and_in_the_midst_of_an_answer() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let hurried = |method: &str| {
        let mut request = request(&gateway, &format!("{BASKET}/{method}"), BYTES, framed(""));
        request.headers_mut().insert("grpc-timeout", "300m".parse().unwrap());
        request
    };
    let response = send(false, hurried("Hang")).await;
    assert_eq!(response.headers()["grpc-status"], "4");
    let response = send(false, hurried("Half")).await;
    let messages = messages(&body(response).await);
    assert_eq!(messages[0], (0, "half".to_owned()));
    assert!(messages[1].1.contains("grpc-status: 4\r\n"), "{messages:?}");
    assert!(!gateway.metrics().await.contains("gateway_upstream_errors_total{service=\"basket\""));
}

#[tokio::test]
async fn what_is_no_call_is_no_grpc_answer_either() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let method = format!("{PRODUCT}/GetProduct");
    for (kind, status) in [("application/json", 415), ("application/grpc", 505)] {
        assert_eq!(
            send(false, request(&gateway, &method, kind, framed(""))).await.status().as_u16(),
            status,
            "{kind}"
        );
    }
    let mut get = request(&gateway, &method, BYTES, "");
    *get.method_mut() = Method::GET;
    assert_eq!(send(false, get).await.status(), 405);
    // Text that is none is the client's mistake.
    let response = send(false, request(&gateway, &method, TEXT, "A===")).await;
    assert_eq!(response.headers()["grpc-status"], "3");
    assert_eq!(shop.calls(), 0);
}

#[tokio::test]
async fn pages_are_granted_what_is_configured() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[("CORS_ALLOWED_ORIGINS", "https://shop.example")]).await;
    let method = format!("{PRODUCT}/GetProduct");
    for (origin, granted) in [("https://shop.example", true), ("https://evil.example", false)] {
        let mut preflight = request(&gateway, &method, BYTES, "");
        *preflight.method_mut() = Method::OPTIONS;
        let headers = preflight.headers_mut();
        headers.insert(header::ORIGIN, origin.parse().unwrap());
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, "POST".parse().unwrap());
        let response = send(false, preflight).await;
        assert_eq!(response.status(), if granted { 204 } else { 403 });
        let allowed = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(allowed.is_some(), granted, "{origin}");
        if granted {
            let sent = response.headers()[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
            assert!(sent.to_ascii_lowercase().contains("x-grpc-web"), "{sent}");
        }
        let mut call = request(&gateway, &method, BYTES, framed("7"));
        call.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
        let response = send(false, call).await;
        assert_eq!(response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), granted);
    }
}
