//! What a backend reads, to the byte.

use gateway_application::{Client, UpstreamRequest};
use http::uri::PathAndQuery;
use kernel_application::testing::context;
use tokio::join;

use super::*;
use crate::headers::ToBackend;

/// The head of a request that a client has sent with these headers, and so many bytes behind it.
async fn written(
    method: &Method,
    headers: &[(&str, &str)],
    upgrade: bool,
    body: RequestBody,
    behind: usize,
) -> String {
    let shop = Shop::start().await;
    let request = UpstreamRequest {
        method: method.clone(),
        target: PathAndQuery::from_static("/a?b=c").into(),
        prefix: "/api",
        headers: headers.iter().copied().collect(),
        client: Client::default(),
        harmless: false,
    };
    let ctx = context();
    let headers = ToBackend { request: &request, ctx: &ctx, limit: Duration::from_secs(20), upgrade };
    let head = RequestHead { method, target: request.target.as_str(), headers: Some(headers) };
    let patience = patience();
    let sent = shop.pool.send(&shop.backend, head, UpstreamBody::new(body).0, None, &patience);
    let reading = async {
        let mut peer = shop.accept().await;
        let head = peer.head().await.unwrap();
        let behind = String::from_utf8(peer.take(behind).await).unwrap();
        peer.write(OK).await;
        // Nothing comes behind it: the connection is closed as it is, or is kept and closed with the pool.
        (head + &behind, peer)
    };
    let (sent, (written, peer)) = soon(async { join!(sent, reading) }).await;
    drop((sent.unwrap(), shop.pool));
    assert!(peer.was_left().await, "nothing comes behind {written:?}");
    written.replace(&*shop.backend.host(), "HOST").replace(ctx.trace().text().as_str(), "TRACE")
}

/// What is said of every request of a client that nobody knows.
const ALWAYS: &str = concat!(
    "forwarded: for=unknown;proto=http\r\n",
    "x-forwarded-proto: http\r\n",
    "x-forwarded-prefix: /api\r\n",
    "via: 1.1 gateway\r\n",
    "x-request-id: test\r\n",
    "traceparent: TRACE\r\n",
    "x-request-timeout-ms: 19990\r\n",
);

#[tokio::test]
async fn get_is_a_head() {
    let theirs =
        [("accept", "*/*"), ("connection", "x-own"), ("x-own", "1"), ("Host", "a"), ("x-\u{61}", "")];
    let get = written(&Method::GET, &theirs, false, RequestBody::Empty, 0).await;
    let host = "x-forwarded-host: a\r\nforwarded: for=unknown;host=\"a\";";
    let always = ALWAYS.replace("forwarded: for=unknown;", host);
    assert_eq!(get, format!("GET /a?b=c HTTP/1.1\r\nhost: HOST\r\naccept: */*\r\nx-a: \r\n{always}\r\n"));
}

#[tokio::test]
async fn a_whole_body_has_the_length_that_it_has() {
    let body = RequestBody::Whole(Bytes::from_static(b"abc"));
    let post = written(&Method::POST, &[("content-length", "7")], false, body, 3).await;
    assert_eq!(post, format!("POST /a?b=c HTTP/1.1\r\nhost: HOST\r\ncontent-length: 3\r\n{ALWAYS}\r\nabc"));
}

#[tokio::test]
async fn no_body_is_said_to_be_none_where_one_is_expected() {
    for (method, announced, length) in [
        (Method::POST, None, "content-length: 0\r\n"),
        (Method::PUT, None, "content-length: 0\r\n"),
        (Method::PATCH, None, "content-length: 0\r\n"),
        (Method::DELETE, None, ""),
        (Method::DELETE, Some(("content-length", "0")), "content-length: 0\r\n"),
    ] {
        let headers: Vec<_> = announced.into_iter().collect();
        let head = written(&method, &headers, false, RequestBody::Empty, 0).await;
        assert_eq!(head, format!("{method} /a?b=c HTTP/1.1\r\nhost: HOST\r\n{length}{ALWAYS}\r\n"));
    }
}

#[tokio::test]
async fn a_body_in_pieces_has_its_announced_length() {
    let body = pieces([&b"ab"[..], b"", b"cde"]);
    let put = written(&Method::PUT, &[("content-length", "5")], false, body, 5).await;
    assert_eq!(put, format!("PUT /a?b=c HTTP/1.1\r\nhost: HOST\r\ncontent-length: 5\r\n{ALWAYS}\r\nabcde"));
}

#[tokio::test]
async fn a_body_in_pieces_without_a_length_goes_in_chunks() {
    let chunks = "2\r\nab\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
    let body = pieces([&b"ab"[..], b"", b"0123456789abcdef"]);
    let post = written(&Method::POST, &[("transfer-encoding", "chunked")], false, body, chunks.len()).await;
    let head = "POST /a?b=c HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: chunked\r\n";
    assert_eq!(post, format!("{head}{ALWAYS}\r\n{chunks}"));
    let nothing = written(&Method::POST, &[], false, pieces([]), 5).await;
    assert_eq!(nothing, format!("{head}{ALWAYS}\r\n0\r\n\r\n"));
    let get = written(&Method::GET, &[], false, pieces([&b"ab"[..]]), 12).await;
    assert!(get.ends_with("\r\n\r\n2\r\nab\r\n0\r\n\r\n"), "whatever the method is: {get}");
}

#[tokio::test]
async fn an_upgrade_is_asked_for_anew() {
    let theirs =
        [("upgrade", "WebSocket"), ("connection", "Upgrade, keep-alive"), ("sec-websocket-version", "13")];
    let get = written(&Method::GET, &theirs, true, RequestBody::Empty, 0).await;
    let asked = "connection: upgrade\r\nupgrade: websocket\r\n";
    let head = "GET /a?b=c HTTP/1.1\r\nhost: HOST\r\nsec-websocket-version: 13\r\n";
    assert_eq!(get, format!("{head}{ALWAYS}{asked}\r\n"));
}
