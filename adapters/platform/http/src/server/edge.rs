//! The edge: everything that happens to every request before its route and after it.
//!
//! In: call context, back-pressure, caller, `HEAD`. Out: problems completed, headers, one access-log line, metrics.

use std::{
    panic::AssertUnwindSafe,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        ConnectionType, Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
};
use futures_util::FutureExt;
use kernel_application::{CallContext, Caller, Denied};
use platform_identity::Authenticator;
use platform_telemetry::HttpMetrics;
use slog::{Logger, debug, error, info};
use tokio::sync::watch;

use super::{
    around::{Around, Begun},
    caller::{asks_nobody, identify},
    line::AccessLine,
    load::{Load, Tracked},
    methods::Methods,
};
use crate::{
    Problem,
    extract::{REQUEST_ID, TRACEPARENT, open},
};

/// What the edge needs; clones share counters.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) authenticator: Authenticator,
    pub(super) around: Option<Arc<dyn Around>>,
    pub(super) logger: Logger,
    pub(super) metrics: HttpMetrics,
    pub(super) load: Load,
    pub(super) timeout: Duration,
    pub(super) stopping: watch::Receiver<bool>,
}

/// How long after the deadline a handler that does not watch it is given up.
const GRACE: Duration = Duration::from_secs(5);

/// The middleware.
pub(super) async fn serve(
    edge: Rc<Edge>,
    methods: Rc<Methods>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let mut call = Call::start(edge, methods, &request);
    let Some(_place) = call.edge.load.enter(call.is_probe()) else {
        let response = call.finish(None, turned_away());
        return Ok(request.into_response(response));
    };
    if let Some(instead) = call.around.as_mut().and_then(|begun| begun.answer.take()) {
        let response = call.finish(Some(instead.route.to_owned()), instead.response);
        return Ok(request.into_response(response));
    }
    if let Err(problem) = call.identify(request.headers()).await {
        let response = call.finish(None, problem.answer());
        return Ok(request.into_response(response));
    }
    request.extensions_mut().insert(call.ctx.clone());
    if request.method() == Method::HEAD && call.methods.head_by_get(request.path()) {
        request.head_mut().method = Method::GET;
    }
    // Asked before the router: it would hand `PUT /things/stats` to `PUT /things/{id}`.
    if call.methods.refuses(request.method(), request.path()) {
        let refusal = call.methods.refuse(request.method(), request.path());
        let resource = call.methods.resource(request.path());
        let response = call.finish(resource, refusal);
        return Ok(request.into_response(response));
    }
    // Nobody's body is looked at where it would not count.
    let nobody = *call.ctx.caller() == Caller::Anonymous;
    if nobody && call.methods.needs_token(request.method(), request.path()) {
        let response = call.finish(None, Problem::of(&Denied::Unauthenticated).answer());
        return Ok(request.into_response(response));
    }
    let limit = call.edge.timeout.saturating_add(GRACE);
    let answer = AssertUnwindSafe(tokio::time::timeout(limit, next.call(request))).catch_unwind().await;
    // Without the request there is no `ServiceResponse`; an error that carries the whole answer does as well.
    let failed = |response| Err(InternalError::from_response("request was given up", response).into());
    match answer {
        Ok(Ok(Ok(response))) => {
            let (request, response) = response.into_parts();
            let response = call.finish(request.match_pattern(), response);
            Ok(ServiceResponse::new(request, response))
        }
        Ok(Ok(Err(error))) => failed(call.finish(None, error.error_response())),
        Ok(Err(_)) => failed(call.finish(None, Problem::bare(StatusCode::GATEWAY_TIMEOUT).answer())),
        // The panic's own line is the panic hook's business.
        Err(_) => failed(call.finish(None, Problem::bare(StatusCode::INTERNAL_SERVER_ERROR).answer())),
    }
}

fn turned_away() -> HttpResponse {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too many requests at once; try again later")
        .answer()
}

/// One request, from its head to the log line.
struct Call {
    edge: Rc<Edge>,
    methods: Rc<Methods>,
    ctx: CallContext,
    method: Method,
    path: String,
    /// The path as the client knows it.
    instance: String,
    peer: String,
    start: Instant,
    around: Option<Begun>,
    open: bool,
}

impl Call {
    fn start(edge: Rc<Edge>, methods: Rc<Methods>, request: &ServiceRequest) -> Self {
        edge.metrics.started();
        Self {
            ctx: open(request.headers(), edge.timeout),
            method: request.method().clone(),
            path: request.path().to_owned(),
            instance: format!("{}{}", prefix(request.headers()).unwrap_or_default(), request.path()),
            peer: request.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default(),
            start: Instant::now(),
            around: edge.around.as_ref().map(|around| around.begin(request)),
            open: true,
            edge,
            methods,
        }
    }

