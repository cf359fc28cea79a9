//! Bodies between hyper and the application.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::stream;
use gateway_application::{BodyError, CallPiece, CallPieces, GatewayError, RequestBody};
use http::HeaderMap;
use hyper::body::{Body as HttpBody, Frame};
use tokio::sync::OwnedSemaphorePermit;
use tonic::body::Body;

use crate::status;

/// A client's messages. gRPC has no trailers in this direction; what comes as such is dropped.
pub(crate) fn request_body(mut body: Body) -> RequestBody {
    if body.is_end_stream() {
        return RequestBody::Empty;
    }
    RequestBody::Stream(Box::pin(stream::poll_fn(move |cx| {
        loop {
            match ready!(Pin::new(&mut body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Some(Err(_)) => return Poll::Ready(Some(Err(BodyError::Broken))),
                None => return Poll::Ready(None),
            }
        }
    })))
}

/// The rest of an answer. It always ends with a status: a failure on the way is one too.
pub(crate) struct AnswerBody {
    pieces: Option<CallPieces<GatewayError>>,
    _slot: OwnedSemaphorePermit,
}

impl AnswerBody {
    /// `slot` is held until the last trailer, or until nobody wants it.
    pub(crate) const fn new(pieces: CallPieces<GatewayError>, slot: OwnedSemaphorePermit) -> Self {
        Self { pieces: Some(pieces), _slot: slot }
    }

    fn end(&mut self, trailers: HeaderMap) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.pieces = None;
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(pieces) = &mut self.pieces else { return Poll::Ready(None) };
        match ready!(pieces.as_mut().poll_next(cx)) {
            Some(Ok(CallPiece::Data(data))) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Ok(CallPiece::Trailers(trailers))) => self.end(trailers),
            Some(Err(error)) => self.end(status::trailers(&status::of(&error))),
            None => {
                self.pieces = None;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_none()
    }
}
