//! Takes everything below `/api`, with every method.

use actix_web::{HttpRequest, HttpResponse, dev::Payload, http::header::CONTENT_LENGTH};
use futures_util::future::LocalBoxFuture;
use gateway_application::{
    Client, GatewayError, RequestBody, UpstreamResponse,
    commands::forward::{Forward, Record},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::HOST};
use platform_http::{Passage, Passed, Passing, Problem, Tunnel, is_encrypted};

use crate::{
    Api, Limits,
    access_log::Entry,
    checks, convert,
    endless::{End, is_endless},
    problem,
    request_body::{request_body, tunnel_body},
    response_body::{ForwardedBody, whole},
    upgrade::Upgrade,
};

impl Passage for Api {
    fn pass(&self, passing: Passing) -> LocalBoxFuture<'_, Result<Passed, Problem>> {
        Box::pin(self.forward(passing))
    }
}

impl Api {
    async fn forward(&self, passing: Passing) -> Result<Passed, Problem> {
        let Passing { ctx, request, payload, stopping } = passing;
        let limits = self.limits;
        if let Some(problem) = checks::refused(&request) {
            return Err(problem);
        }
        if header_bytes(&request) > limits.headers {
            return Err(too_many_headers());
        }
        if announced_length(&request).is_some_and(|length| length > limits.body) {
            return Ok(Passed { response: problem::answer(&GatewayError::BodyTooLarge), line: None });
        }
        let command = match command(&request, payload, limits.body) {
            Ok(command) => command,
            Err(error) => return Ok(Passed { response: problem::answer(&error), line: None }),
        };
        let entry = Entry {
            logger: self.logger.clone(),
            method: command.method.clone(),
            peer: command.client.address,
            record: command.record.clone(),
            ctx,
        };
        let end = End { stopping, caller: entry.ctx.caller(), clock: &self.clock };
        let response = match self.forward.handle(&entry.ctx, command).await {
            Ok(response) if response.status == StatusCode::SWITCHING_PROTOCOLS => {
                tunnel(&request, end, response)
            }
            Ok(response) => answer(&entry.method, end, limits, response),
            Err(error) => problem::answer(&error),
        };
        Ok(Passed { response, line: entry.line() })
    }
}

fn header_bytes(request: &HttpRequest) -> usize {
    request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

fn too_many_headers() -> Problem {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Problem::new(convert::status(status), "headers_too_large", "the headers are too long, all together")
}

fn command(request: &HttpRequest, payload: Payload, body_limit: u64) -> Result<Forward, GatewayError> {
    let target = convert::target(request.uri())?;
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
    Ok(Forward {
        method: convert::method(request.method()),
        target,
        client: client(request, &headers),
        headers,
        body,
        record: Record::default(),
    })
}

/// The real other end: whether its word on others counts, is decided in the application.
pub(crate) fn client(request: &HttpRequest, headers: &HeaderMap) -> Client {
    let authority = || HeaderValue::from_str(request.uri().authority()?.as_str()).ok();
    Client {
        address: request.peer_addr().map(|peer| peer.ip()),
        trusted: false,
        secure: is_encrypted(request),
        host: headers.get(HOST).cloned().or_else(authority),
    }
}

fn announced_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn answer(method: &Method, end: End<'_>, limits: Limits, mut response: UpstreamResponse) -> HttpResponse {
    let keep_length = response.status == StatusCode::NOT_MODIFIED;
    let mut builder = HttpResponse::build(convert::status(response.status));
    for header in convert::response_headers(&response.headers, keep_length) {
        builder.append_header(header);
    }
    if let Some(body) = whole(method, &mut response) {
        return builder.body(body);
    }
    builder.body(if is_endless(&response) {
        ForwardedBody::endless(method, response, end.comes())
    } else {
        ForwardedBody::new(method, response, limits.reading)
    })
}

/// From here on, both ends say to each other what they like, until one of them or this server stops, or the token of
/// the one who asked for it expires.
fn tunnel(request: &HttpRequest, end: End<'_>, response: UpstreamResponse) -> HttpResponse {
    if let Some(tunnel) = Tunnel::of(request) {
        tunnel.open();
    }
    let mut builder = HttpResponse::build(convert::status(response.status));
    for header in convert::response_headers(&response.headers, false) {
        builder.append_header(header);
    }
    builder.upgrade("websocket").body(ForwardedBody::endless(&Method::GET, response, end.comes()))
}
