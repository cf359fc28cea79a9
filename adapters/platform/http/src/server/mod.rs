//! The HTTP server of a service: routes of the context, routes of operations, the edge around both.

mod around;
mod call;
mod caller;
mod connection;
mod edge;
mod http1;
mod http2;
mod lane;
mod line;
mod listener;
mod load;
mod methods;
mod operations;
mod passage;
mod prefix;
mod refusal;
mod rejected;
mod running;
mod security;
mod site;
mod stall;
#[cfg(test)]
mod tests;
mod unread;
mod wakeful;

use std::{io, net::TcpListener, rc::Rc, sync::Arc, time::Duration};

use actix_web::{
    App,
    middleware::from_fn,
    web::{self, Data},
};
use platform_identity::Authenticator;
use platform_telemetry::{HttpMetrics, Metrics, component, silent};
use platform_tls::ServerTls;
use slog::Logger;
use tokio::sync::watch;
use utoipa::openapi::{InfoBuilder, OpenApi};
use utoipa_actix_web::{AppExt, service_config::ServiceConfig};

pub use self::{
    around::{Around, Begun, Complete, Instead},
    line::{AccessLine, Sent},
    passage::{Passage, Passed, PassedAnswer, PassedBody, Passing},
    rejected::OnRejected,
    running::RunningHttp,
};
use self::{
    edge::Edge,
    lane::Lane,
    listener::{Gate, listen},
    load::Load,
    methods::Methods,
    passage::{Below, MakePassage},
    refusal::Refusals,
};
use crate::{Health, RequestReader, Stopping, extract::REQUEST_TIMEOUT, request::MakeReader};

type Routes = Arc<dyn Fn(&mut ServiceConfig<'_>) + Send + Sync>;
type Passages = Option<(&'static str, Arc<MakePassage>)>;
type Readers = Option<Arc<MakeReader>>;

/// Builds a server.
pub struct HttpServer {
    name: &'static str,
    version: &'static str,
    description: &'static str,
    routes: Routes,
    passage: Passages,
    authenticator: Authenticator,
    /// Whether callers need identities.
    identities: bool,
    on_rejected: Option<Arc<dyn OnRejected>>,
    around: Option<Arc<dyn Around>>,
    health: Option<Arc<Health>>,
    metrics: Metrics,
    logger: Logger,
    limits: Limits,
    readers: Readers,
    tls: Option<Arc<ServerTls>>,
}

#[derive(Clone, Copy)]
struct Limits {
    workers: usize,
    in_flight: usize,
    request: Duration,
    unread: Duration,
    shutdown: Duration,
}

/// How many requests may be handled at once before others are turned away.
const IN_FLIGHT: usize = 1024;
/// More threads than this only help where handlers compute, and ours wait for stores and peers.
const MOST_WORKERS: usize = 4;
/// How long a client may take to send the head of its request.
const SLOWEST_HEAD: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what is sent to it.
const UNREAD: Duration = Duration::from_secs(20);
/// How long a connection may idle.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a closing connection may take.
const DISCONNECT: Duration = Duration::from_secs(2);

impl HttpServer {
    /// A server without routes; name, version and description go into the OpenAPI document.
    pub fn new(name: &'static str, version: &'static str, description: &'static str) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let limits = Limits {
            workers: cores.min(MOST_WORKERS),
            in_flight: IN_FLIGHT,
            request: REQUEST_TIMEOUT,
            unread: UNREAD,
            shutdown: Duration::from_secs(30),
        };
        let (metrics, logger) = (Metrics::new(), silent());
        Self {
            name,
            version,
            description,
            routes: Arc::new(|_| {}),
            passage: None,
            authenticator: Authenticator::nobody(),
            identities: true,
            on_rejected: None,
            around: None,
            health: None,
            metrics,
            logger,
            limits,
            readers: None,
            tls: None,
        }
    }

    /// The context's routes. Called once per worker thread: hand in clones of shared state.
    #[must_use]
    pub fn routes(self, routes: impl Fn(&mut ServiceConfig<'_>) + Send + Sync + 'static) -> Self {
        Self { routes: Arc::new(routes), ..self }
    }

    /// What answers everything below `prefix`, as in `/api`, instead of routes; `make` is called once per worker thread.
    /// `reader` makes what reads each connection of HTTP/1, that is all requests over it, on the thread that serves it.
    #[must_use]
    pub fn passage<P: Passage, R: RequestReader + 'static>(
        self,
        prefix: &'static str,
        make: impl Fn() -> P + Send + Sync + 'static,
        reader: impl Fn() -> R + Send + Sync + 'static,
    ) -> Self {
        let make: Arc<MakePassage> = Arc::new(move || Rc::new(make()));
        let reader: Arc<MakeReader> = Arc::new(move || Box::new(reader()));
        Self { passage: Some((prefix, make)), readers: Some(reader), ..self }
    }

    /// Who finds out who calls. Without it, and unless the server is [open to all](Self::open_to_all), everybody is
    /// anonymous whatever they send, and gets what is public.
    #[must_use]
    pub fn authenticator(self, authenticator: Authenticator) -> Self {
        Self { authenticator, identities: true, ..self }
    }

    /// Lets everybody in everywhere, as [`Caller::Trusted`](kernel_application::Caller::Trusted): for a server that knows no
    /// identities. Its OpenAPI document says nothing of tokens.
    #[must_use]
    pub fn open_to_all(self) -> Self {
        Self { authenticator: Authenticator::off(), identities: false, ..self }
    }

    /// What hears of requests whose token is no good.
    #[must_use]
    pub fn on_rejected(self, on_rejected: impl OnRejected) -> Self {
        Self { on_rejected: Some(Arc::new(on_rejected)), ..self }
    }

    /// What sees every request first and every answer last.
    #[must_use]
    pub fn around(self, around: impl Around) -> Self {
        Self { around: Some(Arc::new(around)), ..self }
    }

    /// Encrypts all connections, each with the certificates as they are when it is made. Clients choose HTTP/2 or HTTP/1.1.
    #[must_use]
    pub fn tls(self, tls: Arc<ServerTls>) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// What `/health` reports. Without it the service has no dependencies.
    #[must_use]
    pub fn health(self, health: Arc<Health>) -> Self {
        Self { health: Some(health), ..self }
    }

    /// What `/metrics` shows; the server adds its own figures.
    #[must_use]
    pub fn metrics(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// Where the access log goes.
    #[must_use]
    pub fn logger(self, logger: &Logger) -> Self {
        self.logger_named(logger, "http")
    }

    /// The same for a server beside the service's own: its lines are told apart by the component's name.
    #[must_use]
    pub fn logger_named(self, logger: &Logger, name: &'static str) -> Self {
        Self { logger: component(logger, name), ..self }
    }

    /// The number of worker threads; by default one per core, four at most.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.limits.workers = workers.max(1);
        self
    }

    /// How many requests may be handled at once; more are answered 503 (default 1024).
    #[must_use]
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.limits.in_flight = requests;
        self
    }

    /// The deadline of a request, from the arrival of its head (default 30 s).
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.limits.request = timeout;
        self
    }

    /// How long a client may take nothing of what is sent to it, before its connection or stream is cut (default 20 s).
    #[must_use]
    pub fn unread_timeout(mut self, timeout: Duration) -> Self {
        self.limits.unread = timeout;
        self
    }

    /// How long workers wait for requests when they stop (default 30 s).
    #[must_use]
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.limits.shutdown = timeout;
        self
    }

    /// Serves on `listener` from now on. Needs a Tokio runtime around it; installs no signal handlers.
    pub fn bind(self, listener: TcpListener) -> io::Result<RunningHttp> {
        let addr = listener.local_addr()?;
        let (stopping, stopped) = watch::channel(false);
        let health = self.health.clone().unwrap_or_else(|| Health::new(Vec::new(), self.logger.clone()));
        let metrics = HttpMetrics::new(&self.metrics);
        let load = Load::new(self.limits.in_flight);
        let gate = Gate {
            refusals: Refusals { metrics: metrics.clone(), logger: self.logger.clone() },
            tls: self.tls,
            readers: self.readers,
            stopping: stopped.clone(),
            unread: self.limits.unread,
            load: load.clone(),
            logger: self.logger.clone(),
        };
        let parts = Parts {
            info: (self.name, self.version, self.description),
            routes: self.routes,
            passage: self.passage,
            identities: self.identities,
            health: Arc::clone(&health),
            metrics: self.metrics.clone(),
            edge: Edge {
                authenticator: self.authenticator,
                on_rejected: self.on_rejected,
                around: self.around,
                logger: self.logger.clone(),
                metrics,
                load: load.clone(),
                timeout: self.limits.request,
                stopping: stopped,
                encrypted: gate.tls.is_some(),
            },
        };
        let server = serve(parts, listener, self.limits, gate)?;
        Ok(RunningHttp::start(addr, server, stopping, health, load, self.logger))
    }
}

