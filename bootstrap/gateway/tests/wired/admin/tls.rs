//! Operators' tokens are encrypted where clients' are.

use http::{Request, header::AUTHORIZATION};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Office;
use crate::{
    certificates::Authority,
    support::{full, nobody},
};

#[tokio::test]
async fn the_port_is_encrypted_with_the_gateway_s_certificate() {
    let authority = Authority::new();
    let own = authority.issue("gateway");
    let variables = [("TLS_CERT_FILE", own.0.as_str()), ("TLS_KEY_FILE", &own.1)];
    let office = Office::open(&nobody(), &variables).await;
    let stream = authority.connect(office.gateway.admin(), "http/1.1", None).await.unwrap();
    let (mut send, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request =
        Request::get("/admin/status").header("host", "localhost").header(AUTHORIZATION, office.admin());
    let answer = send.send_request(request.body(full("")).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("config_version"));

    let mut plain = tokio::net::TcpStream::connect(office.gateway.admin()).await.unwrap();
    plain.write_all(b"GET /admin/status HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // However it ends, it is no answer.
    drop(plain.read_to_end(&mut answer).await);
    assert!(!answer.starts_with(b"HTTP/1.1 2") && !answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
}
