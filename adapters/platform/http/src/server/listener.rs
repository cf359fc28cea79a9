//! Accepts connections, and finds who speaks over each: HTTP/1 is actix's, behind a screen; HTTP/2 is ours.

use std::{
    future::{Ready, ready},
    io,
    net::TcpListener,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_http::{
    HttpService, Request, Response,
    h1::{ExpectHandler, H1ServiceHandler, UpgradeHandler},
};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, fn_factory, fn_service};
use actix_web::{
    body::{BoxBody, MessageBody},
    dev::AppConfig,
};
use platform_tls::ServerTls;
use slog::{Logger, debug};
use tokio::{net::TcpStream, sync::watch, time::timeout};

use super::{
    DISCONNECT, KEEP_ALIVE, Limits, SLOWEST_HEAD,
    connection::{Connection, Protocol},
    http2,
    load::Load,
    refusal::Refusals,
    screened::Screened,
    stall::Stall,
};
use crate::{Tunnel, screen::Screen};

/// Makes a screen for each connection.
pub(super) type Screens = Arc<dyn Fn() -> Box<dyn Screen> + Send + Sync>;

/// What stands between a socket and the application; clones share it.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) tls: Option<Arc<ServerTls>>,
    pub(super) screens: Option<Screens>,
    pub(super) refusals: Refusals,
    pub(super) stopping: watch::Receiver<bool>,
    /// How long a client may leave alone what is sent to it.
    pub(super) unread: Duration,
    pub(super) load: Load,
    pub(super) logger: Logger,
}

/// Serves applications, one per worker thread, on `listener`.
pub(super) fn listen<A, S, B>(
    app: impl Fn() -> A + Clone + Send + 'static,
    listener: TcpListener,
    limits: Limits,
    gate: Gate,
) -> io::Result<Server>
where
    A: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, InitError = ()> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Response: Into<Response<B>> + 'static,
    S::Error: Into<Response<BoxBody>> + 'static,
    B: MessageBody + 'static,
{
    let server = Server::build()
        .workers(limits.workers)
        .disable_signals()
        .shutdown_timeout(limits.shutdown.as_secs().max(1));
    let shutdown = server.graceful_shutdown_signal();
    let server = server.listen("http", listener, move || {
        let app = Rc::new(app().into_factory());
        let (gate, shutdown) = (gate.clone(), shutdown.clone());
        fn_factory(move || {
            let (app, gate, shutdown) = (Rc::clone(&app), gate.clone(), shutdown.clone());
            async move {
                let serving = Rc::new(Serving::start(&*app, gate, shutdown).await?);
                Ok::<_, ()>(fn_service(move |socket: TcpStream| {
                    let serving = Rc::clone(&serving);
                    async move {
                        serving.serve(socket).await;
                        Ok::<(), ()>(())
                    }
                }))
            }
        })
    })?;
    Ok(server.run())
}

/// A worker's application, reached over either protocol.
struct Serving<S, B>
where
    S: Service<Request>,
{
    app: Rc<S>,
    http1: H1ServiceHandler<Screened<Connection>, Rc<S>, B, ExpectHandler, UpgradeHandler>,
    gate: Gate,
}

impl<S, B> Serving<S, B>
where
    S: Service<Request> + 'static,
    S::Future: 'static,
    S::Response: Into<Response<B>> + 'static,
    S::Error: Into<Response<BoxBody>> + 'static,
    B: MessageBody + 'static,
{
    async fn start<F>(app: &F, gate: Gate, shutdown: GracefulShutdownSignal) -> Result<Self, ()>
    where
        F: ServiceFactory<
                Request,
                Config = AppConfig,
                InitError = (),
                Service = S,
                Response = S::Response,
                Error = S::Error,
            >,
    {
        let app = Rc::new(app.new_service(AppConfig::default()).await?);
        // A screen has its own clock for heads, which runs for each of them and not only for the first.
        let slowest = if gate.screens.is_some() { Duration::ZERO } else { SLOWEST_HEAD };
        let http1 = HttpService::build()
            .graceful_shutdown_signal(move || {
                let shutdown = shutdown.clone();
                async move { shutdown.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(slowest)
            .client_disconnect_timeout(DISCONNECT)
            .on_connect_ext(|connection: &Screened<Connection>, data| {
                data.insert::<Tunnel>(connection.tunnel());
            })
            .h1(Shared(Rc::clone(&app)))
            .new_service(())
            .await?;
        Ok(Self { app, http1, gate })
    }

    async fn serve(&self, socket: TcpStream) {
        let peer = socket.peer_addr().ok();
        let mut stopping = self.gate.stopping.clone();
        let opened = tokio::select! {
            opened = timeout(SLOWEST_HEAD, self.open(socket)) => opened,
            // Who has asked for nothing yet is not waited for.
            Ok(_) = stopping.wait_for(|stopping| *stopping) => return,
        };
        let (connection, protocol, first) = match opened {
            Ok(Ok(Some(opened))) => opened,
            Ok(Ok(None)) | Err(_) => return,
            Ok(Err(failure)) => {
                debug!(self.gate.logger, "connection failed"; "error" => %failure);
                return;
            }
        };
        let refusals = self.gate.refusals.clone();
        let refuse = move |problem| refusals.answer(problem, peer);
        let screen = self.gate.screens.as_ref().filter(|_| protocol == Protocol::Http1).map(|make| make());
        let (unread, stall) = (self.gate.unread, Stall::new(self.gate.unread, self.gate.load.clone()));
        let connection = Screened::new(connection, first, screen, SLOWEST_HEAD, stall, refuse);
        let served = match protocol {
            Protocol::Http1 => {
                self.http1.call((connection, peer)).await.map_err(|failure| failure.to_string())
            }
            Protocol::Http2 => {
                let served = http2::serve(connection, Rc::clone(&self.app), peer, unread, stopping).await;
                served.map_err(|failure| failure.to_string())
            }
        };
        if let Err(failure) = served {
            debug!(self.gate.logger, "connection failed"; "error" => failure);
        }
    }

    async fn open(&self, socket: TcpStream) -> io::Result<Option<(Connection, Protocol, Vec<u8>)>> {
        let mut connection = Connection::open(socket, self.gate.tls.as_deref()).await?;
        let spoken = connection.protocol().await?;
        Ok(spoken.map(|(protocol, first)| (connection, protocol, first)))
    }
}

/// A service that is there already, as actix wants it: made.
struct Shared<S>(Rc<S>);

impl<S: Service<Request>> ServiceFactory<Request> for Shared<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Config = ();
    type Service = Rc<S>;
    type InitError = ();
    type Future = Ready<Result<Rc<S>, ()>>;

    fn new_service(&self, (): ()) -> Self::Future {
        ready(Ok(Rc::clone(&self.0)))
    }
}
