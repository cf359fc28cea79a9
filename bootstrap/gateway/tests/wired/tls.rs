//! Encrypted connections, from clients and to backends.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use http::{Request, Response, Version};
use http_body_util::BodyExt;
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
    server::conn::http1 as server,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use platform_testkit::{PATIENCE, eventually};
use platform_tls::{Reloaded, ServerFiles};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, client::TlsStream};

use crate::{
    certificates::{Authority, Pair},
    support::{Backend, Gateway, full},
};

fn encrypted((certificate, key): &Pair) -> [(&'static str, &str); 2] {
    [("TLS_CERT_FILE", certificate), ("TLS_KEY_FILE", key)]
}

/// Asks over a connection that is made already, in the protocol that it was made for.
async fn get(stream: TlsStream<TcpStream>, target: &str) -> (Version, Value) {
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let request = Request::get(format!("https://localhost{target}"))
        .header("host", "localhost")
        .body(full(""))
        .unwrap();
    let response: Response<Incoming> = if h2 {
        let (mut send, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        send.send_request(request).await.unwrap()
    } else {
        let (mut send, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        send.send_request(request).await.unwrap()
    };
    assert_eq!(response.status(), 200);
    let version = response.version();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (version, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn clients_choose_the_protocol_of_an_encrypted_connection() {
    let (authority, backend) = (Authority::new(), Backend::echo().await);
    let pair = authority.issue("gateway");
    let gateway = Gateway::before(&backend.url(), &encrypted(&pair)).await;
    for (protocol, version) in [("h2", Version::HTTP_2), ("http/1.1", Version::HTTP_11)] {
        let stream = authority.connect(gateway.addr(), protocol, None).await.unwrap();
        let (spoken, seen) = get(stream, "/api/products?a=b").await;
        assert_eq!((spoken, seen["target"].as_str()), (version, Some("/products?a=b")));
        let headers = &seen["headers"];
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "localhost");
        assert_eq!(headers["forwarded"], "for=127.0.0.1;host=\"localhost\";proto=https");
    }
}

#[tokio::test]
async fn an_encrypted_port_speaks_no_cleartext_and_refuses_like_any_other() {
    let (authority, backend) = (Authority::new(), Backend::echo().await);
    let pair = authority.issue("gateway");
    let gateway = Gateway::before(&backend.url(), &encrypted(&pair)).await;
    let mut plain = TcpStream::connect(gateway.addr()).await.unwrap();
    plain.write_all(b"GET /api/products HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
    let mut stream = authority.connect(gateway.addr(), "http/1.1", None).await.unwrap();
    stream.write_all(b"GET /api/products HTTP/1.1\r\nHost: a\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("malformed_request"), "{answer}");
}

#[tokio::test]
async fn new_certificates_are_used_without_a_restart() {
    let (first, second) = (Authority::new(), Authority::new());
    let (pair, backend) = (first.issue("gateway"), Backend::echo().await);
    let gateway = Gateway::before(&backend.url(), &encrypted(&pair)).await;
    let open = first.connect(gateway.addr(), "http/1.1", None).await.unwrap();
    assert!(second.connect(gateway.addr(), "http/1.1", None).await.is_err());
    second.issue_into(&pair);
    let changed = async || second.connect(gateway.addr(), "http/1.1", None).await.ok();
    get(eventually(PATIENCE, changed).await.unwrap(), "/api/products").await;
    assert!(first.connect(gateway.addr(), "http/1.1", None).await.is_err());
    get(open, "/api/products").await;
}

#[tokio::test]
async fn clients_show_a_certificate_where_an_authority_is_named() {
    let (authority, clients, backend) = (Authority::new(), Authority::new(), Backend::echo().await);
    let pair = authority.issue("gateway");
    let ca = clients.file();
    let [certificate, key] = encrypted(&pair);
    let gateway = Gateway::before(&backend.url(), &[certificate, key, ("TLS_CLIENT_CA_FILE", &ca)]).await;
    let known = clients.issue("client");
    let stream = authority.connect(gateway.addr(), "h2", Some(&known)).await.unwrap();
    get(stream, "/api/products").await;
    let stranger = authority.issue("stranger");
    for identity in [None, Some(&stranger)] {
        // A client of TLS 1.3 learns of it with the first bytes that it reads.
        if let Ok(mut stream) = authority.connect(gateway.addr(), "http/1.1", identity).await {
            let _ = stream.write_all(b"GET /api/products HTTP/1.1\r\nHost: a\r\n\r\n").await;
            let mut answer = Vec::new();
            let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
            assert!(read.is_err() && answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
        }
    }
}

/// A backend that speaks TLS, and says under which name it was asked: `{server_name, host}`.
pub(crate) async fn encrypted_backend(files: ServerFiles) -> (SocketAddr, Arc<Reloaded<ServerFiles>>) {
    let tls = Reloaded::load(files).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, current) = (listener.local_addr().unwrap(), Arc::clone(&tls));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = TlsAcceptor::from(current.current());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(socket).await else { return };
                let name = stream.get_ref().1.server_name().map(str::to_owned);
                let service = service_fn(move |request: Request<Incoming>| {
                    let host = request.headers()["host"].to_str().unwrap().to_owned();
                    let seen = json!({ "server_name": name, "host": host });
                    async move { Ok::<_, Infallible>(Response::new(full(seen.to_string()))) }
                });
                let _ = server::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    (addr, tls)
}

#[tokio::test]
async fn backends_are_asked_over_tls_and_shown_a_certificate() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let (addr, _tls) = encrypted_backend(Authority::server(&servers.issue("backend"), Some(&clients))).await;
    let url = format!("https://localhost:{}", addr.port());
    let (ca, own) = (servers.file(), clients.issue("gateway"));
    let trusting = ("UPSTREAM_TLS_CA_FILE", ca.as_str());
    let shown = [("UPSTREAM_TLS_CERT_FILE", own.0.as_str()), ("UPSTREAM_TLS_KEY_FILE", own.1.as_str())];
    let gateway = Gateway::before(&url, &[trusting, shown[0], shown[1]]).await;
    let (status, answer) = gateway.get_json("/api/products").await;
    assert_eq!((status, &answer["server_name"]), (200, &"localhost".into()));
    assert_eq!(answer["host"], format!("localhost:{}", addr.port()));
    gateway.ready().await;
    let other = clients.file();
    for variables in [vec![trusting], vec![("UPSTREAM_TLS_CA_FILE", other.as_str()), shown[0], shown[1]]] {
        let gateway = Gateway::before(&url, &variables).await;
        let (status, problem) = gateway.get_json("/api/products").await;
        assert_eq!(status, 502, "{problem}");
    }
}

#[tokio::test]
async fn new_authorities_of_backends_are_believed_without_a_restart() {
    let (first, second) = (Authority::new(), Authority::new());
    let (addr, _tls) = encrypted_backend(Authority::server(&second.issue("backend"), None)).await;
    let url = format!("https://localhost:{}", addr.port());
    let ca = first.file();
    let gateway = Gateway::before(
        &url,
        &[("UPSTREAM_TLS_CA_FILE", &ca), ("CIRCUIT_BREAKER_ENABLED", "false"), ("OUTLIER_ENABLED", "false")],
    )
    .await;
    assert_eq!(gateway.get_json("/api/products").await.0, 502);
    std::fs::copy(second.file(), &ca).unwrap();
    let believed = async || (gateway.get_json("/api/products").await.0 == 200).then_some(());
    eventually(PATIENCE, believed).await.unwrap();
}
