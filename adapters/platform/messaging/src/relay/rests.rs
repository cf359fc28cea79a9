//! What has failed rests for a while, longer each time.

use std::{collections::HashMap, hash::Hash, time::Duration};

use tokio::time::Instant;

use crate::backoff::Backoff;

/// Things that rest, each for itself.
pub(super) struct Rests<K>(HashMap<K, (Backoff, Instant)>);

impl<K: Eq + Hash> Rests<K> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    pub(super) fn is_resting(&self, key: &K) -> bool {
        self.0.get(key).is_some_and(|(_, until)| Instant::now() < *until)
    }

    /// Rests from now on, and answers for how long.
    pub(super) fn failed(&mut self, key: K) -> Duration {
        let (backoff, until) = self.0.entry(key).or_insert_with(|| (Backoff::new(), Instant::now()));
        let pause = backoff.next();
        *until = Instant::now() + pause;
        pause
    }

    pub(super) fn recovered(&mut self, key: &K) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_rest_ends_and_grows_until_recovery() {
        let mut rests = Rests::new();
        assert!(!rests.is_resting(&1));
        let first = rests.failed(1);
        assert!(rests.is_resting(&1) && !rests.is_resting(&2));
        tokio::time::advance(first).await;
        assert!(!rests.is_resting(&1));
        assert!(rests.failed(1) > first);
        rests.recovered(&1);
        assert_eq!(rests.failed(1), first);
    }
}
