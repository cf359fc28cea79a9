//! Between a connection and whoever waits for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// One waker for all that a connection ever waits for, which wakes whoever waits for the connection at that time.
///
/// A connection is used by one request after the other, and what it waited for with one may happen while it is kept, or
/// belong to the next. So nobody is woken for another's sake, and whoever is polled for another reason finds that nothing
/// has happened.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    waker: Waker,
}

struct Shared {
    waits: AtomicWaker,
    news: AtomicBool,
}

impl Default for Relay {
    fn default() -> Self {
        let shared = Arc::new(Shared { waits: AtomicWaker::new(), news: AtomicBool::new(true) });
        Self { waker: Waker::from(Arc::clone(&shared)), shared }
    }
}

impl Relay {
    /// Notes who is to be woken; whether anything has happened since this was asked for the last time.
    pub(crate) fn listens(&self, waker: &Waker) -> bool {
        // In this order: what happens in between wakes.
        self.shared.waits.register(waker);
        self.shared.news.swap(false, SeqCst)
    }

    /// What the connection is polled with.
    pub(crate) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// Something has happened that the connection does not know of.
    pub(crate) fn has_news(&self) {
        self.shared.news.store(true, SeqCst);
    }

    /// Nobody waits any more.
    pub(crate) fn forget(&self) {
        drop(self.shared.waits.take());
    }
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.news.store(true, SeqCst);
        self.waits.wake();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::task::noop_waker_ref;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, SeqCst);
        }
    }

    #[test]
    fn who_waits_now_is_woken_and_nobody_else() {
        let relay = Relay::default();
        let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
        assert!(relay.listens(&Waker::from(Arc::clone(&first))), "a new connection has to be polled");
        assert!(!relay.listens(&Waker::from(Arc::clone(&second))), "nothing has happened");
        relay.context().waker().wake_by_ref();
        assert!(!first.0.load(SeqCst) && second.0.swap(false, SeqCst));
        assert!(relay.listens(&Waker::from(Arc::clone(&second))));
        relay.forget();
        relay.context().waker().wake_by_ref();
        assert!(!second.0.load(SeqCst), "it waits no longer");
        assert!(relay.listens(noop_waker_ref()), "what happened in between is found by the next");
        relay.has_news();
        assert!(relay.listens(noop_waker_ref()));
    }
}
