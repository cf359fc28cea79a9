//! One request, from its head to the log line, whoever answers it.

use std::{
    borrow::Cow,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::http::{
    Method, StatusCode,
    header::{self, HeaderName},
};
use kernel_application::{CallContext, Caller};
use platform_identity::Rejected;
use slog::{debug, error, info};

use super::{
    around::{Begun, Instead},
    caller::{asks_nobody, identify},
    edge::Edge,
    load::{Handling, Open},
    methods::Methods,
    prefix::Prefix,
};
use crate::{
    AnswerHeaders, Asked, Problem,
    extract::{REQUEST_ID, TRACEPARENT, open},
};

/// A request under way.
pub(super) struct Call {
    pub(super) edge: Rc<Edge>,
    methods: Rc<Methods>,
    pub(super) ctx: Rc<CallContext>,
    method: Cow<'static, str>,
    path: Box<str>,
    prefix: Option<Prefix>,
    peer: Option<SocketAddr>,
    start: Instant,
    around: Option<Begun>,
    /// Until the request is reported, and its answer goes on with it.
    open: Option<Open>,
}

/// What is left of a call when it is reported.
pub(super) struct Reported {
    pub(super) start: Instant,
    pub(super) open: Option<Open>,
}

impl Call {
    pub(super) fn start(edge: Rc<Edge>, methods: Rc<Methods>, asked: Asked<'_>) -> Self {
        edge.metrics.started();
        let start = Instant::now();
        Self {
            open: Some(edge.load.open()),
            ctx: Rc::new(open(asked.headers, start, edge.timeout)),
            method: known(asked.method),
            path: asked.path.into(),
            prefix: Prefix::of(asked.headers),
            peer: asked.peer,
            start,
            around: edge.around.as_ref().map(|around| around.begin(asked)),
            edge,
            methods,
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn methods(&self) -> &Methods {
        &self.methods
    }

    /// A place among the requests that are handled at once.
    pub(super) fn enter(&self) -> Result<Handling, Problem> {
        let detail = "too many requests at once; try again later";
        let overloaded = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail);
        self.edge.load.enter(self.is_probe()).ok_or_else(overloaded)
    }

    /// An answer for which nobody else has to be asked.
    pub(super) fn instead(&mut self) -> Option<Instead> {
        self.around.as_mut()?.answer.take()
    }

    /// Finds out who calls.
    pub(super) async fn identify(&mut self, asked: Asked<'_>) -> Result<(), Problem> {
        if asks_nobody(self.path()) {
            return Ok(());
        }
        match identify(&self.edge.authenticator, asked.headers).await {
            Ok(Caller::Anonymous) => Ok(()),
            Ok(caller) => {
                Rc::make_mut(&mut self.ctx).identify(caller);
                Ok(())
            }
            Err(rejected) => Err(self.reject(rejected, asked).await),
        }
    }

    async fn reject(&self, rejected: Rejected, asked: Asked<'_>) -> Problem {
        let (reason, id) = (rejected.reason(), self.ctx.request_id());
        info!(self.edge.logger, "token refused"; "reason" => reason, "request_id" => id);
        let hook = self.edge.on_rejected.as_ref().filter(|_| !rejected.is_unavailable());
        let instead = match hook {
            Some(hook) => hook.rejected(&self.ctx, asked).await,
            None => None,
        };
        instead.unwrap_or_else(|| Problem::rejected(rejected))
    }

    fn is_probe(&self) -> bool {
        matches!(self.path(), "/metrics" | "/health" | "/health/live" | "/health/ready")
    }

    /// The problem's document, complete.
    pub(super) fn document(&self, problem: Problem) -> Vec<u8> {
        let prefix = self.prefix.as_ref().and_then(Prefix::path).unwrap_or_default();
        // The path as the client knows it.
        let instance = [prefix, self.path()].concat();
        problem.of_request(instance, self.ctx.request_id()).body()
    }

    /// Adds what every answer says.
    pub(super) fn complete_headers(&mut self, headers: &mut dyn AnswerHeaders) {
        if let Some(begun) = self.around.take() {
            (begun.complete)(headers);
        }
        headers.insert(&REQUEST_ID, self.ctx.request_id().as_bytes());
        headers.insert(&TRACEPARENT, self.ctx.trace().text().as_bytes());
        add(headers, &header::X_CONTENT_TYPE_OPTIONS, b"nosniff");
        add(headers, &header::CACHE_CONTROL, b"no-store");
    }

    /// Counts the request, and writes its line unless a passage does so.
    pub(super) fn report(
        &mut self,
        route: Option<&str>,
        status: u16,
        failure: Option<String>,
        written: bool,
    ) -> Reported {
        let elapsed = self.start.elapsed();
        let template =
            || self.methods.at(self.path()).template(&Method::from_bytes(self.method.as_bytes()).ok()?);
        let route = route.or_else(template).unwrap_or("unmatched");
        self.edge.metrics.finished(&self.method, route, status, elapsed);
        if !written {
            self.log(route, status, failure, elapsed);
        }
        Reported { start: self.start, open: self.open.take() }
    }

    fn log(&self, route: &str, status: u16, failure: Option<String>, elapsed: Duration) {
        let fields = slog::kv!(
            "method" => &*self.method,
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

/// Sets a header of which nothing was said.
fn add(headers: &mut dyn AnswerHeaders, name: &HeaderName, value: &[u8]) {
    if headers.first(name).is_none() {
        headers.append(name, value);
    }
}

/// Only what clients make up is kept as a text of its own.
fn known(method: &str) -> Cow<'static, str> {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    match KNOWN.into_iter().find(|known| *known == method) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(method.to_owned()),
    }
}
