//! Forwards a request over the pool.

use std::{error::Error, io};

use async_trait::async_trait;
use gateway_application::{
    BodyError, Stage, UpstreamClient, UpstreamError, UpstreamRequest, UpstreamResponse,
};
use gateway_domain::Backend;
use http::{HeaderMap, Request, Uri, header::CONTENT_TYPE, uri::PathAndQuery};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use kernel_application::CallContext;
use shaku::Component;
use tokio::time::timeout;

use crate::{
    Pool,
    body::{self, UpstreamBody},
    headers,
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
        request: UpstreamRequest,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let request = outgoing(ctx, backend, request)?;
        let limit = self.pool.timeouts.first_byte;
        let limit = ctx.remaining().map_or(limit, |remaining| remaining.min(limit));
        match timeout(limit, self.pool.client.request(request)).await {
            Ok(Ok(response)) => Ok(self.incoming(response)),
            Ok(Err(error)) => Err(failure(error)),
            Err(_) => Err(UpstreamError::TimedOut(Stage::FirstByte)),
        }
    }
}

impl HyperUpstreamClient {
    /// A client over `pool`, for use without a module.
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    fn incoming(&self, response: http::Response<Incoming>) -> UpstreamResponse {
        let (mut head, body) = response.into_parts();
        let limit = if is_endless(&head.headers) { None } else { Some(self.pool.timeouts.whole) };
        headers::to_client(&mut head.headers);
        UpstreamResponse { status: head.status, headers: head.headers, body: body::response(body, limit) }
    }
}

fn outgoing(
    ctx: &CallContext,
    backend: &Backend,
    request: UpstreamRequest,
) -> Result<Request<UpstreamBody>, UpstreamError> {
    let UpstreamRequest { method, target, prefix, headers, body, client } = request;
    let uri = uri(backend, target).map_err(|error| UpstreamError::Target(error.into()))?;
    let mut request = Request::new(UpstreamBody::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    headers::to_backend(request.headers_mut(), ctx, &client, prefix);
    Ok(request)
}

pub(crate) fn uri(backend: &Backend, target: String) -> Result<Uri, http::Error> {
    let target = PathAndQuery::try_from(target)?;
    Uri::builder().scheme("http").authority(backend.authority()).path_and_query(target).build()
}

fn is_endless(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

fn failure(error: legacy::Error) -> UpstreamError {
    match cause::<BodyError>(&error) {
        Some(BodyError::TooLarge) => return UpstreamError::RequestBody(BodyError::TooLarge),
        Some(BodyError::Broken) => return UpstreamError::RequestBody(BodyError::Broken),
        None => {}
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
