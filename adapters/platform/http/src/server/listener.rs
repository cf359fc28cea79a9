//! Accepts connections, and finds who speaks over each. HTTP/1 is actix's where the server has routes alone, and ours where
//! it has a passage, whose requests are read by rules of its own; HTTP/2 is ours.

use std::{
    cell::Cell,
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
    http1, http2,
    lane::Lane,
    load::Load,
    refusal::Refusals,
    site::Site,
    stall::Stall,
    unread::Unread,
};
use crate::request::MakeReader;

/// What stands between a socket and the application; clones share it.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) tls: Option<Arc<ServerTls>>,
    /// What makes a reader for each connection, where there is a passage.
    pub(super) readers: Option<Arc<MakeReader>>,
    pub(super) refusals: Refusals,
    pub(super) stopping: watch::Receiver<bool>,
    /// How long a client may leave alone what is sent to it.
    pub(super) unread: Duration,
    pub(super) load: Load,
    pub(super) logger: Logger,
}

/// Serves applications, each with its passage, one per worker thread, on `listener`.
pub(super) fn listen<A, S, B>(
    app: impl Fn() -> (A, Option<Lane>) + Clone + Send + 'static,
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
        let (app, lane) = app();
        let (app, lane) = (Rc::new(app.into_factory()), Rc::new(Cell::new(lane)));
        let (gate, shutdown) = (gate.clone(), shutdown.clone());
        fn_factory(move || {
            let (app, lane, gate) = (Rc::clone(&app), Rc::clone(&lane), gate.clone());
            let shutdown = shutdown.clone();
            async move {
                let serving = Rc::new(Serving::start(&*app, lane.take(), gate, shutdown).await?);
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
    site: Rc<Site<S>>,
    http1: H1ServiceHandler<Unread<Connection>, Rc<S>, B, ExpectHandler, UpgradeHandler>,
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
    async fn start<F>(
        app: &F,
        lane: Option<Lane>,
        gate: Gate,
        shutdown: GracefulShutdownSignal,
    ) -> Result<Self, ()>
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
        let http1 = HttpService::build()
            .graceful_shutdown_signal(move || {
                let shutdown = shutdown.clone();
                async move { shutdown.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(SLOWEST_HEAD)
            .client_disconnect_timeout(DISCONNECT)
            .h1(Shared(Rc::clone(&app)))
            .new_service(())
            .await?;
        Ok(Self { site: Rc::new(Site::new(app, lane)), http1, gate })
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
        let Gate { unread, readers, refusals, load, .. } = &self.gate;
        let stall = Stall::new(*unread, load.clone());
        let served = match (protocol, readers) {
            (Protocol::Http1, Some(make_reader)) => {
                let (come, refusals) = ((first, peer), refusals.clone());
                let connection =
                    http1::Connection::new(connection, come, make_reader(), stall, stopping, refusals);
                connection.serve(&self.site).await.map_err(|failure| failure.to_string())
            }
            (Protocol::Http1, None) => {
                let connection = Unread::new(connection, first, stall);
                self.http1.call((connection, peer)).await.map_err(|failure| failure.to_string())
            }
            (Protocol::Http2, _) => {
                let connection = Unread::new(connection, first, stall);
                let served = http2::serve(connection, Rc::clone(&self.site), peer, *unread, stopping).await;
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
