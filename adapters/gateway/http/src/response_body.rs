//! A backend's body on its way to the client.

use std::{
    cell::RefCell,
    error::Error,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use actix_web::{
    body::{BodySize, MessageBody},
    rt::task::JoinHandle,
};
use bytes::Bytes;
use gateway_application::{AnswerBody, BodyStream, Fields, Held};
use http::{Method, StatusCode};
use kernel_application::BoxError;

/// As much fits into the server's own buffer, whether the client reads or not.
const SMALL: u64 = 32 * 1024;

/// Passes pieces on as they come, under the length that the backend announced.
///
/// A client that does not read stops everything behind it: the server does not ask for more, and the backend's
/// connection and place would be held for as long as the client likes. So both are let go with the last byte that was
/// announced, whether the client takes it or not, and a watch lets go of them when the time is over.
pub(crate) struct ForwardedBody {
    size: BodySize,
    /// Announced and not yet here.
    left: Option<u64>,
    source: Rc<RefCell<Option<Source>>>,
    endless: bool,
    reading: Option<Duration>,
    watch: Option<JoinHandle<()>>,
}

struct Source {
    stream: BodyStream,
    _held: Held,
    /// Who waits for an answer that somebody else ends.
    reader: Option<Waker>,
}

impl Source {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let piece = self.stream.as_mut().poll_next(cx);
        if piece.is_pending()
            && let Some(reader) = &mut self.reader
        {
            reader.clone_from(cx.waker());
        }
        piece
    }
}

impl ForwardedBody {
    /// A body of that size, which the client has to read within `reading`.
    pub(crate) fn new(size: BodySize, body: AnswerBody, held: Held, reading: Duration) -> Self {
        let mut body = Self::of(size, body, held);
        body.reading = Some(reading);
        if !matches!(body.size, BodySize::None | BodySize::Sized(..=SMALL)) {
            body.start_watch();
        }
        body
    }

    /// One that goes on until `end`, and is complete then. It comes whether the client reads or not.
    pub(crate) fn endless(
        size: BodySize,
        body: AnswerBody,
        held: Held,
        end: impl Future<Output = ()> + 'static,
    ) -> Self {
        let mut body = Self::of(size, body, held);
        body.endless = true;
        if let Some(source) = body.source.borrow_mut().as_mut() {
            source.reader = Some(Waker::noop().clone());
        }
        let source = Rc::clone(&body.source);
        body.watch = Some(actix_web::rt::spawn(async move {
            end.await;
            let ended = source.borrow_mut().take();
            if let Some(reader) = ended.and_then(|ended| ended.reader) {
                reader.wake();
            }
        }));
        body
    }

    fn of(size: BodySize, body: AnswerBody, held: Held) -> Self {
        let source = Source { stream: body.into_stream(), _held: held, reader: None };
        let source = Rc::new(RefCell::new(Some(source)));
        let left = if let BodySize::Sized(length) = size { Some(length) } else { None };
        Self { size, left, source, endless: false, reading: None, watch: None }
    }

    fn start_watch(&mut self) {
        let Some(limit) = self.reading.take() else { return };
        let source = Rc::clone(&self.source);
        self.watch = Some(actix_web::rt::spawn(async move {
            tokio::time::sleep(limit).await;
            source.borrow_mut().take();
        }));
    }

    fn count(&mut self, piece: &Bytes) {
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.left = self.left.map(|left| left.saturating_sub(length));
        if self.left == Some(0) {
            self.source.borrow_mut().take();
        } else {
            // A small answer in more than one piece needs the client's help after all.
            self.start_watch();
        }
    }
}

impl Drop for ForwardedBody {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}

/// Whether that is all of a body of that size: it holds nothing and waits for nobody.
pub(crate) fn is_all(size: BodySize, body: &Bytes) -> bool {
    size == BodySize::Sized(u64::try_from(body.len()).unwrap_or(u64::MAX))
}