/// What every worker's application is made of.
#[derive(Clone)]
struct Parts {
    info: (&'static str, &'static str, &'static str),
    routes: Routes,
    passage: Passages,
    /// Whether callers need identities.
    identities: bool,
    health: Arc<Health>,
    metrics: Metrics,
    edge: Edge,
}

fn serve(
    parts: Parts,
    listener: TcpListener,
    limits: Limits,
    gate: Gate,
) -> io::Result<actix_server::Server> {
    let app = move || {
        let parts = parts.clone();
        let (app, api) = App::new()
            .into_utoipa_app()
            .configure(|cfg| (parts.routes)(cfg))
            .configure(operations::routes)
            .split_for_parts();
        let mut api = describe(api, parts.info);
        if parts.identities {
            security::describe(&mut api);
        }
        let methods = Rc::new(Methods::of(&api));
        let edge = Rc::new(parts.edge);
        let below = parts.passage.map(|(prefix, make)| Below::new(prefix, make()));
        let lane = below.map(|below| Lane::new(Rc::clone(&edge), Rc::clone(&methods), below));
        let app = app
            .app_data(Data::from(parts.health))
            .app_data(Data::new(parts.metrics))
            .app_data(Stopping(edge.stopping.clone()))
            .app_data(Rc::clone(&methods))
            .configure(|cfg| operations::documents(cfg, api))
            .default_service(web::to(methods::no_such_route))
            .wrap(from_fn(move |request, next| {
                edge::serve(Rc::clone(&edge), Rc::clone(&methods), request, next)
            }));
        (app, lane)
    };
    listen(app, listener, limits, gate)
}

fn describe(mut api: OpenApi, (name, version, description): (&str, &str, &str)) -> OpenApi {
    api.info = InfoBuilder::new().title(name).version(version).description(Some(description)).build();
    api
}
