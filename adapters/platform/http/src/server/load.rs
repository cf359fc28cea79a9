//! How much is going on: turns requests away before memory grows, and knows when nothing is left to finish.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};
use tokio::{sync::Notify, time::timeout};

/// Counts requests being handled (up to a limit) and requests of which the answer is not yet written to its end.
#[derive(Clone)]
pub(super) struct Load(Arc<Counts>);

struct Counts {
    limit: usize,
    handling: AtomicUsize,
    open: AtomicUsize,
    /// Somebody waits for the end: until then nobody has to be told of it, and a request costs no lock.
    stopping: AtomicBool,
    emptied: Notify,
}

impl Load {
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Counts {
            limit,
            handling: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
            emptied: Notify::new(),
        }))
    }

    /// A place for one request, or nothing where all are taken. `always` is for probes, which must get through.
    pub(super) fn enter(&self, always: bool) -> Option<Handling> {
        let before = self.0.handling.fetch_add(1, SeqCst);
        let handling = Handling(Arc::clone(&self.0));
        (before < self.0.limit || always).then_some(handling)
    }

    /// Counts one request as unfinished for as long as the value lives: from its head to the last byte of its answer.
    pub(super) fn open(&self) -> Open {
        self.0.open.fetch_add(1, SeqCst);
        Open(Arc::clone(&self.0))
    }

    /// Returns when no request is unfinished, and none was for a moment: the last bytes leave in that time, or are found
    /// not to.
    pub(super) async fn idle(&self) {
        const MOMENT: Duration = Duration::from_millis(100);
        self.0.stopping.store(true, SeqCst);
        loop {
            let quiet = timeout(MOMENT, self.0.emptied.notified()).await.is_err();
            if quiet && self.0.open.load(SeqCst) == 0 {
                return;
            }
        }
    }
}

/// A place taken.
pub(super) struct Handling(Arc<Counts>);

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.handling.fetch_sub(1, SeqCst);
    }
}

/// A request under way.
pub(super) struct Open(Arc<Counts>);

impl Drop for Open {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, SeqCst) == 1 && self.0.stopping.load(SeqCst) {
            self.0.emptied.notify_one();
        }
    }
}

/// A body that counts as under way until its last byte was taken.
pub(super) struct Tracked {
    body: BoxBody,
    _open: Option<Open>,
}

impl Tracked {
    pub(super) fn new(body: BoxBody, open: Option<Open>) -> Self {
        Self { body, _open: open }
    }
}

impl MessageBody for Tracked {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.body.as_pin_mut().poll_next(cx)
    }
}
