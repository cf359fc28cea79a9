//! The server: HTTP/2 for gRPC, and HTTP/1.1 too for browsers, on one port.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use gateway_application::{CallReadiness, commands::call::Call};
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use kernel_application::{BoxError, CommandHandler};
use platform_identity::Authenticator;
use platform_tls::ServerTls;
use slog::Logger;
use tokio::{
    net::TcpStream,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tonic::{body::Body, service::RoutesBuilder};
use tonic_health::pb::health_server::HealthServer;

use crate::{
    edge::{Edge, EdgeSettings, Peer},
    health::OwnHealth,
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
    call: Arc<dyn CommandHandler<Call>>,
    readiness: CallReadiness,
    authenticator: Authenticator,
    tls: Option<Arc<ServerTls>>,
    logger: Logger,
}

impl GrpcGateway {
    /// Passes calls on by `call`, and answers for the health of the services by `readiness`.
    pub const fn new(
        settings: EdgeSettings,
        call: Arc<dyn CommandHandler<Call>>,
        readiness: CallReadiness,
        authenticator: Authenticator,
        logger: Logger,
    ) -> Self {
        Self { settings, call, readiness, authenticator, tls: None, logger }
    }

    /// Encrypts, where there is a certificate.
    #[must_use]
    pub fn tls(self, tls: Option<Arc<ServerTls>>) -> Self {
        Self { tls, ..self }
    }

    /// Serves on `listener` until it is stopped.
    pub fn serve(self, listener: TcpListener) -> Result<Serving, ServerError> {
        let Self { settings, call, readiness, authenticator, tls, logger } = self;
        let (leaving, stopping) = (watch::Sender::new(false), watch::Sender::new(false));
        let mut own = RoutesBuilder::default();
        reflection::add(&mut own, &readiness.names()).map_err(ServerError::Reflection)?;
        own.add_service(HealthServer::new(OwnHealth::new(readiness, leaving.subscribe())));
        let builder = builder(settings.header_bytes);
        let edge = Edge::new(settings, call, authenticator, own.routes());

        listener.set_nonblocking(true).map_err(ServerError::Listen)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(ServerError::Listen)?;
        let addr = listener.local_addr().map_err(ServerError::Listen)?;
        let acceptor = Acceptor { listener, builder, edge, tls, logger: logger.clone() };
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
    builder: Builder,
    edge: Edge,
    tls: Option<Arc<ServerTls>>,
    logger: Logger,
}

impl Acceptor {
    /// Accepts until `stopping`, and ends with the last connection. Dropped before that, it cuts all of them.
    async fn run(self, mut stopping: watch::Receiver<bool>) {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        // Where nobody can stop it any more, it is not needed either.
        let mut stopped = pin!(async move { drop(stopping.wait_for(|stopping| *stopping).await) });
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, peer)) => drop(connections.spawn(self.connection(socket, peer, &graceful))),
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
        graceful.shutdown().await;
    }

    /// Serves one connection. How it ends is between client and calls.
    fn connection(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
        graceful: &GracefulShutdown,
    ) -> impl Future<Output = Result<(), BoxError>> + Send + use<> {
        let (builder, edge, tls) = (self.builder.clone(), self.edge.clone(), self.tls.clone());
        let watcher = graceful.watcher();
        let peer = Peer { address: peer.ip(), secure: tls.is_some() };
        let service = service_fn(move |request: Request<Incoming>| {
            let edge = edge.clone();
            async move { Ok::<_, Infallible>(edge.serve(request.map(Body::new), peer).await) }
        });
        async move {
            socket.set_nodelay(true)?;
            let Some(tls) = tls else {
                let connection = builder.serve_connection(TokioIo::new(socket), service);
                return watcher.watch(connection).await;
            };
            let handshake = TlsAcceptor::from(tls.current()).accept(socket);
            let stream = timeout(HEAD, handshake).await??;
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            watcher.watch(connection).await
        }
    }
}
