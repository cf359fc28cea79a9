//! Forwards a request over the pool.

use std::{error::Error, io, mem, time::Duration};

use async_trait::async_trait;
use gateway_application::{
    BodyError, RequestBody, Stage, UpstreamClient, UpstreamError, UpstreamRequest, UpstreamResponse,
};
use gateway_domain::Backend;
use http::{
    HeaderMap, Request, StatusCode, Uri,
    header::CONTENT_TYPE,
    uri::{PathAndQuery, Scheme},
};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use kernel_application::CallContext;
use shaku::Component;
use tokio::time::{Instant, timeout};

use crate::{
    Pool,
    body::{self, UpstreamBody},
    headers, tunnel,
};

/// Implements the port with hyper.
#[derive(Component)]
#[shaku(interface = UpstreamClient)]
pub struct HyperUpstreamClient {
    /// The connections.
    pool: Pool,
}

#[async_trait]
impl UpstreamClient for HyperUpstreamClient {
    async fn send(
        &self,
        ctx: &CallContext,
        backend: &Backend,
        request: &UpstreamRequest,
        mut body: RequestBody,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let start = Instant::now();
        let (limit, stage) = self.limit(ctx);
        if limit.is_zero() {
            return Err(UpstreamError::TimedOut(stage));
        }
        // What goes through a tunnel is no body: it waits until the backend has agreed.
        let through = tunnel::is_asked_for(request).then(|| mem::replace(&mut body, RequestBody::Empty));
        let mut request = outgoing(ctx, backend, request, body, limit)?;
        if through.is_some() {
            headers::upgrade(request.headers_mut());
        }
        match timeout(limit, self.pool.client.request(request)).await {
            Ok(Ok(response)) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                tunnel::open(response, through).await
            }
            Ok(Ok(response)) => Ok(self.incoming(response, start)),
            Ok(Err(error)) => Err(failure(error)),
            Err(_) => Err(UpstreamError::TimedOut(stage)),
        }
    }
}

impl HyperUpstreamClient {
    /// A client over `pool`, for use without a module.
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// How long the head of the answer may take, and what it is that limits it.
    fn limit(&self, ctx: &CallContext) -> (Duration, Stage) {
        let usual = self.pool.timeouts.first_byte;
        match ctx.remaining() {
            Some(remaining) if remaining < usual => (remaining, Stage::Deadline),
            _ => (usual, Stage::FirstByte),
        }
    }

    fn incoming(&self, response: http::Response<Incoming>, start: Instant) -> UpstreamResponse {
        let (mut head, body) = response.into_parts();
        let whole = start.checked_add(self.pool.timeouts.whole);
        let deadline = if is_endless(&head.headers) { None } else { whole };
        headers::to_client(&mut head.headers);
        UpstreamResponse::new(head.status, head.headers, body::response(body, deadline))
    }
}

fn outgoing(
    ctx: &CallContext,
    backend: &Backend,
    request: &UpstreamRequest,
    body: RequestBody,
    limit: Duration,
) -> Result<Request<UpstreamBody>, UpstreamError> {
    let UpstreamRequest { method, target, prefix, headers, client } = request;
    let uri = uri(backend, target.clone()).map_err(|error| UpstreamError::Connect(error.into()))?;
    let mut request = Request::new(UpstreamBody::from(body));
    *request.method_mut() = method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers::to_backend(headers, ctx, client, prefix, limit);
    Ok(request)
}

/// Fails only where the backend's authority is none, which is checked when it is configured.
pub(crate) fn uri(backend: &Backend, target: PathAndQuery) -> Result<Uri, http::Error> {
    let scheme = if backend.is_secure() { Scheme::HTTPS } else { Scheme::HTTP };
    Uri::builder().scheme(scheme).authority(backend.authority()).path_and_query(target).build()
}

fn is_endless(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

fn failure(error: legacy::Error) -> UpstreamError {
    if let Some(error) = cause::<BodyError>(&error) {
        return UpstreamError::RequestBody(*error);
    }
    if !error.is_connect() {
        return UpstreamError::Exchange(error.into());
    }
    match cause::<io::Error>(&error).map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) => UpstreamError::TimedOut(Stage::Connect),
        _ => UpstreamError::Connect(error.into()),
    }
}

/// The first error of the type in the chain of sources.
fn cause<E: Error + 'static>(error: &legacy::Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
