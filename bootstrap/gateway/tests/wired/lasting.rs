//! What goes on for longer than the token that opened it is good.

use http::{Method, Request, Response, header::AUTHORIZATION};
use hyper::body::Incoming;
use platform_identity::testing::TestIssuer;
use platform_testkit::{PATIENCE, data_dir};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    http2,
    support::{Body, Gateway, bytes, fed, full, piece},
    websocket::{AGREED, HANDSHAKE, Peer, head},
};

/// For how many seconds a token is still believed when it is shown: some, so that it is in time on a slow machine.
pub(crate) const SHORT: u64 = 3;

/// A gateway that wants tokens, and a token that is good for a moment.
async fn guarded(url: &str) -> (Gateway, String, TempDir) {
    let (folder, issuer) = (data_dir().unwrap(), TestIssuer::new());
    let identity = issuer.environment(folder.path()).unwrap();
    let variables: Vec<_> = identity.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let gateway = Gateway::before(url, &variables).await;
    (gateway, format!("Bearer {}", issuer.lasting("ada", &[], SHORT)), folder)
}

/// Opens an event stream with `send`, and sees how it ends.
async fn expect_an_end(send: impl AsyncFnOnce(&Gateway, Request<Body>) -> Response<Incoming>) {
    let (events, backend) = fed("text/event-stream").await;
    let (gateway, token, _folder) = guarded(&backend.url()).await;
    let request = gateway.request(Method::GET, "/api/notifications/stream?user_id=ada");
    let mut stream = send(&gateway, request.header(AUTHORIZATION, token).body(full("")).unwrap()).await;
    events.send(Ok("data: 1\n\n".into())).await.unwrap();
    assert_eq!(piece(stream.body_mut()).await.unwrap(), "data: 1\n\n");
    assert_eq!(timeout(PATIENCE, bytes(stream)).await.unwrap(), "", "it looks complete");
    timeout(PATIENCE, events.closed()).await.unwrap();
}

#[tokio::test]
async fn an_event_stream_ends_with_its_token() {
    let over_http1 = expect_an_end(async |gateway, request| gateway.send(request).await);
    let over_http2 =
        expect_an_end(async |gateway, request| http2::send(&http2::connect(gateway).await, request).await);
    tokio::join!(over_http1, over_http2);
}

#[tokio::test]
async fn a_tunnel_ends_with_its_token_on_both_sides() {
    let mut peer = Peer::start(AGREED).await;
    let (gateway, token, _folder) = guarded(&peer.url()).await;
    let mut socket = TcpStream::connect(gateway.addr()).await.unwrap();
    let with_token = format!("HTTP/1.1\r\nAuthorization: {token}\r\n");
    let handshake = HANDSHAKE.replacen("HTTP/1.1\r\n", &with_token, 1);
    socket.write_all(handshake.as_bytes()).await.unwrap();
    let agreed = timeout(PATIENCE, head(&mut socket)).await.unwrap().unwrap();
    assert!(agreed.starts_with("HTTP/1.1 101 "), "{agreed}");
    peer.hears().await;
    socket.write_all(b"ping").await.unwrap();
    let mut said = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut said)).await.unwrap().unwrap();
    assert_eq!(said, b"PING");
    assert_eq!(peer.hears().await, "", "the backend sees the end");
}
