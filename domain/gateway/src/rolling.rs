//! Counts over a rolling window, without a lock.
//!
//! The window is a ring of slots, each a word of its own: the slot's number in time and two counts. A slot that is
//! written for the first time in its turn starts from nothing, so that nobody has to clear it.

use std::{
    array,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::moment::{Moment, nanos};

/// More make the window smoother and a sum dearer.
const SLOTS: usize = 10;
/// The same number, to compare ages with.
const SPAN: i64 = 10;

const COUNT_BITS: u32 = 18;
const COUNT_MAX: u32 = (1 << COUNT_BITS) - 1;
/// Numbers of slots come round after years, or after weeks where the window is a second.
const TICK_BITS: u32 = u64::BITS - 2 * COUNT_BITS;

/// Calls, and those of them that were marked, during the last window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All calls.
    pub calls: u64,
    /// Those that were marked: failed, or repeated.
    pub marked: u64,
}

/// The counters.
#[derive(Debug)]
pub(crate) struct RollingWindow {
    slots: [AtomicU64; SLOTS],
    slot_nanos: u64,
}

impl RollingWindow {
    /// Covers the last `length`, the oldest tenth falling out at once.
    pub(crate) fn new(length: Duration) -> Self {
        let slot_nanos = (nanos(length) / SLOTS as u64).max(1);
        Self { slots: array::from_fn(|_| AtomicU64::new(0)), slot_nanos }
    }

    /// Adds to the counts of the current slot.
    pub(crate) fn add(&self, now: Moment, calls: u32, marked: u32) {
        let tick = self.tick(now);
        self.update(tick, |slot| {
            if slot.age(tick) == 0 {
                return Some(slot.plus(calls, marked));
            }
            // A thread that was held up for a whole window must not wipe out what is newer.
            (slot.age(tick) > 0).then_some(Slot { tick, calls, marked })
        });
    }

    /// Takes back one mark that was added at `now`.
    pub(crate) fn unmark(&self, now: Moment) {
        let tick = self.tick(now);
        self.update(tick, |slot| {
            let marked = slot.marked.checked_sub(1)?;
            (slot.age(tick) == 0).then_some(Slot { marked, ..slot })
        });
    }

    /// The sums over the window that ends now.
    pub(crate) fn tally(&self, now: Moment) -> Tally {
        let tick = self.tick(now);
        let slots = self.slots.iter().map(|word| Slot::unpack(word.load(Relaxed)));
        // A slot ahead of this thread's `now` was written by another thread meanwhile, and counts.
        slots.filter(|slot| slot.age(tick) < SPAN).fold(Tally::default(), |sum, slot| Tally {
            calls: sum.calls + u64::from(slot.calls),
            marked: sum.marked + u64::from(slot.marked),
        })
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        for slot in &self.slots {
            slot.store(0, Relaxed);
        }
    }

    const fn tick(&self, now: Moment) -> u64 {
        now.as_nanos() / self.slot_nanos
    }

    fn update(&self, tick: u64, change: impl Fn(Slot) -> Option<Slot>) {
        let index = usize::try_from(tick % SLOTS as u64).unwrap_or_default();
        let apply = |word| change(Slot::unpack(word)).map(Slot::pack);
        // Refused only where `change` has nothing to change.
        let _ = self.slots[index].fetch_update(Relaxed, Relaxed, apply);
    }
}

/// One slot, unpacked. `tick` keeps only the lowest [`TICK_BITS`] when it is packed.
#[derive(Clone, Copy)]
struct Slot {
    tick: u64,
    calls: u32,
    marked: u32,
}

impl Slot {
    fn unpack(word: u64) -> Self {
        let count = |shift: u32| u32::try_from((word >> shift) & u64::from(COUNT_MAX)).unwrap_or(COUNT_MAX);
        Self { tick: word >> (2 * COUNT_BITS), calls: count(COUNT_BITS), marked: count(0) }
    }

    fn pack(self) -> u64 {
        self.tick << (2 * COUNT_BITS) | u64::from(self.calls) << COUNT_BITS | u64::from(self.marked)
    }

    /// How many slots it lies behind `tick`; negative where it lies ahead.
    const fn age(self, tick: u64) -> i64 {
        let unused = u64::BITS - TICK_BITS;
        (tick.wrapping_sub(self.tick) << unused).cast_signed() >> unused
    }

    /// Counts that no longer fit are halved both, which keeps their ratio.
    fn plus(self, calls: u32, marked: u32) -> Self {
        let (calls, marked) = (self.calls.saturating_add(calls), self.marked.saturating_add(marked));
        let halve = u32::from(calls > COUNT_MAX || marked > COUNT_MAX);
        let fit = |count: u32| (count >> halve).min(COUNT_MAX);
        Self { calls: fit(calls), marked: fit(marked), ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::after_start(Duration::from_millis(millis))
    }

    #[test]
    fn what_is_older_than_the_window_does_not_count() {
        let window = RollingWindow::new(Duration::from_secs(1));
        window.add(at(50), 1, 1);
        window.add(at(950), 2, 0);
        assert_eq!(window.tally(at(999)), Tally { calls: 3, marked: 1 });
        assert_eq!(window.tally(at(1_000)), Tally { calls: 2, marked: 0 });
        assert_eq!(window.tally(at(60_000)), Tally::default());
    }

    #[test]
    fn a_full_slot_keeps_its_ratio() {
        let window = RollingWindow::new(Duration::from_secs(1));
        for _ in 0..8 {
            window.add(at(0), 100_000, 25_000);
        }
        let Tally { calls, marked } = window.tally(at(0));
        assert!(calls > 100_000 && (marked * 4).abs_diff(calls) < 8, "{calls} {marked}");
    }

    #[test]
    fn a_late_thread_neither_wipes_out_nor_misses_what_is_newer() {
        let window = RollingWindow::new(Duration::from_secs(1));
        window.add(at(1_050), 5, 0);
        window.add(at(50), 1, 1);
        assert_eq!(window.tally(at(900)), Tally { calls: 5, marked: 0 });
    }

    #[test]
    fn threads_lose_nothing() {
        let window = RollingWindow::new(Duration::from_secs(1));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for step in 0..1_000 {
                        window.add(at(step / 2), 1, u32::from(step % 4 == 0));
                    }
                });
            }
        });
        assert_eq!(window.tally(at(500)), Tally { calls: 4_000, marked: 1_000 });
    }

    proptest! {
        #[test]
        fn it_counts_what_a_list_would(steps in proptest::collection::vec((0_u64..400, any::<bool>()), 1..200)) {
            let window = RollingWindow::new(Duration::from_secs(1));
            let mut list = Vec::new();
            let mut millis = 0;
            for (step, marked) in steps {
                millis += step;
                window.add(at(millis), 1, u32::from(marked));
                list.push((millis / 100, marked));
                let live = list.iter().filter(|(tick, _)| tick + 10 > millis / 100);
                let expected = Tally {
                    calls: live.clone().count() as u64,
                    marked: live.filter(|(_, marked)| *marked).count() as u64,
                };
                prop_assert_eq!(window.tally(at(millis)), expected);
            }
        }
    }
}
