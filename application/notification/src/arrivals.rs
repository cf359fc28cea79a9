//! Tells this process that notifications were written, so that streams and workers need not wait for their next poll.

use shaku::{Component, Interface};
use tokio::sync::watch;

/// Announces new notifications within one process; other replicas find them by polling.
pub trait ArrivalSignal: Interface {
    /// Something was written.
    fn raise(&self);

    /// Listens from now on.
    fn listen(&self) -> Arrivals;
}

/// A listener.
pub struct Arrivals(watch::Receiver<()>);

impl Arrivals {
    /// Resolves when something was written since the last call.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The signal, over a channel of this process.
#[derive(Component)]
#[shaku(interface = ArrivalSignal)]
pub struct LocalArrivals {
    #[shaku(default = watch::Sender::new(()))]
    sender: watch::Sender<()>,
}

impl Default for LocalArrivals {
    fn default() -> Self {
        Self { sender: watch::Sender::new(()) }
    }
}

impl ArrivalSignal for LocalArrivals {
    fn raise(&self) {
        self.sender.send_replace(());
    }

    fn listen(&self) -> Arrivals {
        Arrivals(self.sender.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_between_two_calls_is_not_missed() {
        let signal = LocalArrivals::default();
        let mut arrivals = signal.listen();
        signal.raise();
        signal.raise();
        arrivals.next().await;
    }
}
