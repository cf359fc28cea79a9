//! Time as the domain's algorithms take it.

use gateway_domain::Moment;
use tokio::time::Instant;

/// Counts from its own start. Copies count from the same one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uptime(Instant);

impl Uptime {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Moment {
        Moment::after_start(self.0.elapsed())
    }
}
