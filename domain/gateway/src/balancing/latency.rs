//! How long a backend takes: an average that follows peaks at once and forgets them slowly.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::moment::Moment;

/// After this time an old value counts 1/e of what it did.
const DECAY: Duration = Duration::from_secs(10);
/// What a backend that never answered is taken for: neither so fast that all requests rush to it, nor so slow that none
/// ever does.
const UNKNOWN: Duration = Duration::from_millis(30);
/// A backend that was idle for long is still not infinitely fast, or its requests in flight would not count.
const LEAST: f64 = 0.000_01;
/// Stamps count 65.5 µs each and come round after three days. A backend that was idle for exactly so long is taken for
/// as slow as it was then, for a few seconds.
const STAMP_SHIFT: u32 = 16;

/// Peak-sensitive, exponentially weighted moving average of latencies, in one atomic: stamp and seconds, 32 bits each.
#[derive(Debug)]
pub struct PeakEwma(AtomicU64);

impl PeakEwma {
    /// Knows nothing yet.
    pub fn new(now: Moment) -> Self {
        Self(AtomicU64::new(pack(stamp(now), UNKNOWN.as_secs_f64())))
    }

    /// Takes a latency into account. A higher one replaces the average, a lower one is mixed in.
    pub fn observe(&self, latency: Duration, now: Moment) {
        let (stamp, latency) = (stamp(now), latency.as_secs_f64());
        let mix = |word: u64| {
            let (last, average) = unpack(word);
            if latency >= average {
                return Some(pack(stamp, latency));
            }
            let weight = fading(stamp, last)?;
            Some(pack(stamp, average * weight + latency * (1.0 - weight)))
        };
        // Refused only within one stamp, in which a lower latency has no weight.
        let _ = self.0.fetch_update(Relaxed, Relaxed, mix);
    }

    /// The average in seconds. It fades while nothing is observed, so that a backend that was slow gets another chance.
    pub fn seconds(&self, now: Moment) -> f64 {
        let (last, average) = unpack(self.0.load(Relaxed));
        (average * fading(stamp(now), last).unwrap_or(1.0)).max(LEAST)
    }
}

/// How much of an average is left; `None` where no time has passed, or another thread was ahead.
fn fading(now: u32, last: u32) -> Option<f64> {
    let passed = now.wrapping_sub(last).cast_signed();
    (passed > 0).then(|| {
        let unit = Duration::from_nanos(1 << STAMP_SHIFT).as_secs_f64();
        (-f64::from(passed) * unit / DECAY.as_secs_f64()).exp()
    })
}

fn stamp(now: Moment) -> u32 {
    u32::try_from((now.as_nanos() >> STAMP_SHIFT) & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "seven digits of a latency are more than enough")]
fn pack(stamp: u32, seconds: f64) -> u64 {
    u64::from(stamp) << u32::BITS | u64::from((seconds as f32).to_bits())
}

fn unpack(word: u64) -> (u32, f64) {
    let half = |word: u64| u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    (half(word >> u32::BITS), f64::from(f32::from_bits(half(word))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn at(millis: u32) -> Moment {
        Moment::after_start(MS * millis)
    }

    #[test]
    fn a_peak_counts_at_once_and_fades() {
        let latency = PeakEwma::new(at(0));
        latency.observe(MS * 500, at(10));
        assert!((latency.seconds(at(10)) - 0.5).abs() < 0.001);
        let later = latency.seconds(at(10_010));
        assert!((later - 0.5 / std::f64::consts::E).abs() < 0.001, "{later}");
        latency.observe(MS, at(10_010));
        let mixed = latency.seconds(at(10_010));
        let expected = 0.5 / std::f64::consts::E + 0.001 * (1.0 - 1.0 / std::f64::consts::E);
        assert!((mixed - expected).abs() < 0.001, "{mixed}");
    }

    #[test]
    fn a_steady_latency_is_found() {
        let latency = PeakEwma::new(at(0));
        (0..100_000).for_each(|millis| latency.observe(MS * 5, at(millis)));
        assert!((latency.seconds(at(100_000)) - 0.005).abs() < 0.0001);
    }

    #[test]
    fn an_idle_backend_is_not_infinitely_fast() {
        let latency = PeakEwma::new(at(0));
        assert!(latency.seconds(at(3_000_000)) > 0.0);
    }

    proptest! {
        #[test]
        fn it_stays_within_what_was_observed(steps in proptest::collection::vec((0_u32..500, 0_u32..900), 1..100)) {
            let latency = PeakEwma::new(at(0));
            let mut now = 0;
            let mut highest = UNKNOWN;
            for (step, millis) in steps {
                now += step;
                highest = highest.max(MS * millis);
                latency.observe(MS * millis, at(now));
                let seconds = latency.seconds(at(now));
                prop_assert!(seconds > 0.0 && seconds <= highest.as_secs_f64() * 1.000_001, "{seconds}");
            }
        }
    }
}
