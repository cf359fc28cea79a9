//! The signal to stop.

use std::time::Duration;

use tokio::sync::watch;

/// Turns true once, when the service shuts down.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(crate) const fn new(signal: watch::Receiver<bool>) -> Self {
        Self(signal)
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when the signal is set or its sender is gone.
    pub(crate) async fn set(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Waits for `pause`, less when the signal comes; `true` where it came.
    pub(crate) async fn within(&mut self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.set()).await.is_ok()
    }

    /// Runs `work` to its end or until the signal: `None` where the signal came first.
    pub(crate) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.set() => None,
            result = work => Some(result),
        }
    }
}
