//! A backend's body on its way to the client.

use std::{
    cell::RefCell,
    error::Error,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    body::{BodySize, MessageBody},
    rt::task::JoinHandle,
};
use bytes::Bytes;
use gateway_application::{BodyStream, Held, UpstreamResponse};
use http::{HeaderMap, Method, StatusCode, header::CONTENT_LENGTH};

/// As much fits into the server's own buffer, whether the client reads or not.
const SMALL: u64 = 32 * 1024;

/// Passes pieces on as they come, under the length that the backend announced.
///
/// A client that does not read stops everything behind it: the server does not ask for more, and the backend's
/// connection and place would be held for as long as the client likes. A watch lets go of both when the time is over.
pub(crate) struct ForwardedBody {
    size: BodySize,
    source: Rc<RefCell<Option<Source>>>,
    watch: Option<JoinHandle<()>>,
}

struct Source {
    stream: BodyStream,
    _held: Held,
}

impl ForwardedBody {
    /// The body of the answer to a request with `method`, which the client has to read in time where there is a limit.
    pub(crate) fn new(method: &Method, response: UpstreamResponse, reading: Option<Duration>) -> Self {
        let size = size(method, response.status, &response.headers);
        let source = Source { stream: response.body, _held: response.held };
        let source = Rc::new(RefCell::new(Some(source)));
        let small = matches!(size, BodySize::None | BodySize::Sized(..=SMALL));
        let watch = reading.filter(|_| !small).map(|limit| {
            let source = Rc::clone(&source);
            actix_web::rt::spawn(async move {
                tokio::time::sleep(limit).await;
                source.borrow_mut().take();
            })
        });
        Self { size, source, watch }
    }
}

impl Drop for ForwardedBody {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}

/// An answer to `HEAD` announces a length without sending as much; 204 and 304 have no body at all.
fn size(method: &Method, status: StatusCode, headers: &HeaderMap) -> BodySize {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return BodySize::None;
    }
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return BodySize::Stream;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    match length {
        Some(length) => BodySize::Sized(length),
        None if method == Method::HEAD => BodySize::None,
        None => BodySize::Stream,
    }
}

impl MessageBody for ForwardedBody {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match self.source.borrow_mut().as_mut() {
            Some(source) => source.stream.as_mut().poll_next(cx).map_err(|error| error as Self::Error),
            None => Poll::Ready(Some(Err("client did not read its answer in time".into()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_size_follows_method_status_and_announced_length() {
        let mut known = HeaderMap::new();
        known.insert(CONTENT_LENGTH, HeaderValue::from_static("7"));
        let unknown = HeaderMap::new();
        for (method, status, headers, expected) in [
            (Method::GET, StatusCode::OK, &known, BodySize::Sized(7)),
            (Method::GET, StatusCode::OK, &unknown, BodySize::Stream),
            (Method::HEAD, StatusCode::OK, &known, BodySize::Sized(7)),
            (Method::HEAD, StatusCode::OK, &unknown, BodySize::None),
            (Method::GET, StatusCode::NOT_MODIFIED, &known, BodySize::None),
            (Method::DELETE, StatusCode::NO_CONTENT, &unknown, BodySize::None),
        ] {
            assert_eq!(size(&method, status, headers), expected, "{method} {status}");
        }
    }

    #[actix_web::test]
    async fn a_client_that_does_not_read_loses_its_backend() {
        let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
        let mut receiver = receiver;
        let body: BodyStream = Box::pin(futures_util::stream::poll_fn(move |cx| {
            receiver.poll_recv(cx).map(|piece| piece.map(Ok))
        }));
        let response = UpstreamResponse::new(StatusCode::OK, HeaderMap::new(), body);
        let mut forwarded = ForwardedBody::new(&Method::GET, response, Some(Duration::from_millis(1)));
        // Nobody polls: the watch alone drops the backend's end.
        tokio::time::timeout(Duration::from_secs(10), sender.closed()).await.expect("let go");
        let piece = std::future::poll_fn(|cx| Pin::new(&mut forwarded).poll_next(cx)).await;
        assert!(piece.is_some_and(|piece| piece.is_err()), "a cut answer must not look complete");
    }
}
