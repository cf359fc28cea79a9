//! The outbox is cleaned by a worker, not by hand.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use kernel_application::{
    StoreError,
    messaging::{Outbox, OutboxStats, StoredMessage},
};
use platform_messaging::Housekeeping;
use slog::{Discard, Logger, o};
use tokio::sync::watch;

/// Has old messages in three bits, is then away, and then has nothing left; remembers with which retention it was purged.
#[derive(Default)]
struct Purged(Mutex<Vec<Duration>>);

#[async_trait]
impl Outbox for Purged {
    async fn lease(&self, _: &str, _: Duration) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn pending(&self, _: i64, _: u32) -> Result<Vec<StoredMessage>, StoreError> {
        Ok(vec![])
    }

    async fn mark_published(&self, _: &[i64]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn purge(&self, retention: Duration) -> Result<u64, StoreError> {
        let mut purged = self.0.lock().unwrap();
        purged.push(retention);
        match purged.len() {
            1..=3 => Ok(1_000),
            4 => Err(StoreError::Fenced),
            _ => Ok(0),
        }
    }

    async fn stats(&self) -> Result<OutboxStats, StoreError> {
        Ok(OutboxStats::default())
    }

    async fn wait(&self) {
        future::pending::<()>().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_outbox_is_cleaned_again_and_again_whatever_goes_wrong() {
    let outbox = Arc::new(Purged::default());
    let (stop, stopped) = watch::channel(false);
    let worker = Housekeeping { outbox: outbox.clone(), inbox: None, logger: Logger::root(Discard, o!()) };
    let worker = tokio::spawn(worker.run(stopped));
    // The clock is paused: an hour is over as soon as everybody waits.
    tokio::time::sleep(Duration::from_hours(1)).await;
    stop.send_replace(true);
    worker.await.unwrap();
    let purged = outbox.0.lock().unwrap();
    // Four times in the first round, once in each of the others.
    assert!((8..=10).contains(&purged.len()), "{purged:?}");
    assert!(purged.iter().all(|retention| *retention == Duration::from_hours(24)), "{purged:?}");
}
