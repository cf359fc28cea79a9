//! The edge: everything that happens to every request before its route and after it.
//!
//! In: call context, back-pressure, caller, `HEAD`. Out: problems completed, headers, one access-log line, metrics.

use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        ConnectionType, Method, StatusCode, Uri, Version,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
};
use futures_util::FutureExt;
use kernel_application::{CallContext, Caller, Denied};
use platform_identity::{Authenticator, Rejected};
use platform_telemetry::HttpMetrics;
use slog::{Logger, debug, error, info};
use tokio::sync::watch;

use super::{
    around::{Around, Begun},
    caller::{asks_nobody, identify},
    line::AccessLine,
    load::{Load, Open, Tracked},
    methods::{Known, Methods},
    passage::{Below, Passed, Passing},
    prefix::Prefix,
    rejected::OnRejected,
};
use crate::{
    Problem, Stopping,
    extract::{REQUEST_ID, TRACEPARENT, open},
};

/// What the edge needs; clones share counters.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) authenticator: Authenticator,
    pub(super) on_rejected: Option<Arc<dyn OnRejected>>,
    pub(super) around: Option<Arc<dyn Around>>,
    pub(super) logger: Logger,
    pub(super) metrics: HttpMetrics,
    pub(super) load: Load,
    pub(super) timeout: Duration,
    pub(super) stopping: watch::Receiver<bool>,
}

const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// How long after the deadline a handler that does not watch it is given up.
const GRACE: Duration = Duration::from_secs(5);

/// The middleware.
pub(super) async fn serve(
    edge: Rc<Edge>,
    methods: Rc<Methods>,
    below: Option<Rc<Below>>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut call = Call::start(edge, Rc::clone(&methods), &request);
    let Some(_place) = call.edge.load.enter(call.is_probe()) else {
        let response = call.finish(None, turned_away());
        return Ok(request.into_response(response));
    };
    if let Some(instead) = call.around.as_mut().and_then(|begun| begun.answer.take()) {
        let response = call.finish(Some(instead.route), instead.response);
        return Ok(request.into_response(response));
    }
    if let Err(refusal) = call.identify(request.request()).await {
        let response = call.finish(None, refusal);
        return Ok(request.into_response(response));
    }
    if let Some(below) = below.filter(|below| below.has(call.path())) {
        return pass(&below, &mut call, request).await;
    }
    request.extensions_mut().insert(Rc::clone(&call.ctx));
    let known = methods.at(call.path());
    if request.method() == Method::HEAD && known.head_by_get() {
        request.head_mut().method = Method::GET;
    }
    if let Some((route, response)) = call.refusal(&known, &request) {
        let response = call.finish(route, response);
        return Ok(request.into_response(response));
    }
    let limit = call.edge.timeout.saturating_add(GRACE);
    let answer = AssertUnwindSafe(tokio::time::timeout(limit, next.call(request))).catch_unwind().await;
    match answer {
        Ok(Ok(Ok(response))) => {
            let (request, response) = response.into_parts();
            let response = call.finish(request.match_pattern().as_deref(), response);
            Ok(ServiceResponse::new(request, response))
        }
        Ok(Ok(Err(error))) => failed(call.finish(None, error.error_response())),
        Ok(Err(_)) => failed(call.finish(None, Problem::bare(StatusCode::GATEWAY_TIMEOUT).answer())),
        // The panic's own line is the panic hook's business.
        Err(_) => failed(call.finish(None, Problem::bare(StatusCode::INTERNAL_SERVER_ERROR).answer())),
    }
}

/// What is below the prefix of a passage.
async fn pass(
    below: &Below,
    call: &mut Call,
    request: ServiceRequest,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some(response) = unmet(&request) {
        let response = call.finish(None, response);
        return Ok(request.into_response(response));
    }
    let (request, payload) = request.into_parts();
    let (ctx, stopping) = (Rc::clone(&call.ctx), Stopping(call.edge.stopping.clone()));
    let passing = Passing { ctx, request: request.clone(), payload, stopping };
    match AssertUnwindSafe(async { below.passage.pass(passing).await }).catch_unwind().await {
        Ok(Ok(Passed { response, line })) => {
            let response = call.finish_with(Some(&below.route), response, line);
            Ok(ServiceResponse::new(request, response))
        }
        Ok(Err(problem)) => {
            let response = call.finish(Some(&below.route), problem.answer());
            Ok(ServiceResponse::new(request, response))
        }
        Err(_) => {
            failed(call.finish(Some(&below.route), Problem::bare(StatusCode::INTERNAL_SERVER_ERROR).answer()))
        }
    }
}

