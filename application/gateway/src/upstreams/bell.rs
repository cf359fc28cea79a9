//! Wakes the requests that wait for a backend, the one that came first before the others.

use gateway_domain::member::Bell;
use tokio::sync::{Mutex, MutexGuard, Notify, futures::Notified};

#[derive(Debug, Default)]
pub(super) struct QueueBell {
    /// Held by the one whose turn it is. It is fair: who asked first has it first.
    front: Mutex<()>,
    rung: Notify,
}

impl QueueBell {
    /// Waits until all who came before have gone in, or given up. Only who is in front may listen and try to get in: were
    /// all to try, a place would be taken by whoever is awake just then, and who had waited longest would begin anew.
    pub(super) async fn front(&self) -> MutexGuard<'_, ()> {
        self.front.lock().await
    }

    /// Resolves at the next ring, or at once where it rang while nobody listened. It hears what rings for all from now on,
    /// before it is waited for.
    pub(super) fn heard(&self) -> Notified<'_> {
        self.rung.notified()
    }

    /// There is nothing to wait for any more. Who is not in front yet will be as soon as those before have seen that.
    pub(super) fn ring_for_all(&self) {
        self.rung.notify_waiters();
    }
}

impl Bell for QueueBell {
    fn ring(&self) {
        self.rung.notify_one();
    }
}
