//! Little backends, a gateway before them, and a client that sees every piece.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use gateway_service::Config;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Collected, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use platform_runtime::{Configuration, Launched, Settings};
use platform_telemetry::silent;
use platform_testkit::{PATIENCE, eventually};
use serde_json::Value;
use slog::Logger;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::{AbortHandle, JoinSet},
};

pub(crate) type Body = BoxBody<Bytes, std::io::Error>;

/// A body that is there at once.
pub(crate) fn full(content: impl Into<Bytes>) -> Body {
    Full::new(content.into()).map_err(|never| match never {}).boxed()
}

/// A body that is sent piece by piece, and ends with its sender.
pub(crate) fn pieces() -> (mpsc::Sender<std::io::Result<Bytes>>, Body) {
    let (sender, mut receiver) = mpsc::channel(1);
    let frame = |piece: std::io::Result<Bytes>| piece.map(Frame::data);
    let frames = stream::poll_fn(move |cx| receiver.poll_recv(cx).map(|piece| piece.map(frame)));
    (sender, BodyExt::boxed(StreamBody::new(frames)))
}

/// A backend on a free port.
pub(crate) struct Backend {
    pub(crate) addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    served: AbortHandle,
}

/// It is gone like a process that was killed: nobody listens, and all connections are cut.
impl Drop for Backend {
    fn drop(&mut self) {
        self.served.abort();
    }
}

impl Backend {
    pub(crate) async fn start<F, Fut>(handler: F) -> Self
    where
        F: Fn(Request<Incoming>) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), handler)
    }

    fn serve<F, Fut>(listener: TcpListener, handler: F) -> Self
    where
        F: Fn(Request<Incoming>) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let addr = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let serving = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let handler = handler.clone();
                let service = service_fn(move |request| {
                    let answer = handler(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                open.spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        });
        Self { addr, connections, served: serving.abort_handle() }
    }

    /// Answers with what it was asked: `{method, target, headers, body}`, and 200 on its health path.
    pub(crate) async fn echo() -> Self {
        Self::start(echo).await
    }

    /// The same, at an address that was given away before.
    pub(crate) async fn echo_at(port: u16) -> Self {
        Self::serve(TcpListener::bind(("127.0.0.1", port)).await.unwrap(), echo)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn echo(request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let headers: serde_json::Map<String, Value> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("?").into()))
        .collect();
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let seen = serde_json::json!({
        "method": head.method.as_str(),
        "target": head.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    Response::new(full(seen.to_string()))
}

/// A backend whose one answer is fed by the test.
pub(crate) async fn fed(kind: &'static str) -> (mpsc::Sender<std::io::Result<Bytes>>, Backend) {
    let (sender, body) = pieces();
    let body = Arc::new(Mutex::new(Some(body)));
    let backend = Backend::start(move |request| {
        let body = Arc::clone(&body);
        async move {
            if request.uri().path().starts_with("/health") {
                return Response::new(full(""));
            }
            let body = body.lock().await.take().unwrap();
            Response::builder().header(header::CONTENT_TYPE, kind).body(body).unwrap()
        }
    })
    .await;
    (sender, backend)
}

/// An address where nothing listens.
pub(crate) fn nobody() -> String {
    format!("http://127.0.0.1:{}", platform_testkit::free_port().unwrap())
}

/// A running gateway.
pub(crate) struct Gateway {
    addr: SocketAddr,
    /// Locked, so that tasks can share the gateway.
    launched: std::sync::Mutex<Launched>,
    client: Client<HttpConnector, Body>,
}

impl Gateway {
    /// All services at `url`, and further variables.
    pub(crate) async fn before(url: &str, variables: &[(&str, &str)]) -> Self {
        Self::logging(url, variables, silent()).await
    }

    /// The same, with its log.
    pub(crate) async fn logging(url: &str, variables: &[(&str, &str)], logger: Logger) -> Self {
        let services = ["PRODUCT", "BASKET", "PAYMENT", "NOTIFICATION"];
        let names = services.map(|service| format!("{service}_SERVICE_URLS"));
        let urls = names.iter().map(|name| (name.as_str(), url));
        // The clients of a test are all one address, and a backend that fails is to be asked nevertheless. Tests of the
        // limit and of health set these again.
        let usual = [
            ("PORT", "0"),
            ("RATE_LIMIT_ENABLED", "false"),
            ("HEALTH_CHECK_DOWN", "10000"),
            ("AUTH_MODE", "off"),
            ("GRPC_ENABLED", "false"),
            ("GRPC_PORT", "0"),
            ("ADMIN_ENABLED", "false"),
            ("ADMIN_PORT", "0"),
        ];
        let pairs = usual.into_iter().chain(urls).chain(variables.iter().copied());
        let mut settings = Settings::from_pairs(pairs);
        let config = Config::declare(&mut settings);
        settings.finish().unwrap();
        let running = gateway_service::start(config, logger).await.unwrap();
        let launched = running.launch(silent(), Duration::from_secs(20));
        let port = launched.addr("http").unwrap().port();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let launched = std::sync::Mutex::new(launched);
        Self { addr: SocketAddr::from(([127, 0, 0, 1], port)), launched, client }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it answers gRPC, if it does.
    pub(crate) fn grpc(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.launched.lock().unwrap().addr("grpc").unwrap().port()))
    }

    /// Where it lets operators in, if it does.
    pub(crate) fn admin(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.launched.lock().unwrap().addr("admin").unwrap().port()))
    }

    pub(crate) fn request(&self, method: Method, target: &str) -> http::request::Builder {
        Request::builder().method(method).uri(format!("http://{}{target}", self.addr))
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Incoming> {
        self.client.request(request).await.unwrap()
    }

    /// A request whose connection may be cut before there is an answer.
    pub(crate) async fn try_get(
        &self,
        target: &str,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        self.client.request(self.request(Method::GET, target).body(full("")).unwrap()).await
    }

    pub(crate) async fn get(&self, target: &str) -> Response<Incoming> {
        self.send(self.request(Method::GET, target).body(full("")).unwrap()).await
    }

    pub(crate) async fn get_json(&self, target: &str) -> (u16, Value) {
        json(self.get(target).await).await
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&self) {
        let ready = || async { (self.get_json("/health/ready").await.0 == 200).then_some(()) };
        eventually(PATIENCE, ready).await.unwrap();
    }

    /// What it has counted.
    pub(crate) async fn metrics(&self) -> String {
        String::from_utf8(bytes(self.get("/metrics").await).await.to_vec()).unwrap()
    }

    pub(crate) async fn stop(self) -> platform_runtime::Outcome {
        drop(self.client);
        self.launched.into_inner().unwrap().stop().await
    }
}

pub(crate) async fn bytes(response: Response<Incoming>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

pub(crate) async fn json(response: Response<Incoming>) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = bytes(response).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// The next piece of a body.
pub(crate) async fn piece(body: &mut Incoming) -> Option<Bytes> {
    body.frame().await.map(|frame| frame.unwrap().into_data().unwrap())
}
