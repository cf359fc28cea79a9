//! Forwards a request over the pool.

use std::{error::Error, io, mem, time::Duration};

use async_trait::async_trait;
use gateway_application::{
    BodyError, RequestBody, Stage, UpstreamClient, UpstreamError, UpstreamRequest, UpstreamResponse,
};
use gateway_domain::Backend;
use http::{
    HeaderMap, Request, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use kernel_application::{BoxError, CallContext};
use shaku::Component;
use tokio::time::Instant;

use crate::{
    Pool,
    body::{self, UpstreamBody},
    connection::Answer,
    headers,
    patience::Patience,
    pool::Failure,
    tunnel,
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
        // What goes through a tunnel is no body: it waits until the backend has agreed.
        let through = tunnel::is_asked_for(request).then(|| mem::replace(&mut body, RequestBody::Empty));
        let spare = if request.harmless { copy(&body) } else { None };
        let (body, pulse) = UpstreamBody::new(body);
        let left = ctx.remaining_at(start.into_std());
        let patience = Patience::new(self.pool.timeouts().first_byte, start, left, pulse);
        let limit = patience.least();
        if limit.is_zero() {
            return Err(UpstreamError::TimedOut(patience.ends().await));
        }
        let mut first = outgoing(ctx, request, body, limit);
        if through.is_some() {
            headers::upgrade(first.headers_mut());
        }
        let again = || spare.map(|body| outgoing(ctx, request, UpstreamBody::new(body).0, limit));
        let response = tokio::select! {
            biased;
            sent = self.pool.send(backend, first, again) => sent.map_err(failed)?,
            stage = patience.ends() => return Err(UpstreamError::TimedOut(stage)),
        };
        if is_ambiguous(response.headers()) {
            return Err(UpstreamError::Exchange("answer has a length and an encoding".into()));
        }
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let opening = async {
                tokio::select! {
                    opened = tunnel::open(response, through) => opened,
                    stage = patience.ends() => Err(UpstreamError::TimedOut(stage)),
                }
            };
            return Box::pin(opening).await;
        }
        Ok(self.incoming(response, start))
    }
}

impl HyperUpstreamClient {
    /// A client over `pool`, for use without a module.
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    fn incoming(&self, response: Response<Answer>, start: Instant) -> UpstreamResponse {
        let (mut head, mut body) = response.into_parts();
        headers::to_client(&mut head.headers);
        if let Some(whole) = body.take_whole() {
            return UpstreamResponse::new(head.status, head.headers, whole);
        }
        let whole = start.checked_add(self.pool.timeouts().whole);
        let deadline = if is_endless(&head.headers) { None } else { whole };
        UpstreamResponse::new(head.status, head.headers, body::response(body, deadline))
    }
}

/// The same body once more, where it is there.
fn copy(body: &RequestBody) -> Option<RequestBody> {
    match body {
        RequestBody::Empty => Some(RequestBody::Empty),
        RequestBody::Whole(whole) => Some(RequestBody::Whole(whole.clone())),
        RequestBody::Stream(_) => None,
    }
}

/// The request as it is written: its target in origin form, while its host is the connection's.
fn outgoing(
    ctx: &CallContext,
    request: &UpstreamRequest,
    body: UpstreamBody,
    limit: Duration,
) -> Request<UpstreamBody> {
    let mut outgoing = Request::new(body);
    *outgoing.method_mut() = request.method.clone();
    *outgoing.uri_mut() = request.target.clone().into();
    *outgoing.headers_mut() = headers::to_backend(request, ctx, limit);
    outgoing
}

/// What has a length and is sent in chunks ends in two places: a client would take a part of it for the whole.
fn is_ambiguous(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH)
}

fn is_endless(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

fn failed(failure: Failure) -> UpstreamError {
    match failure {
        Failure::Exchange(error) => match cause::<BodyError>(&error) {
            Some(error) => UpstreamError::RequestBody(*error),
            None => UpstreamError::Exchange(error.into()),
        },
        Failure::Connect(error) if is_late(&error) => UpstreamError::TimedOut(Stage::Connect),
        Failure::Connect(error) => UpstreamError::Connect(error),
    }
}

fn is_late(error: &BoxError) -> bool {
    cause::<io::Error>(&**error).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// The first error of the type in the chain of causes, beginning with the error itself.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use http::{Method, uri::PathAndQuery};
    use kernel_application::testing::context;
    use platform_tls::{ClientFiles, ClientTls};

    use super::*;
    use crate::Timeouts;

    /// What an exchange needs is carried about and kept for as long as the backend takes, for each request that is under
    /// way: thousands of them are to fit into a processor's cache. What few exchanges need is in boxes of its own.
    #[test]
    fn an_exchange_is_small() {
        let time = Duration::from_secs(1);
        let timeouts = Timeouts { connect: time, first_byte: time, whole: time };
        let client =
            HyperUpstreamClient::new(Pool::new(timeouts, ClientTls::load(ClientFiles::default()).unwrap()));
        let request = UpstreamRequest {
            method: Method::GET,
            target: PathAndQuery::from_static("/"),
            prefix: "/api",
            headers: HeaderMap::new(),
            client: gateway_application::Client::default(),
            harmless: true,
        };
        let (ctx, backend) = (context(), Backend::parse("http://a:1").unwrap());
        let exchange = client.send(&ctx, &backend, &request, RequestBody::Empty);
        let size = size_of_val(&*exchange);
        assert!(size <= 2_304, "{size} bytes");
    }
}
