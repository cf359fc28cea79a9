//! A backend's answer, as the application takes it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::Stream;
use gateway_application::{CallPiece, CallPieces};
use hyper::body::{Body, Incoming};
use kernel_application::BoxError;

/// The rest of an answer; `stream` is let go with its end.
pub(super) fn stream(body: Incoming, stream: Arc<()>) -> CallPieces<BoxError> {
    Box::pin(Pieces { body, _stream: stream })
}

struct Pieces {
    body: Incoming,
    _stream: Arc<()>,
}

impl Stream for Pieces {
    type Item = Result<CallPiece, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => return Poll::Ready(None),
            };
            match frame.into_data().map(CallPiece::Data) {
                Ok(data) => return Poll::Ready(Some(Ok(data))),
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        return Poll::Ready(Some(Ok(CallPiece::Trailers(trailers))));
                    }
                }
            }
        }
    }
}
