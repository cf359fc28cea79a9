//! Bodies on their way through, one piece at a time.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::Stream;
use gateway_application::{BodyError, BodyStream, RequestBody};
use http_body_util::BodyDataStream;
use hyper::body::{Body, Frame, SizeHint};
use kernel_application::BoxError;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{connection::Answer, pulse::Pulse};

/// A request's body as hyper wants it.
pub(crate) struct UpstreamBody {
    body: RequestBody,
    /// Beats with each piece that the connection takes.
    pulse: Option<Pulse>,
}

impl UpstreamBody {
    pub(crate) const EMPTY: Self = Self { body: RequestBody::Empty, pulse: None };

    /// A body, and what tells when the connection has taken a piece of it, where it comes in pieces.
    pub(crate) fn new(body: RequestBody) -> (Self, Option<Pulse>) {
        let pulse = matches!(body, RequestBody::Stream(_)).then(Pulse::new);
        (Self { body, pulse: pulse.clone() }, pulse)
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Self { body, pulse } = &mut *self;
        match body {
            RequestBody::Empty => Poll::Ready(None),
            RequestBody::Whole(whole) => {
                let whole = std::mem::take(whole);
                *body = RequestBody::Empty;
                Poll::Ready(Some(Ok(Frame::data(whole))))
            }
            RequestBody::Stream(stream) => {
                let piece = ready!(stream.as_mut().poll_next(cx));
                if let Some(pulse) = pulse {
                    pulse.beat();
                }
                Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            RequestBody::Empty => true,
            RequestBody::Whole(whole) => whole.is_empty(),
            RequestBody::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            RequestBody::Empty => SizeHint::with_exact(0),
            RequestBody::Whole(whole) => SizeHint::with_exact(u64::try_from(whole.len()).unwrap_or(u64::MAX)),
            RequestBody::Stream(_) => SizeHint::default(),
        }
    }
}

/// A response's body, cut off at `deadline` where there is one.
pub(crate) fn response(body: Answer, deadline: Option<Instant>) -> BodyStream {
    Box::pin(Limited { pieces: BodyDataStream::new(body), deadline, alarm: None })
}

struct Limited {
    pieces: BodyDataStream<Answer>,
    deadline: Option<Instant>,
    /// Set as soon as there is something to wait for: most answers are there with their head.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Stream for Limited {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(piece) = Pin::new(&mut self.pieces).poll_next(cx) {
            return Poll::Ready(piece.map(|piece| piece.map_err(BoxError::from)));
        }
        let Some(deadline) = self.deadline else { return Poll::Pending };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        alarm.as_mut().poll(cx).map(|()| Some(Err("backend did not finish its answer in time".into())))
    }
}
