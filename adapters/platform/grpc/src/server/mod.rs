//! A gRPC server: services of a context behind one layer, with health and reflection.
//!
//! What every call needs goes into `layer`, who calls is found out in `caller`; what the process needs to start and stop goes here.

mod caller;
mod health;
mod layer;
mod limits;
mod methods;
mod record;

use std::{convert::Infallible, future::Future, io, net::SocketAddr, net::TcpListener, time::Duration};

use http::{Request, Response};
use platform_identity::Authenticator;
use platform_telemetry::RpcMetrics;
use slog::Logger;
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};
use tonic::{
    body::Body,
    server::NamedService,
    service::RoutesBuilder,
    transport::{Server, server::TcpIncoming},
};
use tower::Service;

use self::{layer::CallLayer, methods::Methods};

/// How much a server takes on, and for how long.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The longest a call may take, whatever deadline its caller has.
    pub call_timeout: Duration,
    /// Calls at a time; one more is `UNAVAILABLE` at once.
    pub max_in_flight: usize,
    /// Bytes of a request, framing included.
    pub max_request_bytes: usize,
    /// How long calls in flight may go on after the shutdown signal.
    pub drain: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            call_timeout: Duration::from_secs(10),
            max_in_flight: 512,
            max_request_bytes: 1024 * 1024,
            drain: Duration::from_secs(30),
        }
    }
}

/// A server that is being put together.
pub struct GrpcServer {
    settings: ServerSettings,
    logger: Logger,
    metrics: RpcMetrics,
    authenticator: Authenticator,
    routes: RoutesBuilder,
    names: Vec<&'static str>,
}

impl GrpcServer {
    /// A server without services, to which everybody is nobody.
    pub fn new(settings: ServerSettings, logger: Logger, metrics: RpcMetrics) -> Self {
        let (authenticator, routes) = (Authenticator::nobody(), RoutesBuilder::default());
        Self { settings, logger, metrics, authenticator, routes, names: Vec::new() }
    }

    /// Who finds out who calls. Without it the server knows no identities, and whatever needs one is closed; a server
    /// that is open to all is given [`Authenticator::off`].
    #[must_use]
    pub fn authenticator(self, authenticator: Authenticator) -> Self {
        Self { authenticator, ..self }
    }

    /// Adds a generated service: `ProductServiceServer::new(…)`.
    #[must_use]
    pub fn service<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.names.push(S::NAME);
        self.routes.add_service(service);
        self
    }

    /// Serves on `listener` until `shutdown`; health follows `ready` and says no from the shutdown on.
    pub async fn start(
        mut self,
        listener: TcpListener,
        ready: watch::Receiver<bool>,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<RunningServer, ServerError> {
        let layer = CallLayer::new(
            &self.settings,
            self.logger.clone(),
            self.metrics.clone(),
            self.authenticator.clone(),
            Methods::of(&self.names).map_err(|error| ServerError::Reflection(error.into()))?,
        );
        let (stop, stopping) = watch::channel(false);
        health::serve(&mut self.routes, self.names.clone(), ready, stopping.clone()).await;
        add_reflection(&mut self.routes, &self.names)?;

        listener.set_nonblocking(true).map_err(ServerError::Listen)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(ServerError::Listen)?;
        let local_addr = listener.local_addr().map_err(ServerError::Listen)?;
        let serving = Server::builder()
            .layer(layer)
            .http2_keepalive_interval(Some(Duration::from_secs(20)))
            .add_routes(self.routes.routes())
            .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), async move {
                shutdown.await;
                stop.send_replace(true);
            });
        let task = tokio::spawn(drain(serving, stopping, self.settings.drain, self.logger));
        Ok(RunningServer { local_addr, task })
    }
}

impl GrpcServer {
    /// Serves on `listener` until it is stopped; health follows `ready`.
    pub async fn serve(
        self,
        listener: TcpListener,
        ready: watch::Receiver<bool>,
    ) -> Result<Serving, ServerError> {
        let logger = self.logger.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        // The sender gone means the same as the signal.
        let server = self.start(listener, ready, async { drop(stopped.await) }).await?;
        Ok(Serving { server, stop, logger })
    }
}

/// A server with its brake.
#[derive(Debug)]
pub struct Serving {
    server: RunningServer,
    stop: oneshot::Sender<()>,
    logger: Logger,
}

impl Serving {
    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Takes no new calls and waits up to `within` for those in flight.
    pub async fn stop(self, within: Duration) {
        drop(self.stop);
        match tokio::time::timeout(within, self.server.stopped()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => slog::warn!(self.logger, "gRPC server ended badly"; "error" => %error),
            Err(_) => slog::warn!(self.logger, "gRPC server stopped with calls unfinished"),
        }
    }
}

/// A server that serves.
#[derive(Debug)]
pub struct RunningServer {
    local_addr: SocketAddr,
    task: JoinHandle<Result<(), tonic::transport::Error>>,
}

impl RunningServer {
    /// Where it listens: the real port where 0 was asked for.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Waits until it has stopped: calls in flight are answered, or the drain time is over.
    pub async fn stopped(self) -> Result<(), ServerError> {
        match self.task.await {
            Ok(served) => served.map_err(ServerError::Serve),
            Err(error) => Err(ServerError::Task(error)),
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
    Reflection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The transport failed.
    #[error("gRPC server failed")]
    Serve(#[source] tonic::transport::Error),
    /// The server's task was stopped from outside.
    #[error("gRPC server task ended")]
    Task(#[source] tokio::task::JoinError),
}

fn add_reflection(routes: &mut RoutesBuilder, names: &[&str]) -> Result<(), ServerError> {
    let builder = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        names.iter().fold(builder, |builder, name| builder.with_service_name(*name))
    };
    let failed = |error: tonic_reflection::server::Error| ServerError::Reflection(error.into());
    routes.add_service(builder().build_v1().map_err(failed)?);
    routes.add_service(builder().build_v1alpha().map_err(failed)?);
    Ok(())
}

/// Long-lived streams (a health watch, say) would keep a graceful shutdown waiting for ever.
async fn drain(
    serving: impl Future<Output = Result<(), tonic::transport::Error>>,
    mut stopping: watch::Receiver<bool>,
    limit: Duration,
    logger: Logger,
) -> Result<(), tonic::transport::Error> {
    let overdue = async {
        if stopping.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(limit).await;
    };
    tokio::select! {
        served = serving => served,
        () = overdue => {
            slog::warn!(logger, "gRPC connections were cut off at shutdown"; "drain_ms" => limit.as_millis());
            Ok(())
        }
    }
}