    async fn identify(&mut self, headers: &HeaderMap) -> Result<(), Problem> {
        if asks_nobody(&self.path) {
            return Ok(());
        }
        match identify(&self.edge.authenticator, headers).await {
            Ok(caller) => {
                self.ctx = self.ctx.clone().by(caller);
                Ok(())
            }
            Err(rejected) => {
                let (reason, id) = (rejected.reason(), self.ctx.request_id());
                info!(self.edge.logger, "token refused"; "reason" => reason, "request_id" => id);
                Err(Problem::rejected(rejected))
            }
        }
    }

    fn is_probe(&self) -> bool {
        self.path == "/metrics" || self.path == "/health" || self.path.starts_with("/health/")
    }

    fn finish(&mut self, route: Option<String>, response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
        let failure = unexplained(&response);
        let mut response = self.explain(response);
        self.complete_headers(&mut response);
        let status = response.status().as_u16();
        let line = response.extensions_mut().remove::<AccessLine>();
        self.report(route, status, failure, line.is_some());
        let line = line.map(|line| line.begin(status, self.start));
        let open = self.edge.load.open();
        response.map_body(|_, body| BoxBody::new(Tracked::new(body, open, line)))
    }

    /// Makes sure that every failure is a whole problem.
    fn explain(&self, mut response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
        let status = response.status();
        if status.is_success() || status.is_redirection() || status.is_informational() {
            return response;
        }
        if status == StatusCode::METHOD_NOT_ALLOWED && !response.headers().contains_key(header::ALLOW) {
            let allow = self.methods.allow(&self.path).unwrap_or_default();
            put(&mut response, header::ALLOW, &allow);
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
        let body = problem.of_request(&self.instance, self.ctx.request_id()).body();
        response.map_body(|_, _| BoxBody::new(body))
    }

    fn complete_headers(&mut self, response: &mut HttpResponse<BoxBody>) {
        put(response, REQUEST_ID, self.ctx.request_id());
        put(response, TRACEPARENT, &self.ctx.trace().to_string());
        for (name, value) in
            [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::CACHE_CONTROL, "no-store")]
        {
            if !response.headers().contains_key(&name) {
                put(response, name, value);
            }
        }
        if let Some(begun) = self.around.take() {
            (begun.complete)(response.headers_mut());
        }
        if *self.edge.stopping.borrow() {
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
    }

    /// Counts the request, and writes its line unless its route does so.
    fn report(&mut self, route: Option<String>, status: u16, failure: Option<String>, written: bool) {
        self.open = false;
        let route = route.or_else(|| self.methods.template(&self.method, &self.path));
        let route = route.unwrap_or_else(|| "unmatched".to_owned());
        let elapsed = self.start.elapsed();
        self.edge.metrics.finished(self.method.as_str(), &route, status, elapsed);
        if written {
            return;
        }
        let fields = slog::o!(
            "method" => self.method.to_string(),
            "route" => route,
            "status" => status,
            "duration_ms" => u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            "request_id" => self.ctx.request_id().to_owned(),
            "trace_id" => self.ctx.trace().trace_id(),
            "peer" => self.peer.clone(),
            "subject" => self.ctx.caller().principal().map(|known| known.subject().to_string()),
        );
        match failure {
            Some(failure) => error!(self.edge.logger, "request failed"; fields, "error" => failure),
            None if self.is_probe() => debug!(self.edge.logger, "request"; fields),
            None => info!(self.edge.logger, "request"; fields),
        }
    }
}

/// A request dropped half-way, as when a stop runs out of time, is counted and logged all the same. A client that goes
/// away alone does not drop it: what was begun is finished.
impl Drop for Call {
    fn drop(&mut self) {
        const DROPPED: u16 = 499;
        if self.open {
            self.report(None, DROPPED, None, false);
        }
    }
}

const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// What a gateway took off the path. Anyone can send the header, so it counts only where it looks like a path of ours.
fn prefix(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(X_FORWARDED_PREFIX);
    let prefix = values.next()?.to_str().ok().filter(|_| values.next().is_none())?;
    let rest = prefix.strip_prefix('/').filter(|rest| (1..=64).contains(&rest.len()))?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-');
    // Two slashes at the start would make the path a reference to another host.
    let sound = rest.bytes().all(legal) && !prefix.contains("//");
    sound.then(|| prefix.trim_end_matches('/'))
}

/// The error behind a 5xx that no use case has logged.
fn unexplained(response: &HttpResponse<BoxBody>) -> Option<String> {
    let ours = response.status().is_server_error() && response.extensions().get::<Problem>().is_none();
    if ours { response.error().map(ToString::to_string) } else { None }
}

/// Sets a header; what no header can hold is left out.
fn put(response: &mut HttpResponse<BoxBody>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
