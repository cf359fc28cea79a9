//! Makes connections, encrypted where the backend's URL says so.

use std::{future::poll_fn, io, sync::Arc, time::Duration};

use http::Uri;
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use kernel_application::BoxError;
use platform_tls::ClientTls;
use tokio::{net::TcpStream, time::timeout};
use tower_service::Service;

/// What connections are made over.
type Io = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Each connection is made with the certificates as they are then.
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

    /// Connects to the host of `uri`. Its certificate is to be for `server_name`, or for that host where there is none.
    pub(crate) async fn connect(&self, uri: Uri, server_name: Option<&str>) -> Result<Io, BoxError> {
        let (http, tls) = (self.http.clone(), self.tls.current());
        let mut connector = match server_name {
            None => HttpsConnector::from((http, tls)),
            Some(name) => {
                let name = FixedServerNameResolver::new(name.to_owned().try_into()?);
                HttpsConnector::new(http, tls, false, Arc::new(name))
            }
        };
        let connecting = async move {
            poll_fn(|cx| connector.poll_ready(cx)).await?;
            connector.call(uri).await
        };
        let limited = timeout(self.limit, connecting).await;
        limited.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }
}
