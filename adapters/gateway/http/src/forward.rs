//! Takes everything below `/api`, with every method.

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, BoxBody},
    dev::Payload,
};
use futures_util::future::LocalBoxFuture;
use gateway_application::{
    AnswerBody, Client, Fields, GatewayError, RequestBody, UpstreamRequest, UpstreamResponse,
    commands::forward::{Forward, Record},
};
use http::{HeaderValue, Method, StatusCode};
use platform_http::{Passage, Passed, Passing, Problem, Tunnel, is_encrypted};

use crate::{
    Api, Limits,
    access_log::Entry,
    checks, convert,
    endless::{End, is_endless},
    problem,
    request_body::{request_body, tunnel_body},
    response_body::{ForwardedBody, is_all, size},
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
        let headers = convert::request_headers(request.headers());
        if let Some(problem) = checks::refused(&request, &headers) {
            return Err(problem);
        }
        if headers.bytes() > limits.headers {
            return Err(too_many_headers());
        }
        if announced_length(&headers).is_some_and(|length| length > limits.body) {
            return Ok(Passed { response: problem::answer(&GatewayError::BodyTooLarge), line: None });
        }
        let command = match command(&request, headers, payload, limits.body) {
            Ok(command) => command,
            Err(error) => return Ok(Passed { response: problem::answer(&error), line: None }),
        };
        let entry = Entry {
            logger: self.logger.clone(),
            method: command.request.method.clone(),
            peer: command.request.client.address,
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

fn too_many_headers() -> Problem {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Problem::new(convert::status(status), "headers_too_large", "the headers are too long, all together")
}

fn command(
    request: &HttpRequest,
    mut headers: Fields,
    payload: Payload,
    body_limit: u64,
) -> Result<Forward, GatewayError> {
    let target = convert::target(request.uri())?;
    let upgrade = Upgrade::of(request, &headers);
    if upgrade != Upgrade::WebSocket {
        // It ends here, and nobody further on is to take the request for more than it is.
        headers.remove("upgrade");
    }
    let body = match upgrade {
        Upgrade::None => request_body(payload, body_limit),
        Upgrade::Malformed => RequestBody::Empty,
        Upgrade::WebSocket => tunnel_body(payload),
    };
    let client = client(request, &headers);
    let request = UpstreamRequest::asked(convert::method(request.method()), target, headers, client);
    Ok(Forward { request, body, record: Record::default() })
}

/// The real other end: whether its word on others counts, is decided in the application.
pub(crate) fn client(request: &HttpRequest, headers: &Fields) -> Client {
    // Over HTTP/2 the host is a part of the target, and mostly of that alone.
    let authority = || HeaderValue::from_str(request.uri().authority()?.as_str()).ok();
    Client {
        address: request.peer_addr().map(|peer| peer.ip()),
        trusted: false,
        secure: is_encrypted(request),
        host: if headers.contains("host") { None } else { authority() },
    }
}

fn announced_length(headers: &Fields) -> Option<u64> {
    headers.text("content-length")?.parse().ok()
}

fn answer(method: &Method, end: End<'_>, limits: Limits, response: UpstreamResponse) -> HttpResponse {
    let endless = is_endless(&response);
    let UpstreamResponse { status, headers, body, held } = response;
    let size = size(method, status, &headers);
    let body = match body {
        AnswerBody::Whole(whole) if is_all(size, &whole) => BoxBody::new(whole),
        body if endless => BoxBody::new(ForwardedBody::endless(size, body, held, end.comes())),
        body => BoxBody::new(ForwardedBody::new(size, body, held, limits.reading)),
    };
    let mut answer = HttpResponse::with_body(convert::status(status), body);
    convert::add_headers(headers, status == StatusCode::NOT_MODIFIED, answer.headers_mut());
    answer
}

/// From here on, both ends say to each other what they like, until one of them or this server stops, or the token of
/// the one who asked for it expires.
fn tunnel(request: &HttpRequest, end: End<'_>, response: UpstreamResponse) -> HttpResponse {
    if let Some(tunnel) = Tunnel::of(request) {
        tunnel.open();
    }
    let UpstreamResponse { status, headers, body, held } = response;
    let body = ForwardedBody::endless(BodySize::Stream, body, held, end.comes());
    let mut answer = HttpResponse::build(convert::status(status)).upgrade("websocket").body(body);
    convert::add_headers(headers, false, answer.headers_mut());
    answer
}
