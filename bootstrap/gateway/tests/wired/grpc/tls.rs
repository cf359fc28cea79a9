//! Encrypted connections, from clients and to backends.

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::{body::Incoming, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{PRODUCT, before, shop::Shop, web::framed};
use crate::{certificates::Authority, support::full};

async fn call(stream: TlsStream<TcpStream>, method: &str) -> Response<Incoming> {
    let (mut send, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(format!("https://localhost/{PRODUCT}/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(full(framed("")))
        .unwrap();
    send.send_request(request).await.unwrap()
}

#[tokio::test]
async fn both_ends_can_be_encrypted_and_backends_can_ask_for_a_certificate() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (own, identity) = (authority.issue("gateway"), clients.issue("gateway"));
    let shop = Shop::encrypted(Authority::server(&authority.issue("shop"), Some(&clients))).await;
    let url = format!("https://localhost:{}", shop.addr.port());
    let trusted = authority.file();
    let encrypted =
        [("TLS_CERT_FILE", own.0.as_str()), ("TLS_KEY_FILE", &own.1), ("UPSTREAM_TLS_CA_FILE", &trusted)];
    let known = [("UPSTREAM_TLS_CERT_FILE", identity.0.as_str()), ("UPSTREAM_TLS_KEY_FILE", &identity.1)];

    let gateway = before(&url, &[&encrypted[..], &known].concat()).await;
    let stream = authority.connect(gateway.grpc(), "h2", None).await.unwrap();
    let answer = call(stream, "Metadata").await.into_body().collect().await.unwrap();
    assert_eq!(answer.trailers().unwrap()["grpc-status"], "0");
    let seen = String::from_utf8_lossy(&answer.to_bytes()).into_owned();
    assert!(seen.contains("x-forwarded-proto: https"), "{seen}");

    // Without its certificate the gateway is nobody to that backend.
    let stranger = before(&url, &encrypted).await;
    let stream = authority.connect(stranger.grpc(), "h2", None).await.unwrap();
    assert_eq!(call(stream, "Metadata").await.headers()["grpc-status"], "14");
    assert_eq!(shop.calls(), 1);
}