/// Without the request there is no `ServiceResponse`; an error that carries the whole answer does as well.
fn failed<T>(response: HttpResponse) -> Result<T, Error> {
    Err(InternalError::from_response("request was given up", response).into())
}

fn turned_away() -> HttpResponse {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too many requests at once; try again later")
        .answer()
}

/// The answer to who would wait for a word that this protocol's implementation does not have.
fn unmet(request: &ServiceRequest) -> Option<HttpResponse> {
    let asked = request.version() == Version::HTTP_2 && request.headers().contains_key(header::EXPECT);
    let detail = "over HTTP/2 no expectation is met: send the body without one";
    asked.then(|| Problem::new(StatusCode::EXPECTATION_FAILED, "expectation_failed", detail).answer())
}

/// One request, from its head to the log line.
struct Call {
    edge: Rc<Edge>,
    methods: Rc<Methods>,
    ctx: Rc<CallContext>,
    method: Method,
    uri: Uri,
    prefix: Option<Prefix>,
    peer: Option<SocketAddr>,
    start: Instant,
    around: Option<Begun>,
    /// Until the request is reported, and its answer goes on with it.
    open: Option<Open>,
}

impl Call {
    fn start(edge: Rc<Edge>, methods: Rc<Methods>, request: &ServiceRequest) -> Self {
        edge.metrics.started();
        let start = Instant::now();
        Self {
            open: Some(edge.load.open()),
            ctx: Rc::new(open(request.headers(), start, edge.timeout)),
            method: request.method().clone(),
            uri: request.uri().clone(),
            prefix: Prefix::of(request.headers()),
            peer: request.peer_addr(),
            start,
            around: edge.around.as_ref().map(|around| around.begin(request)),
            edge,
            methods,
        }
    }

    fn path(&self) -> &str {
        self.uri.path()
    }

    async fn identify(&mut self, request: &HttpRequest) -> Result<(), HttpResponse> {
        if asks_nobody(self.path()) {
            return Ok(());
        }
        match identify(&self.edge.authenticator, request.headers()).await {
            Ok(Caller::Anonymous) => Ok(()),
            Ok(caller) => {
                Rc::make_mut(&mut self.ctx).identify(caller);
                Ok(())
            }
            Err(rejected) => Err(self.reject(rejected, request).await),
        }
    }

    async fn reject(&self, rejected: Rejected, request: &HttpRequest) -> HttpResponse {
        let (reason, id) = (rejected.reason(), self.ctx.request_id());
        info!(self.edge.logger, "token refused"; "reason" => reason, "request_id" => id);
        let hook = self.edge.on_rejected.as_ref().filter(|_| !rejected.is_unavailable());
        let instead = match hook {
            Some(hook) => hook.rejected(&self.ctx, request).await,
            None => None,
        };
        instead.unwrap_or_else(|| Problem::rejected(rejected).answer())
    }

    fn is_probe(&self) -> bool {
        matches!(self.path(), "/metrics" | "/health" | "/health/live" | "/health/ready")
    }

