//! Makes connections, encrypted where the backend's URL says so.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use kernel_application::BoxError;
use platform_tls::ClientTls;
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

/// Each connection is made with the certificates as they are then.
#[derive(Clone)]
pub(crate) struct Connector {
    http: HttpConnector,
    tls: Arc<ClientTls>,
    /// What a connection may take, its handshake included.
    limit: Duration,
}

impl Connector {
    pub(crate) fn new(limit: Duration, tls: Arc<ClientTls>) -> Self {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        // Other schemes are encrypted on top of it.
        http.enforce_http(false);
        Self { http, tls, limit }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let mut connector = HttpsConnector::from((self.http.clone(), self.tls.current()));
        let connecting = async move {
            poll_fn(|cx| connector.poll_ready(cx)).await?;
            connector.call(uri).await
        };
        let limited = timeout(self.limit, connecting);
        Box::pin(async {
            limited.await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        })
    }
}
