//! Connections to leaders of partitions, and what waits to be used again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rskafka::client::{Client, partition::PartitionClient};

/// A connection to the leader of one partition, used by one call at a time.
pub(crate) struct Line {
    /// rskafka's client of the partition.
    pub(crate) client: PartitionClient,
    /// The cluster's client it came from.
    pub(crate) of: Arc<Client>,
}

/// A partition of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// The topic as the application knows it.
    pub(crate) topic: String,
    /// The partition.
    pub(crate) partition: u32,
}

/// What is not in use, by partition.
///
/// A call that is dropped half-way takes what it had with it: a connection with an answer still to come is not
/// used again.
pub(crate) struct Pool<T>(Mutex<HashMap<Place, Vec<T>>>);

impl<T> Pool<T> {
    /// More than this for one partition are closed when they come back.
    const IDLE: usize = 2;

    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// The one that `suits`, or else the one used last.
    pub(crate) fn take(&self, place: &Place, suits: impl Fn(&T) -> bool) -> Option<T> {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = pool.get_mut(place)?;
        let suitable = idle.iter().position(suits).or_else(|| idle.len().checked_sub(1))?;
        Some(idle.remove(suitable))
    }

    pub(crate) fn put(&self, place: &Place, item: T) {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = pool.entry(place.clone()).or_default();
        if idle.len() < Self::IDLE {
            idle.push(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_suits_comes_first_and_little_is_kept() {
        let (pool, place) = (Pool::new(), Place { topic: "t".to_owned(), partition: 0 });
        assert_eq!(pool.take(&place, |_| true), None);
        for item in [1, 2, 3] {
            pool.put(&place, item);
        }
        assert_eq!(pool.take(&place, |item| *item == 1), Some(1));
        assert_eq!(pool.take(&place, |item| *item == 3), Some(2));
        assert_eq!(pool.take(&place, |_| true), None);
    }
}
