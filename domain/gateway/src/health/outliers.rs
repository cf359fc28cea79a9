//! Passive health: what real requests say of a backend.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use crate::{Moment, Share, outcome::Verdict, rolling::RollingWindow};

/// When a backend becomes suspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlierSettings {
    /// So many failures in a row.
    pub consecutive: NonZeroU32,
    /// Or this share of failures, as soon as the window has [`OutlierSettings::minimum_calls`].
    pub error_rate: Share,
    /// The calls that a rate is taken of at least.
    pub minimum_calls: NonZeroU32,
    /// The window of the rate.
    pub interval: Duration,
}

impl Default for OutlierSettings {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            consecutive: number(5),
            error_rate: Share::HALF,
            minimum_calls: number(50),
            interval: Duration::from_secs(10),
        }
    }
}

/// Why a backend is suspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// It failed so often in a row.
    Consecutive(u32),
    /// So many of the calls in the window failed.
    Rate {
        /// Failed calls.
        failed: u64,
        /// All calls.
        calls: u64,
    },
}

/// Watches the outcomes of one backend's requests. Shared by all of them, without a lock.
#[derive(Debug)]
pub struct OutlierDetector {
    settings: OutlierSettings,
    consecutive: AtomicU32,
    window: RollingWindow,
}

impl OutlierDetector {
    /// Has seen nothing yet.
    pub fn new(settings: OutlierSettings) -> Self {
        let window = RollingWindow::new(settings.interval);
        Self { settings, consecutive: AtomicU32::new(0), window }
    }

    /// Takes an outcome into account. A suspicion is raised once, and begins from nothing after that.
    pub fn record(&self, verdict: Verdict, now: Moment) -> Option<Suspicion> {
        match verdict {
            Verdict::Unknown => None,
            Verdict::Good => {
                self.window.add(now, 1, 0);
                // A store on each success would move the line between all cores.
                if self.consecutive.load(Relaxed) > 0 {
                    self.consecutive.store(0, Relaxed);
                }
                None
            }
            Verdict::Bad => self.record_failure(now),
        }
    }

    fn record_failure(&self, now: Moment) -> Option<Suspicion> {
        self.window.add(now, 1, 1);
        let in_a_row = self.consecutive.fetch_add(1, Relaxed).saturating_add(1);
        let tally = self.window.tally(now);
        let settings = &self.settings;
        let suspicion = if in_a_row == settings.consecutive.get() {
            Suspicion::Consecutive(in_a_row)
        } else if tally.calls >= u64::from(settings.minimum_calls.get())
            && settings.error_rate.is_reached(tally.marked, tally.calls)
        {
            Suspicion::Rate { failed: tally.marked, calls: tally.calls }
        } else {
            return None;
        };
        self.consecutive.store(0, Relaxed);
        self.window.clear();
        Some(suspicion)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detector() -> OutlierDetector {
        OutlierDetector::new(OutlierSettings {
            consecutive: NonZeroU32::new(3).unwrap(),
            minimum_calls: NonZeroU32::new(10).unwrap(),
            ..OutlierSettings::default()
        })
    }

    fn record(detector: &OutlierDetector, verdicts: &[Verdict]) -> Vec<Suspicion> {
        verdicts.iter().filter_map(|verdict| detector.record(*verdict, Moment::START)).collect()
    }

    use Verdict::{Bad, Good, Unknown};

    #[test]
    fn failures_in_a_row_raise_one_suspicion() {
        let detector = detector();
        assert_eq!(record(&detector, &[Bad, Bad, Good, Bad, Bad]), []);
        assert_eq!(record(&detector, &[Unknown, Bad]), [Suspicion::Consecutive(3)]);
        assert_eq!(record(&detector, &[Bad, Bad]), []);
    }

    #[test]
    fn a_rate_does_where_they_do_not_come_in_a_row() {
        let suspicions = record(&detector(), &[Good, Bad].repeat(5));
        assert_eq!(suspicions, [Suspicion::Rate { failed: 5, calls: 10 }]);
    }

    #[test]
    fn old_failures_are_forgotten() {
        let detector = detector();
        for step in 0..40 {
            let now = Moment::START.plus(Duration::from_secs(3 * step));
            assert_eq!(detector.record(if step % 2 == 0 { Good } else { Bad }, now), None);
        }
    }
}
