//! How long a service that crashed stays down: longer each time, and forgiven after a while of health.

use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Backoff {
    crashes: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);
    /// A service that lived this long starts over.
    const FORGIVEN: Duration = Duration::from_mins(1);

    /// The pause after a life of that length.
    pub(super) fn pause(&mut self, lived: Duration) -> Duration {
        if lived >= Self::FORGIVEN {
            self.crashes = 0;
        }
        let pause = Self::FIRST.saturating_mul(1_u32.checked_shl(self.crashes.min(16)).unwrap_or(u32::MAX));
        self.crashes = self.crashes.saturating_add(1);
        pause.min(Self::LONGEST)
    }

    /// Crashes in a row.
    pub(super) const fn crashes(&self) -> u32 {
        self.crashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> = (0..9).map(|_| backoff.pause(Duration::ZERO).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
        assert_eq!(backoff.crashes(), 9);
    }

    #[test]
    fn a_long_life_is_forgiven() {
        let mut backoff = Backoff::default();
        backoff.pause(Duration::ZERO);
        backoff.pause(Duration::ZERO);
        assert_eq!(backoff.pause(Backoff::FORGIVEN), Backoff::FIRST);
        assert_eq!(backoff.crashes(), 1);
    }
}
