//! A clock that a paused test moves.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kernel_application::Clock;
use kernel_domain::Timestamp;
use tokio::time::Instant;

/// Goes with tokio's time, from 1970 on.
pub struct TokioClock {
    start: Instant,
    set: Mutex<Duration>,
}

impl Default for TokioClock {
    fn default() -> Self {
        Self { start: Instant::now(), set: Mutex::default() }
    }
}

impl TokioClock {
    /// Somebody sets it, and no time passes.
    pub fn set_forward(&self, by: Duration) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let set = *self.set.lock().unwrap_or_else(PoisonError::into_inner);
        Timestamp::UNIX_EPOCH + self.start.elapsed() + set
    }
}
