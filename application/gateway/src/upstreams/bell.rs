//! Wakes the requests that wait for a backend, the one that came first before the others.

use gateway_domain::member::Bell;
use tokio::sync::{Notify, futures::Notified};

#[derive(Debug, Default)]
pub(super) struct QueueBell(Notify);

impl QueueBell {
    /// Resolves at the next ring, or at once where it rang while nobody waited. It hears what rings for all from now on,
    /// before it is waited for.
    pub(super) fn heard(&self) -> Notified<'_> {
        self.0.notified()
    }

    /// Wakes everybody: there is nothing to wait for any more.
    pub(super) fn ring_for_all(&self) {
        self.0.notify_waiters();
    }
}

impl Bell for QueueBell {
    fn ring(&self) {
        self.0.notify_one();
    }
}
