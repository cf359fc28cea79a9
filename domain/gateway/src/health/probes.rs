//! Active health: what probes say of a backend.

use std::{num::NonZeroU32, time::Duration};

/// How probes are taken and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeSettings {
    /// Between two probes of one backend.
    pub interval: Duration,
    /// So many good ones in a row bring a backend up.
    pub up_after: NonZeroU32,
    /// So many bad ones in a row take it down.
    pub down_after: NonZeroU32,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self { interval: Duration::from_secs(5), up_after: number(2), down_after: number(3) }
    }
}

impl ProbeSettings {
    /// The shortest time in which a backend that is down can come up.
    pub fn time_to_come_up(&self) -> Duration {
        self.interval.saturating_mul(self.up_after.get())
    }
}

/// One backend's probes so far: up until they say otherwise, because traffic must not wait for the first probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeTally {
    up: bool,
    /// The probes in a row that speak against `up`.
    against: u32,
}

impl Default for ProbeTally {
    fn default() -> Self {
        Self { up: true, against: 0 }
    }
}

impl ProbeTally {
    /// Whether probes have it up.
    pub const fn is_up(&self) -> bool {
        self.up
    }

    /// Takes a probe into account; whether it brought the backend up or down.
    pub fn record(&mut self, good: bool, settings: &ProbeSettings) -> bool {
        if good == self.up {
            self.against = 0;
            return false;
        }
        self.against += 1;
        let threshold = if self.up { settings.down_after } else { settings.up_after };
        let turned = self.against >= threshold.get();
        if turned {
            *self = Self { up: !self.up, against: 0 };
        }
        turned
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn thresholds_count_probes_in_a_row() {
        let settings = ProbeSettings::default();
        let mut tally = ProbeTally::default();
        let mut states = |probes: &[bool]| {
            probes
                .iter()
                .map(|good| {
                    tally.record(*good, &settings);
                    tally.is_up()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(states(&[false, false, true, false, false, false]), [true, true, true, true, true, false]);
        assert_eq!(states(&[true, false, true, true]), [false, false, false, true]);
    }

    proptest! {
        #[test]
        fn it_turns_only_after_a_whole_row(probes in proptest::collection::vec(any::<bool>(), 0..100)) {
            let settings = ProbeSettings::default();
            let mut tally = ProbeTally::default();
            for end in 0..probes.len() {
                let turned = tally.record(probes[end], &settings);
                let needed = if tally.is_up() { 2 } else { 3 };
                let row = probes[..=end].iter().rev().take_while(|good| **good == tally.is_up()).count();
                prop_assert!(!turned || row >= needed);
                // Nor does it fail to turn: no row against the state is as long as its threshold.
                let against = probes[..=end].iter().rev().take_while(|good| **good != tally.is_up()).count();
                let threshold = if tally.is_up() { 3 } else { 2 };
                prop_assert!(against < threshold);
            }
        }
    }
}
