//! The route that takes everything below `/api`, with every method.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        header::{CONTENT_LENGTH, HOST},
        uri::Authority,
    },
    web::{Data, Payload},
};
use futures_util::StreamExt;
use gateway_application::{BodyStream, Client, GatewayError, UpstreamResponse, commands::forward::Forward};
use http::{Method, StatusCode, header::CONTENT_TYPE};
use platform_http::{Ctx, Problem, Stopping};

use crate::{
    GatewayRoutes, Limits, convert, problem, request_body::request_body, response_body::ForwardedBody,
};

pub(crate) async fn forward(
    ctx: Ctx,
    stopping: Stopping,
    request: HttpRequest,
    payload: Payload,
    routes: Data<GatewayRoutes>,
) -> Result<HttpResponse, Problem> {
    let limits = routes.limits;
    if header_bytes(&request) > limits.headers {
        return Err(too_many_headers());
    }
    if announced_length(&request).is_some_and(|length| length > limits.body) {
        return Ok(problem::answer(&GatewayError::BodyTooLarge));
    }
    let command = command(&request, payload, limits.body);
    let method = command.method.clone();
    match routes.forward.handle(&ctx, command).await {
        Ok(response) => Ok(answer(&method, stopping, limits, response)),
        Err(error) => Ok(problem::answer(&error)),
    }
}

fn header_bytes(request: &HttpRequest) -> usize {
    request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

fn too_many_headers() -> Problem {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Problem::new(convert::status(status), "headers_too_large", "the headers are too long, all together")
}

fn command(request: &HttpRequest, payload: Payload, body_limit: u64) -> Forward {
    let uri = request.uri();
    Forward {
        method: convert::method(request.method()),
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        headers: convert::request_headers(request.headers()),
        body: request_body(payload.into_inner(), body_limit),
        client: client(request),
    }
}

/// The real other end: whether its word on others counts, is decided in the application.
fn client(request: &HttpRequest) -> Client {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(Authority::as_str));
    Client {
        address: request.peer_addr().map(|peer| peer.ip()),
        trusted: false,
        secure: request.app_config().secure(),
        host: host.map(str::to_owned),
    }
}

fn announced_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn answer(
    method: &Method,
    stopping: Stopping,
    limits: Limits,
    mut response: UpstreamResponse,
) -> HttpResponse {
    let keep_length = response.status == StatusCode::NOT_MODIFIED;
    let mut builder = HttpResponse::build(convert::status(response.status));
    for header in convert::response_headers(&response.headers, keep_length) {
        builder.append_header(header);
    }
    let reading = if is_endless(&response) {
        response.body = until_stop(stopping, response.body);
        None
    } else {
        Some(limits.reading)
    };
    builder.body(ForwardedBody::new(method, response, reading))
}

fn is_endless(response: &UpstreamResponse) -> bool {
    let kind = response.headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// An event stream has no end of its own, so it ends when this server stops.
fn until_stop(Stopping(mut stopping): Stopping, body: BodyStream) -> BodyStream {
    let stopped = async move {
        // A sender that is gone says nothing about stopping: the stream goes on.
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Box::pin(body.take_until(Box::pin(stopped)))
}
