//! A clock and ids that tests decide, and the [`contract`] of the messaging ports.

pub mod contract;

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use chrono::TimeDelta;
use kernel_domain::{Timestamp, UserId};
use uuid::Uuid;

use crate::{CallContext, Caller, Clock, IdGenerator, Principal, TraceContext};

/// A clock that stands still until it is moved. Starts at 2026-01-01T00:00:00Z.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Moves the clock forward.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now += by;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self(Mutex::new(Timestamp::UNIX_EPOCH + TimeDelta::seconds(1_767_225_600)))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids 1, 2, 3 …
#[derive(Default)]
pub struct SequenceIds(AtomicU64);

impl IdGenerator for SequenceIds {
    fn next(&self) -> Uuid {
        let next = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Uuid::from_u128((u128::from(next) << 64) | u128::from(next))
    }
}

/// A context for tests: the system itself calls.
pub fn context() -> CallContext {
    CallContext::new("test", TraceContext::start(Uuid::from_u128(1))).by(Caller::Trusted)
}

/// A context for tests, of a user without roles.
///
/// # Panics
/// Where `name` cannot be a user's.
pub fn context_of(name: &str) -> CallContext {
    let subject = UserId::new(name).unwrap_or_else(|_| unreachable!("`{name}` is no user id"));
    context().by(Caller::known(Principal::new(subject, [])))
}
