//! A call's messages as hyper wants them.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use gateway_application::{BodyError, RequestBody};
use hyper::body::{Body, Frame, SizeHint};

pub(super) struct CallBody(RequestBody);

impl From<RequestBody> for CallBody {
    fn from(body: RequestBody) -> Self {
        Self(body)
    }
}

impl Body for CallBody {
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
            RequestBody::Stream(pieces) => {
                pieces.as_mut().poll_next(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
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

    /// No length is announced: gRPC does without, and some servers take one for the end of the messages.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
