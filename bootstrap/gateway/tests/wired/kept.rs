//! Connections that are kept for the next request.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::{Backend, Gateway, full, json};

/// A backend that answers one request on each connection, and hangs up when it has read a second one.
struct Impatient {
    url: String,
    /// The requests that it has read and not answered, probes aside.
    dropped: Arc<AtomicUsize>,
}

impl Impatient {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let dropped = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&dropped);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&counter)));
            }
        });
        Self { url, dropped }
    }

    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

async fn serve(mut socket: TcpStream, dropped: Arc<AtomicUsize>) {
    if read(&mut socket).await.is_some() {
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    }
    if read(&mut socket).await.is_some_and(|head| !head.contains("/health")) {
        dropped.fetch_add(1, Ordering::SeqCst);
    }
}

/// A request without a body; `None` where the gateway has closed the connection.
pub(crate) async fn read(socket: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if socket.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return None;
        }
    }
    Some(String::from_utf8(head).unwrap())
}

#[tokio::test]
async fn a_kept_connection_that_breaks_costs_no_get_and_no_backend_its_name() {
    let backend = Impatient::start().await;
    let gateway = Gateway::before(&backend.url, &[]).await;
    for _ in 0..5 {
        assert_eq!(gateway.get_json("/api/products").await.0, 200);
    }
    assert!(backend.dropped() > 0, "connections were used again");
    let metrics = gateway.metrics().await;
    assert!(!metrics.contains("gateway_upstream_errors_total{"), "{metrics}");
    assert!(!metrics.contains("gateway_upstream_retries_total{"), "{metrics}");
}

#[tokio::test]
async fn what_may_have_been_acted_on_is_not_repeated_over_another_connection() {
    let backend = Impatient::start().await;
    let gateway = Gateway::before(&backend.url, &[]).await;
    assert_eq!(gateway.get_json("/api/products").await.0, 200);
    let before = backend.dropped();
    let post = gateway.request(Method::POST, "/api/payments").body(full("")).unwrap();
    let (status, problem) = json(gateway.send(post).await).await;
    assert_eq!((status, problem["code"].as_str()), (502, Some("bad_backend_answer")));
    assert_eq!(backend.dropped(), before + 1, "it was sent once");
}

#[tokio::test]
async fn requests_one_after_the_other_share_a_connection() {
    let backend = Backend::echo().await;
    let gateway = Gateway::before(&backend.url(), &[("HEALTH_CHECK_INTERVAL", "1h")]).await;
    gateway.ready().await;
    let before = backend.connections();
    for _ in 0..20 {
        assert_eq!(gateway.get_json("/api/products").await.0, 200);
        let large = gateway.request(Method::POST, "/api/products").body(full(vec![b'x'; 300_000])).unwrap();
        assert_eq!(json(gateway.send(large).await).await.0, 200);
    }
    let made = backend.connections() - before;
    assert!(made <= 2, "each thread has its own, and this client's connections are with two: {made}");
}
