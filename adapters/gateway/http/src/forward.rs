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
use gateway_application::{
    BodyStream, Client, GatewayError, RequestBody, UpstreamResponse,
    commands::forward::{Forward, Record},
};
use http::{Method, StatusCode, header::CONTENT_TYPE};
use platform_http::{Ctx, Problem, Stopping, Tunnel, is_encrypted};

use crate::{
    GatewayRoutes, Limits,
    access_log::Entry,
    checks, convert, problem,
    request_body::{request_body, tunnel_body},
    response_body::ForwardedBody,
    upgrade::Upgrade,
};

pub(crate) async fn forward(
    ctx: Ctx,
    stopping: Stopping,
    request: HttpRequest,
    payload: Payload,
    routes: Data<GatewayRoutes>,
) -> Result<HttpResponse, Problem> {
    let limits = routes.limits;
    if let Some(problem) = checks::refused(&request) {
        return Err(problem);
    }
    if header_bytes(&request) > limits.headers {
        return Err(too_many_headers());
    }
    if announced_length(&request).is_some_and(|length| length > limits.body) {
        return Ok(problem::answer(&GatewayError::BodyTooLarge));
    }
    let command = command(&request, payload, limits.body);
    let entry = Entry {
        logger: routes.logger.clone(),
        method: command.method.clone(),
        peer: command.client.address,
        record: command.record.clone(),
        ctx: ctx.0,
    };
    let mut response = match routes.forward.handle(&entry.ctx, command).await {
        Ok(response) if response.status == StatusCode::SWITCHING_PROTOCOLS => {
            tunnel(&request, stopping, response)
        }
        Ok(response) => answer(&entry.method, stopping, limits, response),
        Err(error) => problem::answer(&error),
    };
    entry.attach(&mut response);
    Ok(response)
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
    let payload = payload.into_inner();
    let mut headers = convert::request_headers(request.headers());
    let upgrade = Upgrade::of(request);
    if upgrade != Upgrade::WebSocket {
        // It ends here, and nobody further on is to take the request for more than it is.
        headers.remove(http::header::UPGRADE);
    }
    let body = match upgrade {
        Upgrade::None => request_body(payload, body_limit),
        Upgrade::Malformed => RequestBody::Empty,
        Upgrade::WebSocket => tunnel_body(payload),
    };
    Forward {
        method: convert::method(request.method()),
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        headers,
        body,
        client: client(request),
        record: Record::default(),
    }
}

/// The real other end: whether its word on others counts, is decided in the application.
fn client(request: &HttpRequest) -> Client {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(Authority::as_str));
    Client {
        address: request.peer_addr().map(|peer| peer.ip()),
        trusted: false,
        secure: is_encrypted(request),
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

/// From here on, both ends say to each other what they like, until one of them or this server stops.
fn tunnel(request: &HttpRequest, stopping: Stopping, mut response: UpstreamResponse) -> HttpResponse {
    if let Some(tunnel) = Tunnel::of(request) {
        tunnel.open();
    }
    let mut builder = HttpResponse::build(convert::status(response.status));
    for header in convert::response_headers(&response.headers, false) {
        builder.append_header(header);
    }
    response.body = until_stop(stopping, response.body);
    builder.upgrade("websocket").body(ForwardedBody::new(&Method::GET, response, None))
}

fn is_endless(response: &UpstreamResponse) -> bool {
    let kind = response.headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// An event stream and a tunnel have no end of their own, so they end when this server stops.
fn until_stop(Stopping(mut stopping): Stopping, body: BodyStream) -> BodyStream {
    let stopped = async move {
        // A sender that is gone says nothing about stopping: the stream goes on.
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    Box::pin(body.take_until(Box::pin(stopped)))
}
