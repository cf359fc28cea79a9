//! Forwards a request over the pool.

use std::{error::Error, io, mem};

use async_trait::async_trait;
use gateway_application::{
    Fields, RequestBody, Stage, UpstreamClient, UpstreamError, UpstreamRequest, UpstreamResponse,
};
use gateway_domain::Backend;
use http::StatusCode;
use kernel_application::{BoxError, CallContext};
use shaku::Component;
use tokio::time::Instant;

use crate::{
    Pool, body,
    connection::Answer,
    headers::ToBackend,
    patience::Patience,
    pool::Failure,
    tunnel,
    wire::{
        WireError,
        head::Head,
        sending::{RequestHead, UpstreamBody},
    },
};

/// Implements the port over connections of its own.
#[derive(Component)]
#[shaku(interface = UpstreamClient)]
pub struct HttpUpstreamClient {
    /// The connections.
    pool: Pool,
}

#[async_trait]
impl UpstreamClient for HttpUpstreamClient {
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
        let outgoing = RequestHead {
            method: &request.method,
            target: request.target.as_str(),
            headers: Some(ToBackend { request, ctx, limit, upgrade: through.is_some() }),
        };
        let again = spare.map(|body| UpstreamBody::new(body).0);
        let sent = self.pool.send(backend, outgoing, body, again, &patience).await;
        let (head, answer) = sent.map_err(failed)?;
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return tunnel::open(head, answer, through);
        }
        Ok(self.incoming(head, answer, start))
    }
}

impl HttpUpstreamClient {
    /// A client over `pool`, for use without a module.
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }

    fn incoming(&self, head: Head, mut answer: Answer, start: Instant) -> UpstreamResponse {
        if let Some(whole) = answer.take_whole() {
            return UpstreamResponse::new(head.status, head.headers, whole);
        }
        let whole = start.checked_add(self.pool.timeouts().whole);
        let deadline = if is_endless(&head.headers) { None } else { whole };
        UpstreamResponse::new(head.status, head.headers, body::response(answer, deadline))
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

fn is_endless(headers: &Fields) -> bool {
    headers.get("content-type").is_some_and(|kind| kind.starts_with(b"text/event-stream"))
}

fn failed(failure: Failure) -> UpstreamError {
    match failure {
        Failure::Exchange(WireError::Late(stage)) => UpstreamError::TimedOut(stage),
        Failure::Exchange(WireError::RequestBody(error)) => UpstreamError::RequestBody(error),
        Failure::Exchange(error) => UpstreamError::Exchange(error.into()),
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
    use std::time::Duration;

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
            HttpUpstreamClient::new(Pool::new(timeouts, ClientTls::load(ClientFiles::default()).unwrap()));
        let request = UpstreamRequest {
            method: Method::GET,
            target: PathAndQuery::from_static("/").into(),
            prefix: "/api",
            headers: Fields::default(),
            client: gateway_application::Client::default(),
            harmless: true,
        };
        let (ctx, backend) = (context(), Backend::parse("http://a:1").unwrap());
        let exchange = client.send(&ctx, &backend, &request, RequestBody::Empty);
        let size = size_of_val(&*exchange);
        assert!(size <= 1_024, "{size} bytes");
    }
}