    /// The answer to what no route is to see, and the route that it would have been.
    fn refusal<'a>(
        &self,
        known: &Known<'a>,
        request: &ServiceRequest,
    ) -> Option<(Option<&'a str>, HttpResponse)> {
        // Asked before the router: it would hand `PUT /things/stats` to `PUT /things/{id}`.
        if known.refuses(request.method()) {
            return Some((known.resource(), known.refuse(request.method())));
        }
        if let Some(response) = unmet(request) {
            return Some((None, response));
        }
        // Nobody's body is looked at where it would not count.
        let nobody = *self.ctx.caller() == Caller::Anonymous;
        (nobody && known.needs_token(request.method()))
            .then(|| (None, Problem::of(&Denied::Unauthenticated).answer()))
    }

    fn finish(&mut self, route: Option<&str>, response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
        self.finish_with(route, response, None)
    }

    fn finish_with(
        &mut self,
        route: Option<&str>,
        response: HttpResponse<BoxBody>,
        line: Option<AccessLine>,
    ) -> HttpResponse<BoxBody> {
        let failure = unexplained(&response);
        let mut response = self.explain(response);
        self.complete_headers(&mut response);
        let status = response.status().as_u16();
        self.report(route, status, failure, line.is_some());
        let line = line.map(|line| line.begin(status, self.start));
        let open = self.open.take();
        response.map_body(|_, body| BoxBody::new(Tracked::new(body, open, line)))
    }

    /// Makes sure that every failure is a whole problem.
    fn explain(&self, mut response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
        let status = response.status();
        if status.is_success() || status.is_redirection() || status.is_informational() {
            return response;
        }
        if status == StatusCode::METHOD_NOT_ALLOWED && !response.headers().contains_key(header::ALLOW) {
            let allow = self.methods.at(self.path()).allow().unwrap_or_default();
            put(&mut response, header::ALLOW, allow);
        }
        let problem = response.extensions().get::<Problem>().cloned();
        let empty = matches!(response.body().size(), BodySize::None | BodySize::Sized(0));
        let Some(problem) =
            problem.or_else(|| (empty || response.error().is_some()).then(|| Problem::bare(status)))
        else {
            // A route that writes its own answer, such as one passed on from another service, is left alone.
            return response;
        };
        put(&mut response, header::CONTENT_TYPE, Problem::CONTENT_TYPE);
        let body = problem.of_request(self.instance(), self.ctx.request_id()).body();
        response.map_body(|_, _| BoxBody::new(body))
    }

    /// The path as the client knows it.
    fn instance(&self) -> String {
        let prefix = self.prefix.as_ref().and_then(Prefix::path).unwrap_or_default();
        [prefix, self.path()].concat()
    }

    fn complete_headers(&mut self, response: &mut HttpResponse<BoxBody>) {
        put(response, REQUEST_ID, self.ctx.request_id());
        put(response, TRACEPARENT, self.ctx.trace().text().as_bytes());
        add(response, header::X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        add(response, header::CACHE_CONTROL, NO_STORE);
        if let Some(begun) = self.around.take() {
            (begun.complete)(response.headers_mut());
        }
        if *self.edge.stopping.borrow() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
    }

    /// Counts the request, and writes its line unless a passage does so.
    fn report(&self, route: Option<&str>, status: u16, failure: Option<String>, written: bool) {
        let route = route.or_else(|| self.methods.at(self.path()).template(&self.method));
        let route = route.unwrap_or("unmatched");
        let elapsed = self.start.elapsed();
        self.edge.metrics.finished(self.method.as_str(), route, status, elapsed);
        if written {
            return;
        }
        let fields = slog::kv!(
            "method" => self.method.as_str(),
            "route" => route,
            "status" => status,
            "duration_ms" => u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            "request_id" => self.ctx.request_id(),
            "trace_id" => self.ctx.trace().trace_id(),
            "peer" => self.peer.map(|peer| peer.ip().to_string()).unwrap_or_default(),
            "subject" => self.ctx.caller().principal().map(|known| known.subject().to_string()),
        );
        match failure {
            Some(failure) => error!(self.edge.logger, "request failed"; &fields, "error" => failure),
            None if self.is_probe() => debug!(self.edge.logger, "request"; &fields),
            None => info!(self.edge.logger, "request"; &fields),
        }
    }
}

/// A request dropped half-way is counted and logged all the same: a stop ran out of time, or the client has taken it back
/// over HTTP/2, or does not read. One that goes away over HTTP/1 does not drop it: what was begun is finished.
impl Drop for Call {
    fn drop(&mut self) {
        const DROPPED: u16 = 499;
        if self.open.is_some() {
            self.report(None, DROPPED, None, false);
        }
    }
}

/// The error behind a 5xx that no use case has logged.
fn unexplained(response: &HttpResponse<BoxBody>) -> Option<String> {
    let ours = response.status().is_server_error() && response.extensions().get::<Problem>().is_none();
    if ours { response.error().map(ToString::to_string) } else { None }
}

/// Sets a header; what no header can hold is left out.
fn put(response: &mut HttpResponse<BoxBody>, name: HeaderName, value: impl AsRef<[u8]>) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_ref()) {
        response.headers_mut().insert(name, value);
    }
}

/// Sets a header of which nothing was said.
fn add(response: &mut HttpResponse<BoxBody>, name: HeaderName, value: HeaderValue) {
    let headers = response.headers_mut();
    if !headers.contains_key(&name) {
        headers.append(name, value);
    }
}
