//! Takes everything below `/api`, with every method.

use std::net::SocketAddr;

use actix_web::{body::BodySize, http::StatusCode as ServerStatus};
use futures_util::future::LocalBoxFuture;
use gateway_application::{
    AnswerBody, Client, Fields, GatewayError, RequestBody, UpstreamRequest, UpstreamResponse,
    commands::forward::{Forward, Record},
};
use http::{HeaderValue, Method, StatusCode};
use platform_http::{IncomingBody, Passage, Passed, PassedAnswer, PassedBody, Passing, Problem, RequestHead};

use crate::{
    Api, Limits,
    access_log::Entry,
    checks,
    endless::{End, is_endless},
    problem::problem,
    request_body::{request_body, tunnel_body},
    response_body::{ForwardedBody, is_all, size},
    upgrade::Upgrade,
};

impl Passage for Api {
    fn pass(&self, passing: Passing) -> LocalBoxFuture<'_, Passed> {
        Box::pin(self.forward(passing))
    }
}

impl Api {
    async fn forward(&self, passing: Passing) -> Passed {
        let Passing { ctx, head, body, peer, encrypted, stopping } = passing;
        if let Some(problem) = self.refused(&head) {
            return Passed { answer: Err(problem), line: None };
        }
        let (method, client) = (head.method.clone(), client(&head, peer, encrypted));
        let (record, logger) = (Record::default(), self.logger.clone());
        let entry = Entry { logger, method, peer: client.address, record: record.clone(), ctx };
        let command = command(head, client, body, record, self.limits.body);
        let end = End { stopping, caller: entry.ctx.caller(), clock: &self.clock };
        let answer = match self.forward.handle(&entry.ctx, command).await {
            Ok(response) if response.status == StatusCode::SWITCHING_PROTOCOLS => Ok(tunnel(end, response)),
            Ok(response) => Ok(answer(&entry.method, end, self.limits, response)),
            Err(error) => Err(problem(&error)),
        };
        Passed { answer, line: entry.line() }
    }

    fn refused(&self, head: &RequestHead) -> Option<Problem> {
        if let Some(problem) = checks::refused(head) {
            return Some(problem);
        }
        if head.fields.bytes() > self.limits.headers {
            return Some(too_many_headers());
        }
        let is_long = announced_length(&head.fields).is_some_and(|length| length > self.limits.body);
        is_long.then(|| problem(&GatewayError::BodyTooLarge))
    }
}

fn too_many_headers() -> Problem {
    let status = ServerStatus::REQUEST_HEADER_FIELDS_TOO_LARGE;
    Problem::new(status, "headers_too_large", "the headers are too long, all together")
}

fn command(
    head: Box<RequestHead>,
    client: Client,
    body: IncomingBody,
    record: Record,
    body_limit: u64,
) -> Forward {
    let upgrade = Upgrade::of(&head);
    let RequestHead { method, target, mut fields, .. } = *head;
    if upgrade != Upgrade::WebSocket {
        // It ends here, and nobody further on is to take the request for more than it is.
        fields.remove("upgrade");
    }
    let body = match upgrade {
        Upgrade::None => request_body(body, body_limit),
        Upgrade::Malformed => RequestBody::Empty,
        Upgrade::WebSocket => tunnel_body(body),
    };
    Forward { request: UpstreamRequest::asked(method, target, fields, client), body, record }
}

/// The real other end: whether its word on others counts, is decided in the application.
fn client(head: &RequestHead, peer: Option<SocketAddr>, secure: bool) -> Client {
    // Over HTTP/2 the host is a part of the target, and mostly of that alone.
    let host = head.authority.as_deref().filter(|_| !head.fields.contains("host"));
    let host = host.and_then(|host| HeaderValue::from_str(host).ok());
    Client { address: peer.map(|peer| peer.ip()), trusted: false, secure, host }
}

fn announced_length(headers: &Fields) -> Option<u64> {
    headers.text("content-length")?.parse().ok()
}

fn answer(method: &Method, end: End<'_>, limits: Limits, response: UpstreamResponse) -> PassedAnswer {
    let endless = is_endless(&response);
    let UpstreamResponse { status, headers, body, held } = response;
    let size = size(method, status, &headers);
    let body = match body {
        AnswerBody::Whole(whole) if is_all(size, &whole) => PassedBody::Whole(whole),
        body if endless => PassedBody::stream(ForwardedBody::endless(size, body, held, end.comes())),
        body => PassedBody::stream(ForwardedBody::new(size, body, held, limits.reading)),
    };
    PassedAnswer { status: server_status(status), fields: headers, body }
}

/// From here on, both ends say to each other what they like, until one of them or this server stops, or the token of
/// the one who asked for it expires.
fn tunnel(end: End<'_>, response: UpstreamResponse) -> PassedAnswer {
    let UpstreamResponse { status, mut headers, body, held } = response;
    headers.set("upgrade", b"websocket");
    let body = PassedBody::stream(ForwardedBody::endless(BodySize::Stream, body, held, end.comes()));
    PassedAnswer { status: server_status(status), fields: headers, body }
}

/// The server speaks the vocabulary of `http` 0.2, the application that of 1.
fn server_status(status: StatusCode) -> ServerStatus {
    ServerStatus::from_u16(status.as_u16()).unwrap_or(ServerStatus::BAD_GATEWAY)
}
