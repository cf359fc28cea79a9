//! What happens around every call of ours: context, caller, limits, time-out, panics, metrics, one log line.

use std::{
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Request, Response};
use kernel_application::{CallContext, ErrorClass};
use platform_identity::Authenticator;
use platform_telemetry::RpcMetrics;
use slog::Logger;
use tokio::sync::Semaphore;
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};

use super::{
    ServerSettings,
    caller::{identify, refusal},
    limits,
    methods::Methods,
    record::Record,
};
use crate::{
    INVALID_REQUEST,
    context::{self, REQUEST_ID, TRACEPARENT},
    status::build,
};

const DETAILS: &str = "grpc-status-details-bin";

/// Wraps all services of a server.
#[derive(Clone)]
pub(super) struct CallLayer(Arc<Shared>);

struct Shared {
    logger: Logger,
    metrics: RpcMetrics,
    authenticator: Authenticator,
    methods: Methods,
    slots: Semaphore,
    call_timeout: Duration,
    max_request_bytes: usize,
}

impl CallLayer {
    pub(super) fn new(
        settings: &ServerSettings,
        logger: Logger,
        metrics: RpcMetrics,
        authenticator: Authenticator,
        methods: Methods,
    ) -> Self {
        Self(Arc::new(Shared {
            logger,
            metrics,
            authenticator,
            methods,
            slots: Semaphore::new(settings.max_in_flight),
            call_timeout: settings.call_timeout,
            max_request_bytes: settings.max_request_bytes,
        }))
    }
}

impl<S> Layer<S> for CallLayer {
    type Service = CallService<S>;

    fn layer(&self, inner: S) -> CallService<S> {
        CallService { shared: Arc::clone(&self.0), inner }
    }
}

/// The wrapped services.
#[derive(Clone)]
pub(super) struct CallService<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S> Service<Request<Body>> for CallService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The instance that was polled ready has to be the one that is called.
        let ready = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, ready);
        let shared = Arc::clone(&self.shared);
        let request = request.map(|body| limits::limit(body, shared.max_request_bytes));
        match shared.methods.find(request.uri().path()) {
            Some(method) => Box::pin(shared.serve(inner, method, request)),
            // Health, reflection and unknown methods: neither counted nor limited in time, and open to all.
            None => Box::pin(pass(inner, request)),
        }
    }
}

async fn pass<S>(mut inner: S, request: Request<Body>) -> Result<Response<Body>, Infallible>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    inner.call(request).await
}

impl Shared {
    async fn serve<S>(
        self: Arc<Self>,
        inner: S,
        method: Arc<str>,
        request: Request<Body>,
    ) -> Result<Response<Body>, Infallible>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        let ctx = context::from_headers(request.headers(), Some(self.call_timeout));
        let mut record = Record::start(&self.metrics, &self.logger, method, &ctx);

        let mut response = match self.slots.try_acquire() {
            Ok(_slot) => self.bounded(&ctx, self.admitted(inner, &ctx, &mut record, request)).await,
            Err(_) => refuse(ErrorClass::Unavailable, "overloaded"),
        };

        record.end(code(&response));
        return_ids(response.headers_mut(), &ctx);
        Ok(response)
    }

    /// Finds out who calls, and runs the call for them.
    async fn admitted<S>(
        &self,
        mut inner: S,
        ctx: &CallContext,
        record: &mut Record,
        mut request: Request<Body>,
    ) -> Response<Body>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    {
        match identify(&self.authenticator, request.headers()).await {
            Ok(caller) => {
                let ctx = ctx.clone().by(caller);
                record.called_by(&ctx);
                request.extensions_mut().insert(ctx);
                let Ok(response) = inner.call(request).await;
                explain(response)
            }
            Err(rejected) => {
                let (reason, id) = (rejected.reason(), ctx.request_id());
                slog::info!(self.logger, "token refused"; "reason" => reason, "request_id" => id);
                refusal(rejected).into_http()
            }
        }
    }

    /// Runs the call until its deadline, which holds for the question who calls too; a panic is `INTERNAL`.
    async fn bounded(&self, ctx: &CallContext, call: impl Future<Output = Response<Body>>) -> Response<Body> {
        let limit = ctx.remaining().unwrap_or(self.call_timeout);
        match tokio::time::timeout(limit, AssertUnwindSafe(call).catch_unwind()).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => {
                let reason = panic_text(&*panic);
                slog::error!(self.logger, "gRPC handler panicked"; "panic" => reason, "request_id" => ctx.request_id());
                refuse(ErrorClass::Internal, "internal")
            }
            Err(_elapsed) => refuse(ErrorClass::Timeout, "deadline_exceeded"),
        }
    }
}

/// tonic answers a message that it cannot decode with a bare `INTERNAL`, though the fault is the caller's.
/// Statuses of ours always carry details.
fn explain(response: Response<Body>) -> Response<Body> {
    let undecodable = code(&response) == Code::Internal && !response.headers().contains_key(DETAILS);
    if undecodable {
        return build(ErrorClass::Invalid, INVALID_REQUEST, "request cannot be decoded", &[]).into_http();
    }
    response
}

fn refuse(class: ErrorClass, code: &str) -> Response<Body> {
    build(class, code, "", &[]).into_http()
}

/// A failure is known with the headers; without one there the call went well.
fn code(response: &Response<Body>) -> Code {
    Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
}

fn return_ids(headers: &mut HeaderMap, ctx: &CallContext) {
    if let Ok(id) = HeaderValue::from_str(ctx.request_id()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Ok(trace) = HeaderValue::from_str(&ctx.trace().to_string()) {
        headers.insert(TRACEPARENT, trace);
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use platform_identity::{IdentitySettings, testing::TestIssuer};
    use platform_runtime::{Environment, Settings};
    use platform_telemetry::{Metrics, silent};
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    /// What a call with a deadline and that token is answered where the service never answers.
    // Over the wire a tonic client ends such a call itself, before the server's answer is seen.
    async fn answer(authenticator: Authenticator, token: &str) -> Response<Body> {
        let methods = Methods::of(&["basket.v1.BasketService"]).unwrap();
        let metrics = RpcMetrics::new(&Metrics::new());
        let layer = CallLayer::new(&ServerSettings::default(), silent(), metrics, authenticator, methods);
        let hanging = layer.layer(service_fn(|_| std::future::pending()));
        let request = Request::post("/basket.v1.BasketService/GetBasket")
            .header("grpc-timeout", "20m")
            .header("authorization", format!("Bearer {token}"));
        hanging.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_caller_s_deadline_ends_the_call() {
        let response = answer(Authenticator::off(), "").await;
        assert_eq!(code(&response), Code::DeadlineExceeded);
        assert!(response.headers().contains_key(REQUEST_ID));
    }

    #[tokio::test]
    async fn the_caller_s_deadline_holds_for_the_question_who_calls_too() {
        let issuer = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys", issuer.local_addr().unwrap());
        let mut settings = Settings::from_pairs([
            ("AUTH_JWKS_URL", url.as_str()),
            ("AUTH_ISSUER", TestIssuer::ISSUER),
            ("AUTH_AUDIENCE", TestIssuer::AUDIENCE),
        ]);
        let identity = IdentitySettings::declare(&mut settings, Environment::Development);
        settings.finish().unwrap();
        let authenticator = identity.authenticator(&silent()).unwrap();
        let response = answer(authenticator, &TestIssuer::new().token("ada", &[])).await;
        assert_eq!(code(&response), Code::DeadlineExceeded, "the issuer hangs, and the caller need not wait");
    }
}
