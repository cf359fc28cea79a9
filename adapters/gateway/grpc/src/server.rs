//! The server: HTTP/2 for gRPC, and HTTP/1.1 too for browsers, on one port.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use gateway_application::CallReadiness;
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto,
};
use kernel_application::BoxError;
use platform_identity::Authenticator;
use platform_tls::ServerTls;
use slog::Logger;
use tokio::{
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tonic::{body::Body, service::RoutesBuilder};
use tonic_health::pb::health_server::HealthServer;

use crate::{
    connection::{self, Calls},
    edge::{Desk, Edge, EdgeSettings, Peer},
    health::OwnHealth,
    held::until_the_end,
    reflection,
};

/// How often a client is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(20));
/// How long a client may take for a handshake, or for the head of a request.
const HEAD: Duration = Duration::from_secs(10);
/// Where no connection can be accepted, nothing helps but to wait until others are closed.
const PAUSE: Duration = Duration::from_millis(100);
/// HTTP/2 counts more for each header than its name and value: those within our limit are to get through, so that those
/// beyond it get a status.
const HEADER_MARGIN: usize = 16 * 1024;

/// A server that is being put together.
pub struct GrpcGateway {
    settings: EdgeSettings,
    desk: Desk,
    readiness: CallReadiness,
    authenticator: Authenticator,
    tls: Option<Arc<ServerTls>>,
    logger: Logger,
}

impl GrpcGateway {
    /// Passes calls on to `desk`, and answers for the health of the services by `readiness`.
    pub const fn new(
        settings: EdgeSettings,
        desk: Desk,
        readiness: CallReadiness,
        authenticator: Authenticator,
        logger: Logger,
    ) -> Self {
        Self { settings, desk, readiness, authenticator, tls: None, logger }
    }

    /// Encrypts, where there is a certificate.
    #[must_use]
    pub fn tls(self, tls: Option<Arc<ServerTls>>) -> Self {
        Self { tls, ..self }
    }

    /// Serves on `listener` until it is stopped.
    pub fn serve(self, listener: TcpListener) -> Result<Serving, ServerError> {
        let Self { settings, desk, readiness, authenticator, tls, logger } = self;
        let (leaving, stopping) = (watch::Sender::new(false), watch::Sender::new(false));
        let mut own = RoutesBuilder::default();
        reflection::add(&mut own, &readiness.names()).map_err(ServerError::Reflection)?;
        own.add_service(HealthServer::new(OwnHealth::new(readiness, leaving.subscribe())));
        let builder = builder(settings.header_bytes);
        let places = Arc::new(Semaphore::new(settings.connections.min(Semaphore::MAX_PERMITS)));
        let edge = Edge::new(settings, desk, authenticator, own.routes());

        listener.set_nonblocking(true).map_err(ServerError::Listen)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(ServerError::Listen)?;
        let addr = listener.local_addr().map_err(ServerError::Listen)?;
        let acceptor = Acceptor { listener, places, builder, edge, tls, logger: logger.clone() };
        let task = tokio::spawn(acceptor.run(stopping.subscribe()));
        Ok(Serving { addr, leaving: Arc::new(leaving), stopping, task, logger })
    }
}

/// A server that serves, with its brake.
pub struct Serving {
    addr: SocketAddr,
    leaving: Arc<watch::Sender<bool>>,
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
    logger: Logger,
}

impl Serving {
    /// Where it listens: the real port where 0 was asked for.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Says from now on that nothing can be called, and still passes calls on.
    pub fn not_ready(&self) -> impl FnOnce() + Send + use<> {
        let leaving = Arc::clone(&self.leaving);
        move || {
            leaving.send_replace(true);
        }
    }

    /// Takes no new calls and waits up to `within` for those under way; then they are cut off.
    pub async fn stop(mut self, within: Duration) {
        self.leaving.send_replace(true);
        self.stopping.send_replace(true);
        match timeout(within, &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => slog::warn!(self.logger, "gRPC server ended badly"; "error" => %error),
            Err(_) => {
                self.task.abort();
                slog::warn!(self.logger, "gRPC server stopped with calls unfinished");
            }
        }
    }
}

/// Why a server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The listener cannot be used.
    #[error("gRPC listener cannot be used")]
    Listen(#[source] io::Error),
    /// The file descriptors do not fit the services.
    #[error("gRPC reflection cannot be built")]
    Reflection(#[source] tonic_reflection::server::Error),
}

type Builder = auto::Builder<TokioExecutor>;

fn builder(header_bytes: usize) -> Builder {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let (interval, patience) = KEEP_ALIVE;
    let header_bytes = u32::try_from(header_bytes.saturating_add(HEADER_MARGIN)).unwrap_or(u32::MAX);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(interval)
        .keep_alive_timeout(patience)
        .max_header_list_size(header_bytes);
    builder
}

struct Acceptor {
    listener: tokio::net::TcpListener,
    /// One for each connection.
    places: Arc<Semaphore>,
    builder: Builder,
    edge: Edge,
    tls: Option<Arc<ServerTls>>,
    logger: Logger,
}

impl Acceptor {
    /// Accepts until `stopping`, and ends with the last connection. Dropped before that, it cuts all of them.
    async fn run(self, stopping: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let mut told = stopping.clone();
        // Where nobody can stop it any more, it is not needed either.
        let mut stopped = pin!(async move { drop(told.wait_for(|stopping| *stopping).await) });
        loop {
            tokio::select! {
                accepted = self.accept() => match accepted {
                    Ok((socket, peer, place)) => {
                        let connection = self.connection(socket, peer, stopping.clone());
                        connections.spawn(async move {
                            let _place = place;
                            connection.await
                        });
                    }
                    Err(error) => {
                        slog::warn!(self.logger, "gRPC connection cannot be accepted"; "error" => %error);
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                Some(_) = connections.join_next() => {}
                () = &mut stopped => break,
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection, when there is a place for it. Until then clients wait, as they would for a busy server.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)?;
        let (socket, peer) = self.listener.accept().await?;
        Ok((socket, peer, place))
    }

    /// Serves one connection. How it ends is between client and calls.
    fn connection(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
        stopping: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<(), BoxError>> + Send + use<> {
        let (builder, edge, tls) = (self.builder.clone(), self.edge.clone(), self.tls.clone());
        let calls = Calls::none();
        let begun = calls.clone();
        let peer = Peer { address: peer.ip(), secure: tls.is_some() };
        let service = service_fn(move |request: Request<Incoming>| {
            let (edge, under_way) = (edge.clone(), begun.begin());
            async move {
                let response = edge.serve(request.map(Body::new), peer).await;
                Ok::<_, Infallible>(until_the_end(response, under_way))
            }
        });
        async move {
            socket.set_nodelay(true)?;
            let Some(tls) = tls else {
                return connection::serve(&builder, socket, service, &calls, stopping).await;
            };
            let handshake = TlsAcceptor::from(tls.current()).accept(socket);
            let stream = timeout(HEAD, handshake).await??;
            connection::serve(&builder, stream, service, &calls, stopping).await
        }
    }
}
