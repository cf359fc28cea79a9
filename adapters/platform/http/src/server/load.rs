//! How much is going on: turns requests away before memory grows, and knows when nothing is left to finish.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};
use tokio::sync::watch;

use super::line::Pending;

/// Counts requests being handled (up to a limit) and answers not yet written to their end.
#[derive(Clone)]
pub(super) struct Load {
    limit: usize,
    handling: Arc<AtomicUsize>,
    open: Arc<watch::Sender<usize>>,
}

impl Load {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, handling: Arc::default(), open: Arc::new(watch::channel(0).0) }
    }

    /// A place for one request, or nothing where all are taken. `always` is for probes, which must get through.
    pub(super) fn enter(&self, always: bool) -> Option<Handling> {
        let before = self.handling.fetch_add(1, Ordering::SeqCst);
        let handling = Handling(Arc::clone(&self.handling));
        (before < self.limit || always).then_some(handling)
    }

    /// Counts one answer as unfinished for as long as the value lives.
    pub(super) fn open(&self) -> Open {
        self.open.send_modify(|open| *open = open.saturating_add(1));
        Open(Arc::clone(&self.open))
    }

    /// Returns when no answer is unfinished, and none came up for a moment: the last bytes leave in that time.
    pub(super) async fn idle(&self) {
        const MOMENT: Duration = Duration::from_millis(100);
        let mut open = self.open.subscribe();
        loop {
            // The sender lives in `self`, so this ends with an idle server only.
            let _ = open.wait_for(|open| *open == 0).await;
            if tokio::time::timeout(MOMENT, open.wait_for(|open| *open > 0)).await.is_err() {
                return;
            }
        }
    }
}

/// A place taken.
pub(super) struct Handling(Arc<AtomicUsize>);

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An answer under way.
pub(super) struct Open(Arc<watch::Sender<usize>>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

/// A body that counts as under way until its last byte was taken.
pub(super) struct Tracked {
    body: BoxBody,
    line: Option<Pending>,
    _open: Open,
}

impl Tracked {
    pub(super) fn new(body: BoxBody, open: Open, line: Option<Pending>) -> Self {
        Self { body, line, _open: open }
    }
}

impl MessageBody for Tracked {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let piece = self.body.as_pin_mut().poll_next(cx);
        if let (Poll::Ready(Some(Ok(piece))), Some(line)) = (&piece, &mut self.line) {
            line.sent(piece.len());
        }
        piece
    }
}
