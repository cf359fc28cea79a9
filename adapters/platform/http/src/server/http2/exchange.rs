//! One request and its answer, over one stream.

use std::{
    error::Error,
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    time::{Duration, SystemTime},
};

use actix_http::{Payload, Request, Response, ResponseHead};
use actix_service::Service;
use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    error::PayloadError,
    http::{
        Method, StatusCode,
        header::{
            CONNECTION, CONTENT_LENGTH, COOKIE, DATE, HeaderMap, HeaderName, HeaderValue, HttpDate,
            TRANSFER_ENCODING, TryIntoHeaderValue, UPGRADE,
        },
    },
    web::Bytes,
};
use futures_util::stream;
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use tokio::time::timeout;

/// The largest piece of an answer that goes into one frame.
const PIECE: usize = 16 * 1024;
const KEEP_ALIVE_HEADER: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Answered,
    /// The client took it back, or went away, before there was an answer.
    TakenBack,
}

/// Hands the request to the application, and the answer to the client, which may leave it `unread` for as long. Work
/// that nobody waits for any more is dropped.
pub(super) async fn answer<S, B>(
    app: &S,
    request: http_02::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    peer: Option<SocketAddr>,
    unread: Duration,
) -> End
where
    S: Service<Request>,
    S::Response: Into<Response<B>>,
    S::Error: Into<Response<BoxBody>>,
    B: MessageBody + 'static,
{
    let is_head = request.method() == Method::HEAD;
    let answer = tokio::select! {
        answer = app.call(incoming(request, peer)) => answer,
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return End::TakenBack,
    };
    match answer {
        Ok(response) => send(response.into(), &mut respond, is_head, unread).await,
        Err(error) => send(error.into(), &mut respond, is_head, unread).await,
    }
    End::Answered
}

fn incoming(request: http_02::Request<RecvStream>, peer: Option<SocketAddr>) -> Request {
    let (parts, body) = request.into_parts();
    let mut request = Request::with_payload(payload(body));
    let head = request.head_mut();
    head.method = parts.method;
    head.uri = parts.uri;
    head.version = parts.version;
    head.headers = parts.headers.into();
    head.peer_addr = peer;
    join_cookies(&mut head.headers);
    request
}

/// A client may split its cookies over several fields, which nobody outside of HTTP/2 expects (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<HeaderValue> = headers.get_all(COOKIE).cloned().collect();
    if cookies.len() > 1 {
        let joined = cookies.iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b"; "[..]);
        if let Ok(joined) = HeaderValue::from_bytes(&joined) {
            headers.insert(COOKIE, joined);
        }
    }
}

/// The client may send more when what is here was taken.
fn payload(body: RecvStream) -> Payload {
    if body.is_end_stream() {
        return Payload::None;
    }
    let pieces = stream::unfold(body, |mut body| async {
        let piece = body.data().await?;
        let taken = piece.and_then(|piece| {
            body.flow_control().release_capacity(piece.len())?;
            Ok(piece)
        });
        Some((taken.map_err(PayloadError::Http2Payload), body))
    });
    Payload::Stream { payload: Box::pin(pieces) }
}

async fn send<B: MessageBody>(
    response: Response<B>,
    respond: &mut SendResponse<Bytes>,
    is_head: bool,
    unread: Duration,
) {
    let (response, body) = response.into_parts();
    let size = body.size();
    let ends = size.is_eof() || is_head;
    let head = head(response.head(), size);
    // A client that has gone, or has taken its request back, is told nothing.
    let Ok(mut stream) = respond.send_response(head, ends) else { return };
    if !ends && send_body(body, size, &mut stream, unread).await.is_err() {
        // What is cut off must not look complete.
        stream.send_reset(Reason::INTERNAL_ERROR);
    }
}

fn head(head: &ResponseHead, size: BodySize) -> http_02::Response<()> {
    let mut response = http_02::Response::new(());
    *response.status_mut() = head.status;
    let headers = response.headers_mut();
    for (name, value) in &head.headers {
        if !is_of_http1(name) && (*name != CONTENT_LENGTH || keeps_length(head.status, size)) {
            headers.append(name, value.clone());
        }
    }
    if let BodySize::Sized(length) = size {
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
    [CONNECTION, TRANSFER_ENCODING, UPGRADE, KEEP_ALIVE_HEADER, PROXY_CONNECTION].contains(name)
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
    use super::*;

    #[test]
    fn cookies_become_one_field() {
        let mut headers = HeaderMap::new();
        for cookie in ["a=1", "b=2"] {
            headers.append(COOKIE, HeaderValue::from_static(cookie));
        }
        join_cookies(&mut headers);
        assert_eq!(headers.get_all(COOKIE).collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn an_answer_has_a_date_and_nothing_of_http1() {
        let mut response = Response::new(StatusCode::OK);
        for (name, value) in
            [(CONNECTION, "close"), (UPGRADE, "h2c"), (CONTENT_LENGTH, "99"), (COOKIE, "kept")]
        {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        let sent = head(response.head(), BodySize::Sized(3));
        assert_eq!(sent.headers()["content-length"], "3");
        assert!(sent.headers().contains_key("date") && sent.headers().contains_key("cookie"));
        assert!(!sent.headers().contains_key("connection") && !sent.headers().contains_key("upgrade"));
    }
}
