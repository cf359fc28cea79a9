//! Bodies on their way through, one piece at a time.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use gateway_application::{BodyError, BodyStream, RequestBody};
use http_body_util::BodyDataStream;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use kernel_application::BoxError;
use tokio::time::{Instant, Sleep, sleep_until};

/// A request's body as hyper wants it.
pub(crate) struct UpstreamBody(RequestBody);

impl UpstreamBody {
    pub(crate) const EMPTY: Self = Self(RequestBody::Empty);
}

impl From<RequestBody> for UpstreamBody {
    fn from(body: RequestBody) -> Self {
        Self(body)
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.0 {
            RequestBody::Empty => Poll::Ready(None),
            RequestBody::Whole(whole) => {
                let whole = std::mem::take(whole);
                self.0 = RequestBody::Empty;
                Poll::Ready(Some(Ok(Frame::data(whole))))
            }
            RequestBody::Stream(stream) => {
                stream.as_mut().poll_next(cx).map(|item| item.map(|chunk| chunk.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            RequestBody::Empty => true,
            RequestBody::Whole(whole) => whole.is_empty(),
            RequestBody::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            RequestBody::Empty => SizeHint::with_exact(0),
            RequestBody::Whole(whole) => SizeHint::with_exact(u64::try_from(whole.len()).unwrap_or(u64::MAX)),
            RequestBody::Stream(_) => SizeHint::default(),
        }
    }
}

/// A response's body, cut off at `deadline` where there is one.
pub(crate) fn response(body: Incoming, deadline: Option<Instant>) -> BodyStream {
    let stream = BodyDataStream::new(body).map_err(BoxError::from);
    match deadline {
        Some(deadline) => Box::pin(Limited { stream, deadline: Box::pin(sleep_until(deadline)) }),
        None => Box::pin(stream),
    }
}

struct Limited<S> {
    stream: S,
    deadline: Pin<Box<Sleep>>,
}

impl<S: Stream<Item = Result<Bytes, BoxError>> + Unpin> Stream for Limited<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        if let Poll::Ready(item) = pin!(&mut self.stream).poll_next(cx) {
            return Poll::Ready(item);
        }
        self.deadline
            .as_mut()
            .poll(cx)
            .map(|()| Some(Err("backend did not finish its answer in time".into())))
    }
}
