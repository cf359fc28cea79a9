//! Turns a call into the application's, and its answer back.

use std::time::Instant;

use gateway_application::{
    Client,
    commands::call::{Call, CallAnswer, RefuseCall, Refused},
};
use http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{AUTHORIZATION, HOST},
    request::Parts,
};
use kernel_application::CallContext;
use platform_grpc::call_context;
use platform_identity::Rejected;
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Extensions, Status, body::Body, metadata::MetadataMap};

use crate::{
    body::{AnswerBody, request_body},
    edge::{Peer, Shared, place},
    status,
};

impl Shared {
    /// Passes a call on. Whatever happens, the answer is a gRPC answer with the ids of the call.
    pub(crate) async fn forward(&self, request: Request<Body>, peer: Peer) -> Response<Body> {
        let (mut head, body) = request.into_parts();
        let client = client(&head, peer);
        let (ctx, headers) = context(std::mem::take(&mut head.headers));
        let call = Call { path: head.uri.path().to_owned(), headers, body: request_body(body), client };
        let answered = self.call(&ctx, call).await;
        let mut response = answered.unwrap_or_else(Status::into_http);
        return_ids(response.headers_mut(), &ctx);
        response
    }

    async fn call(&self, ctx: &CallContext, call: Call) -> Result<Response<Body>, Status> {
        let since = Instant::now();
        let admitted = self.admit(ctx, &call.headers).await;
        match admitted.and_then(|(ctx, slot)| goes_on(&ctx, &call).map(|()| (ctx, slot))) {
            Ok((ctx, slot)) => {
                let answer = self.desk.call.handle(&ctx, call).await;
                answer.map(|answer| response(answer, slot)).map_err(|error| status::of(&error))
            }
            Err(refusal) => Err(self.refuse(ctx, call, refusal, since).await),
        }
    }

    /// Who calls, and a place for the call.
    async fn admit(
        &self,
        ctx: &CallContext,
        headers: &HeaderMap,
    ) -> Result<(CallContext, OwnedSemaphorePermit), Refusal> {
        let limit = self.settings.header_bytes;
        if header_bytes(headers) > limit {
            return Err(Refusal {
                reason: Refused::MetadataTooLong,
                status: status::metadata_too_long(limit),
            });
        }
        let slot = place(&self.slots).map_err(|status| Refusal { reason: Refused::Overloaded, status })?;
        let caller = self.authenticator.authenticate(authorization(headers)).await?;
        Ok((ctx.clone().by(caller), slot))
    }

    /// What the client is told, which may be that it has called too often.
    async fn refuse(&self, ctx: &CallContext, call: Call, refusal: Refusal, since: Instant) -> Status {
        let Call { path, headers, client, .. } = call;
        let Refusal { reason, status } = refusal;
        let refuse = RefuseCall { path, headers, client, reason, since };
        let counted = self.desk.refuse.handle(ctx, refuse).await;
        counted.map_or_else(|error| status::of(&error), |()| status)
    }
}

/// Unless it is plain already that the call goes no further.
fn goes_on(ctx: &CallContext, call: &Call) -> Result<(), Refusal> {
    match Refused::reason(ctx, call) {
        None => Ok(()),
        Some(reason) => Err(Refusal { reason, status: status::refused(reason) }),
    }
}

/// Why a call goes no further, and what its client is told.
struct Refusal {
    reason: Refused,
    status: Status,
}

impl From<Rejected> for Refusal {
    fn from(rejected: Rejected) -> Self {
        let reason = if rejected.is_unavailable() { Refused::NoKeys } else { Refused::BadToken };
        Self { reason, status: status::rejected(rejected) }
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
    let host = head.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    let host = host.or_else(|| head.headers.get(HOST).cloned());
    let Peer { address, secure } = peer;
    Client { address: Some(address), trusted: false, secure, host }
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
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