/// The size of an answer's body. An answer to `HEAD` announces a length without sending as much; 204 and 304 have no body
/// at all.
pub(crate) fn size(method: &Method, status: StatusCode, headers: &Fields) -> BodySize {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return BodySize::None;
    }
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return BodySize::Stream;
    }
    match headers.text("content-length").and_then(|length| length.parse().ok()) {
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
        let this = self.get_mut();
        if this.left == Some(0) {
            return Poll::Ready(None);
        }
        let piece = match this.source.borrow_mut().as_mut() {
            Some(source) => ready!(source.poll_next(cx)),
            None if this.endless => return Poll::Ready(None),
            None => return Poll::Ready(Some(Err("client did not read its answer in time".into()))),
        };
        if let Some(Ok(piece)) = &piece {
            this.count(piece);
        }
        Poll::Ready(piece.map(|piece| piece.map_err(|error| error as Self::Error)))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::{mpsc, oneshot};

    use super::*;

    #[test]
    fn the_size_follows_method_status_and_announced_length() {
        let known = announced("7");
        let unknown = Fields::default();
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

    #[test]
    fn only_a_body_that_is_all_there_is_sent_as_it_is() {
        for (method, status, length, sent) in [
            (Method::GET, StatusCode::OK, Some("3"), true),
            (Method::GET, StatusCode::OK, None, false),
            (Method::GET, StatusCode::OK, Some("4"), false),
            (Method::HEAD, StatusCode::OK, Some("7"), false),
            (Method::GET, StatusCode::NOT_MODIFIED, Some("3"), false),
            (Method::DELETE, StatusCode::NO_CONTENT, None, false),
        ] {
            let size = size(&method, status, &length.map(announced).unwrap_or_default());
            assert_eq!(is_all(size, &Bytes::from_static(b"abc")), sent, "{method} {status} {length:?}");
        }
    }

    /// An answer of which the test sends the pieces, and sees that its end was dropped.
    fn fed(headers: &Fields) -> (mpsc::Sender<Bytes>, ForwardedBody) {
        let (sender, body) = answer();
        let size = size(&Method::GET, StatusCode::OK, headers);
        (sender, ForwardedBody::new(size, body, Held::default(), Duration::from_mins(1)))
    }

    fn answer() -> (mpsc::Sender<Bytes>, AnswerBody) {
        let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
        let body: BodyStream = Box::pin(futures_util::stream::poll_fn(move |cx| {
            receiver.poll_recv(cx).map(|piece| piece.map(Ok))
        }));
        (sender, body.into())
    }

    async fn next(body: &mut ForwardedBody) -> Option<Result<Bytes, Box<dyn Error>>> {
        poll_fn(|cx| Pin::new(&mut *body).poll_next(cx)).await
    }

    fn announced(length: &str) -> Fields {
        [("content-length", length)].into_iter().collect()
    }

    #[actix_web::test]
    async fn a_client_that_does_not_read_loses_its_backend() {
        tokio::time::pause();
        let (sender, mut body) = fed(&Fields::default());
        // Nobody polls: the watch alone drops the backend's end.
        sender.closed().await;
        let piece = next(&mut body).await;
        assert!(piece.is_some_and(|piece| piece.is_err()), "a cut answer must not look complete");
    }

    #[actix_web::test]
    async fn a_backend_is_let_go_with_the_last_byte_that_it_announced() {
        let (sender, mut body) = fed(&announced("3"));
        sender.send("abc".into()).await.unwrap();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "abc");
        assert!(sender.is_closed() && body.watch.is_none());
        assert!(next(&mut body).await.is_none());
    }

    #[actix_web::test]
    async fn a_client_that_does_not_read_the_rest_of_a_small_answer_loses_its_backend() {
        tokio::time::pause();
        let (sender, mut body) = fed(&announced("3"));
        sender.send("a".into()).await.unwrap();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "a");
        sender.closed().await;
        assert!(next(&mut body).await.is_some_and(|piece| piece.is_err()));
    }

    /// An endless answer, and what ends it.
    fn endless() -> (mpsc::Sender<Bytes>, oneshot::Sender<()>, ForwardedBody) {
        let ((sender, body), (end, comes)) = (answer(), oneshot::channel());
        let body =
            ForwardedBody::endless(BodySize::Stream, body, Held::default(), async { comes.await.unwrap() });
        (sender, end, body)
    }

    #[actix_web::test]
    async fn an_endless_answer_that_is_ended_is_complete() {
        let (sender, end, mut body) = endless();
        sender.send("a".into()).await.unwrap();
        assert_eq!(next(&mut body).await.unwrap().unwrap(), "a");
        let ending = async { end.send(()).unwrap() };
        let (rest, ()) = tokio::join!(next(&mut body), ending);
        assert!(rest.is_none(), "whoever waits for more is told");
        assert!(sender.is_closed());
    }

    #[actix_web::test]
    async fn an_endless_answer_that_nobody_reads_ends_as_well() {
        let (sender, end, _body) = endless();
        end.send(()).unwrap();
        sender.closed().await;
        let (sender, mut end, body) = endless();
        drop(body);
        sender.closed().await;
        end.closed().await;
    }
}
