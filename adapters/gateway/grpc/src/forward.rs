//! Turns a call into the application's, and its answer back.

use std::sync::Arc;

use gateway_application::{
    Client,
    commands::call::{Call, CallAnswer},
};
use http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{AUTHORIZATION, HOST},
    request::Parts,
    uri::Authority,
};
use kernel_application::{CallContext, Caller};
use platform_grpc::call_context;
use platform_identity::Authenticator;
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Extensions, Status, body::Body, metadata::MetadataMap};

use crate::{
    body::{AnswerBody, request_body},
    edge::{Peer, Shared},
    status,
};

impl Shared {
    /// Passes a call on. Whatever happens, the answer is a gRPC answer with the ids of the call.
    pub(crate) async fn forward(&self, request: Request<Body>, peer: Peer) -> Response<Body> {
        let (mut head, body) = request.into_parts();
        let client = client(&head, peer);
        let (ctx, headers) = context(std::mem::take(&mut head.headers));
        let answered = self.call(&ctx, head.uri.path(), headers, body, client).await;
        let mut response = answered.unwrap_or_else(Status::into_http);
        return_ids(response.headers_mut(), &ctx);
        response
    }

    async fn call(
        &self,
        ctx: &CallContext,
        path: &str,
        headers: HeaderMap,
        body: Body,
        client: Client,
    ) -> Result<Response<Body>, Status> {
        let limit = self.settings.header_bytes;
        if header_bytes(&headers) > limit {
            return Err(status::metadata_too_long(limit));
        }
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_| status::overloaded())?;
        let caller = identify(&self.authenticator, &headers).await?;
        let call = Call { path: path.to_owned(), headers, body: request_body(body), client };
        let answer = self.call.handle(&ctx.clone().by(caller), call).await;
        answer.map(|answer| response(answer, slot)).map_err(|error| status::of(&error))
    }
}

fn response(answer: CallAnswer, slot: OwnedSemaphorePermit) -> Response<Body> {
    let CallAnswer { headers, pieces } = answer;
    let body = pieces.map_or_else(Body::empty, |pieces| Body::new(AnswerBody::new(pieces, slot)));
    let mut response = Response::new(body);
    *response.headers_mut() = headers;
    response
}

/// Request id, trace and deadline, as every gRPC server here takes them from metadata.
fn context(headers: HeaderMap) -> (CallContext, HeaderMap) {
    let metadata = MetadataMap::from_headers(headers);
    let request = tonic::Request::from_parts(metadata, Extensions::default(), ());
    let ctx = call_context(&request);
    (ctx, request.into_parts().0.into_headers())
}

/// The real other end: whether its word on others counts, is decided in the application.
fn client(head: &Parts, peer: Peer) -> Client {
    let host = head.uri.authority().map(Authority::as_str);
    let host = host.or_else(|| head.headers.get(HOST).and_then(|host| host.to_str().ok()));
    let Peer { address, secure } = peer;
    Client { address: Some(address), trusted: false, secure, host: host.map(str::to_owned) }
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

async fn identify(authenticator: &Authenticator, headers: &HeaderMap) -> Result<Caller, Status> {
    authenticator.authenticate(authorization(headers)).await.map_err(status::rejected)
}

/// What is sent twice, or is no text, is no token either, and is refused as one.
fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next()?;
    Some(first.to_str().ok().filter(|_| values.next().is_none()).unwrap_or_default())
}

fn return_ids(headers: &mut HeaderMap, ctx: &CallContext) {
    if let Ok(id) = HeaderValue::from_str(ctx.request_id()) {
        headers.insert("x-request-id", id);
    }
    if let Ok(trace) = HeaderValue::from_str(&ctx.trace().to_string()) {
        headers.insert("traceparent", trace);
    }
}
