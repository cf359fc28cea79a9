//! An answer's body on its way through, one piece at a time.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::Stream;
use gateway_application::BodyStream;
use kernel_application::BoxError;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::Answer;

/// A response's body, cut off at `deadline` where there is one.
pub(crate) fn response(pieces: Answer, deadline: Option<Instant>) -> BodyStream {
    Box::pin(Limited { pieces, deadline, alarm: None })
}

struct Limited {
    pieces: Answer,
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
