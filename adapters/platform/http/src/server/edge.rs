//! The edge: everything that happens to every request of the application before its route and after it.
//!
//! In: call context, back-pressure, caller, `HEAD`. Out: problems completed, headers, one access-log line, metrics.

use std::{panic::AssertUnwindSafe, rc::Rc, sync::Arc, time::Duration};

use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        ConnectionType, Method, StatusCode, Version,
        header::{self, HeaderValue},
        uri::Authority,
    },
    middleware::Next,
};
use futures_util::FutureExt;
use kernel_application::{Caller, Denied};
use platform_identity::Authenticator;
use platform_telemetry::HttpMetrics;
use slog::Logger;
use tokio::sync::watch;

use super::{
    around::{Around, Instead},
    call::Call,
    load::{Load, Tracked},
    methods::{Known, Methods},
    rejected::OnRejected,
};
use crate::{Asked, Problem};

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
    pub(super) encrypted: bool,
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
    let encrypted = edge.encrypted;
    let mut call = Call::start(edge, Rc::clone(&methods), asked(request.request(), encrypted));
    let _place = match call.enter() {
        Ok(place) => place,
        Err(problem) => {
            let response = finish(&mut call, None, problem.answer());
            return Ok(request.into_response(response));
        }
    };
    if let Some(Instead { route, answer }) = call.instead() {
        let response = match answer {
            Ok(status) => HttpResponse::new(status),
            Err(problem) => problem.answer(),
        };
        let response = finish(&mut call, Some(route), response);
        return Ok(request.into_response(response));
    }
    if let Err(problem) = call.identify(asked(request.request(), encrypted)).await {
        let response = finish(&mut call, None, problem.answer());
        return Ok(request.into_response(response));
    }
    request.extensions_mut().insert(Rc::clone(&call.ctx));
    let known = methods.at(call.path());
    if request.method() == Method::HEAD && known.head_by_get() {
        request.head_mut().method = Method::GET;
    }
    if let Some((route, response)) = refusal(&call, &known, &request) {
        let response = finish(&mut call, route, response);
        return Ok(request.into_response(response));
    }
    let limit = call.edge.timeout.saturating_add(GRACE);
    let answer = AssertUnwindSafe(tokio::time::timeout(limit, next.call(request))).catch_unwind().await;
    match answer {
        Ok(Ok(Ok(response))) => {
            let (request, response) = response.into_parts();
            let response = finish(&mut call, request.match_pattern().as_deref(), response);
            Ok(ServiceResponse::new(request, response))
        }
        Ok(Ok(Err(error))) => failed(finish(&mut call, None, error.error_response())),
        Ok(Err(_)) => failed(finish(&mut call, None, Problem::bare(StatusCode::GATEWAY_TIMEOUT).answer())),
        // The panic's own line is the panic hook's business.
        Err(_) => failed(finish(&mut call, None, Problem::bare(StatusCode::INTERNAL_SERVER_ERROR).answer())),
    }
}

fn asked(request: &HttpRequest, encrypted: bool) -> Asked<'_> {
    Asked {
        method: request.method().as_str(),
        path: request.path(),
        headers: request.headers(),
        authority: request.uri().authority().map(Authority::as_str),
        peer: request.peer_addr(),
        encrypted,
    }
}

/// Without the request there is no `ServiceResponse`; an error that carries the whole answer does as well.
fn failed<T>(response: HttpResponse) -> Result<T, Error> {
    Err(InternalError::from_response("request was given up", response).into())
}

/// The answer to what no route is to see, and the route that it would have been.
fn refusal<'a>(
    call: &Call,
    known: &Known<'a>,
    request: &ServiceRequest,
) -> Option<(Option<&'a str>, HttpResponse)> {
    // Asked before the router: it would hand `PUT /things/stats` to `PUT /things/{id}`.
    if known.refuses(request.method()) {
        return Some((known.resource(), known.refuse(request.method())));
    }
    if request.version() == Version::HTTP_2 && request.headers().contains_key(header::EXPECT) {
        return Some((None, unmet().answer()));
    }
    // Nobody's body is looked at where it would not count.
    let nobody = *call.ctx.caller() == Caller::Anonymous;
    (nobody && known.needs_token(request.method()))
        .then(|| (None, Problem::of(&Denied::Unauthenticated).answer()))
}

/// What is said to who would wait for a word that our HTTP/2 does not have.
pub(super) fn unmet() -> Problem {
    let detail = "over HTTP/2 no expectation is met: send the body without one";
    Problem::new(StatusCode::EXPECTATION_FAILED, "expectation_failed", detail)
}

/// Completes, reports, and keeps the request open until the last byte of its answer was taken.
fn finish(call: &mut Call, route: Option<&str>, response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
    let failure = unexplained(&response);
    let mut response = explain(call, response);
    call.complete_headers(response.headers_mut());
    if *call.edge.stopping.borrow() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    let reported = call.report(route, response.status().as_u16(), failure, false);
    response.map_body(|_, body| BoxBody::new(Tracked::new(body, reported.open)))
}

/// Makes sure that every failure is a whole problem.
fn explain(call: &Call, mut response: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
    let status = response.status();
    if !is_failure(status) {
        return response;
    }
    if status == StatusCode::METHOD_NOT_ALLOWED && !response.headers().contains_key(header::ALLOW) {
        let allow = call.methods().at(call.path()).allow().unwrap_or_default();
        if let Ok(allow) = HeaderValue::from_str(&allow) {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let problem = response.extensions().get::<Problem>().cloned();
    let empty = matches!(response.body().size(), BodySize::None | BodySize::Sized(0));
    let Some(problem) =
        problem.or_else(|| (empty || response.error().is_some()).then(|| Problem::bare(status)))
    else {
        // A route that writes its own answer is left alone.
        return response;
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(Problem::CONTENT_TYPE));
    let body = call.document(problem);
    response.map_body(|_, _| BoxBody::new(body))
}

pub(super) fn is_failure(status: StatusCode) -> bool {
    !(status.is_success() || status.is_redirection() || status.is_informational())
}

/// The error behind a 5xx that no use case has logged.
fn unexplained(response: &HttpResponse<BoxBody>) -> Option<String> {
    let ours = response.status().is_server_error() && response.extensions().get::<Problem>().is_none();
    if ours { response.error().map(ToString::to_string) } else { None }
}
