//! Wakes the requests that wait for a backend, the one that came first before the others.

use gateway_domain::member::Bell;
use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(super) struct QueueBell(Notify);

impl QueueBell {
    /// Resolves at the next ring, or at once where it rang while nobody waited.
    pub(super) async fn heard(&self) {
        self.0.notified().await;
    }
}

impl Bell for QueueBell {
    fn ring(&self) {
        self.0.notify_one();
    }
}
