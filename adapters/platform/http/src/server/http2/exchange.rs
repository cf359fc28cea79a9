//! One request and its answer, over one stream.

use std::{
    error::Error,
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    time::{Duration, SystemTime},
};

use actix_http::{Request as AppRequest, Response};
use actix_service::Service;
use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    http::{
        Method, StatusCode,
        header::{CONTENT_LENGTH, DATE, HeaderName, HeaderValue, HttpDate, TryIntoHeaderValue},
    },
    web::Bytes,
};
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use tokio::time::timeout;

use super::{
    super::site::{Reply, Site, has_no_body},
    incoming::{Incoming, incoming},
};
use crate::extract::{REQUEST_ID, TRACEPARENT};

/// The largest piece of an answer that goes into one frame.
const PIECE: usize = 16 * 1024;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Answered,
    /// The client took it back, or went away, before there was an answer.
    TakenBack,
}

/// Has the request answered, and hands the answer to the client, which may leave it `unread` for as long. Work
/// that nobody waits for any more is dropped.
pub(super) async fn answer<S, B>(
    site: &Site<S>,
    request: http_02::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    peer: Option<SocketAddr>,
    unread: Duration,
) -> End
where
    S: Service<AppRequest>,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let is_head = request.method() == Method::HEAD;
    let answer = async {
        match incoming(|path| site.passes(path), request, peer) {
            Incoming::Passage(request) => site.answer(request).await,
            Incoming::Application(request) => site.ask(request).await,
        }
    };
    let reply = tokio::select! {
        reply = answer => reply,
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return End::TakenBack,
    };
    let way = Way { respond: &mut respond, is_head, unread };
    match reply {
        Reply::Application(response) => send_of_app(response, way).await,
        Reply::Passage(answer) => {
            let fields = answer.fields.iter().filter_map(|(name, value)| {
                Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value).ok()?))
            });
            let head = head(answer.status, fields, answer.body.size());
            send(head, answer.body, way).await;
        }
    }
    End::Answered
}

/// Where an answer goes, and how.
struct Way<'a> {
    respond: &'a mut SendResponse<Bytes>,
    is_head: bool,
    unread: Duration,
}

async fn send_of_app(response: Response<BoxBody>, way: Way<'_>) {
    let (response, body) = response.into_parts();
    let fields = response.headers().iter().map(|(name, value)| (name.clone(), value.clone()));
    let head = head(response.status(), fields, body.size());
    send(head, body, way).await;
}

async fn send(head: http_02::Response<()>, body: impl MessageBody, way: Way<'_>) {
    let Way { respond, is_head, unread } = way;
    let size = body.size();
    let ends = size.is_eof() || is_head;
    // A client that has gone, or has taken its request back, is told nothing.
    let Ok(mut stream) = respond.send_response(head, ends) else { return };
    if !ends && send_body(body, size, &mut stream, unread).await.is_err() {
        // What is cut off must not look complete.
        stream.send_reset(Reason::INTERNAL_ERROR);
    }
}

fn head(
    status: StatusCode,
    fields: impl Iterator<Item = (HeaderName, HeaderValue)>,
    size: BodySize,
) -> http_02::Response<()> {
    let mut response = http_02::Response::new(());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(fields.size_hint().1.unwrap_or_default());
    for (name, mut value) in fields {
        if is_never_the_same(&name) {
            value.set_sensitive(true);
        }
        if !is_of_http1(&name) && (name != CONTENT_LENGTH || keeps_length(status, size)) {
            headers.append(name, value);
        }
    }
    if let BodySize::Sized(length) = size
        && !has_no_body(status)
    {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    if !headers.contains_key(DATE)
        && let Ok(date) = HttpDate::from(SystemTime::now()).try_into_value()
    {
        headers.insert(DATE, date);
    }
    response
}

/// 304 has no body, but may say how long it would be.
fn keeps_length(status: StatusCode, size: BodySize) -> bool {
    size == BodySize::None && status == StatusCode::NOT_MODIFIED
}

/// Headers that would make the answer malformed (RFC 9113, 8.2.2).
fn is_of_http1(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection" | "transfer-encoding" | "upgrade" | "keep-alive" | "proxy-connection"
    )
}

/// Headers whose values do not come again: in the table that both ends keep of what was sent, they would only push out
/// those that do (RFC 7541, 7.1.3).
fn is_never_the_same(name: &HeaderName) -> bool {
    name == REQUEST_ID || name == TRACEPARENT || name == "ratelimit-remaining"
}

/// Sends no faster than the client takes it, and stops when the client does not want it any more. A client that makes no
/// room holds all that is behind the body: it is not waited for without end.
async fn send_body(
    body: impl MessageBody,
    size: BodySize,
    stream: &mut SendStream<Bytes>,
    unread: Duration,
) -> Result<(), Box<dyn Error>> {
    let mut body = pin!(body);
    let mut sent = 0;
    loop {
        let piece = tokio::select! {
            piece = poll_fn(|cx| body.as_mut().poll_next(cx)) => piece,
            reset = poll_fn(|cx| stream.poll_reset(cx)) => return Ok(reset.map(|_| ())?),
        };
        let Some(piece) = piece else { break };
        let mut piece = piece.map_err(Into::into)?;
        while !piece.is_empty() {
            stream.reserve_capacity(piece.len().min(PIECE));
            let room = timeout(unread, poll_fn(|cx| stream.poll_capacity(cx))).await?;
            let Some(capacity) = room else { return Ok(()) };
            let part = piece.split_to(capacity?.min(piece.len()));
            sent += u64::try_from(part.len())?;
            if size == BodySize::Sized(sent) {
                return Ok(stream.send_data(part, true)?);
            }
            if !part.is_empty() {
                stream.send_data(part, false)?;
            }
        }
    }
    match size {
        BodySize::Sized(_) => Err("body is shorter than announced".into()),
        _ => Ok(stream.send_data(Bytes::new(), true)?),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{CONNECTION, COOKIE, SET_COOKIE, UPGRADE};

    use super::*;

    #[test]
    fn an_answer_has_a_date_and_nothing_of_http1() {
        let fields = [(CONNECTION, "close"), (UPGRADE, "h2c"), (CONTENT_LENGTH, "99"), (COOKIE, "kept")];
        let fields = fields.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value)));
        let sent = head(StatusCode::OK, fields, BodySize::Sized(3));
        assert_eq!(sent.headers()["content-length"], "3");
        assert!(sent.headers().contains_key("date") && sent.headers().contains_key("cookie"));
        let empty = head(StatusCode::NO_CONTENT, [].into_iter(), BodySize::Sized(0));
        assert!(!empty.headers().contains_key("content-length"), "what has no body has no length");
        assert!(!sent.headers().contains_key("connection") && !sent.headers().contains_key("upgrade"));
    }

    #[test]
    fn what_does_not_come_again_takes_no_place_in_the_table() {
        let mut secret = HeaderValue::from_static("secret");
        secret.set_sensitive(true);
        let fields = [(REQUEST_ID, HeaderValue::from_static("1")), (SET_COOKIE, secret)];
        let fields = fields.into_iter().chain([(COOKIE, HeaderValue::from_static("again"))]);
        let sent = head(StatusCode::OK, fields, BodySize::Sized(3));
        let kept_out =
            ["x-request-id", "set-cookie", "cookie"].map(|name| sent.headers()[name].is_sensitive());
        assert_eq!(kept_out, [true, true, false], "what an application keeps out stays out");
    }
}
