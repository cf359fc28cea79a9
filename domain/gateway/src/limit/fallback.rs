//! Who decides where limits are kept in a shared store: the store, or, while it is away, each gateway by itself.
//!
//! Nobody waits for a store that is away: one request in a while tries it, all others go by their own counts.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use crate::Moment;

/// Timeouts in a row that make a store count as away. One may be a pause of its own.
const TIMEOUTS: u32 = 3;
/// How long it is left alone then, until the next trial.
const PAUSE: Duration = Duration::from_millis(500);

/// Whether the store is asked. It is taken to be there until it is found away.
#[derive(Debug, Default)]
pub struct Fallback {
    timeouts: AtomicU32,
    /// When the next trial is due; [`Moment::START`] as long as the store is there.
    trial: AtomicU64,
}

/// Why the store is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// It is there.
    Usual,
    /// To see whether it is back.
    Trial,
}

/// What went wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It did not answer in time.
    Late,
    /// There is no connection, or the store says that it cannot.
    Away,
}

/// Who decides from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The store.
    Shared,
    /// Each gateway by itself.
    Local,
}

impl Fallback {
    /// Whether to ask the store, and why; `None` where it is not to be asked.
    pub fn ask(&self, now: Moment) -> Option<Asking> {
        let trial = self.trial.load(Ordering::Acquire);
        if trial == Moment::START.as_nanos() {
            return Some(Asking::Usual);
        }
        // Of all requests that find it due, one makes the trial.
        let due = trial <= now.as_nanos() && self.postpone(trial, now);
        due.then_some(Asking::Trial)
    }

    /// The store has answered; the mode where that changes it. An answer that was under way when the store was found
    /// away changes nothing.
    pub fn answered(&self, asking: Asking) -> Option<Mode> {
        if self.timeouts.load(Ordering::Relaxed) > 0 {
            self.timeouts.store(0, Ordering::Relaxed);
        }
        let back = asking == Asking::Trial
            && self.trial.swap(Moment::START.as_nanos(), Ordering::AcqRel) != Moment::START.as_nanos();
        back.then_some(Mode::Shared)
    }

    /// The store has not answered; the mode where that changes it.
    pub fn failed(&self, trouble: Trouble, now: Moment) -> Option<Mode> {
        let timeouts = self.timeouts.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let away = trouble == Trouble::Away || timeouts >= TIMEOUTS;
        (away && self.postpone(Moment::START.as_nanos(), now)).then_some(Mode::Local)
    }

    /// Sets the next trial, unless somebody else has done so since it was `seen`.
    fn postpone(&self, seen: u64, now: Moment) -> bool {
        let next = now.plus(PAUSE).as_nanos();
        self.trial.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_nanos(1);

    fn later(pauses: u32) -> Moment {
        NOW.plus(PAUSE * pauses)
    }

    #[test]
    fn a_store_that_is_away_is_left_at_once_and_tried_once_in_a_while() {
        let fallback = Fallback::default();
        assert_eq!(fallback.ask(NOW), Some(Asking::Usual));
        assert_eq!(fallback.failed(Trouble::Away, NOW), Some(Mode::Local));
        assert_eq!(fallback.failed(Trouble::Away, NOW), None, "said once");
        assert_eq!(fallback.ask(NOW), None);
        assert_eq!((fallback.ask(later(1)), fallback.ask(later(1))), (Some(Asking::Trial), None));
        assert_eq!(fallback.failed(Trouble::Away, later(1)), None);
        assert_eq!((fallback.ask(later(2)), fallback.ask(later(2))), (Some(Asking::Trial), None));
        assert_eq!(fallback.answered(Asking::Trial), Some(Mode::Shared));
        assert_eq!(fallback.ask(later(2)), Some(Asking::Usual));
        assert_eq!(fallback.answered(Asking::Usual), None);
    }

    #[test]
    fn a_store_may_be_late_now_and_then() {
        let fallback = Fallback::default();
        for _ in 0..10 {
            assert_eq!(fallback.failed(Trouble::Late, NOW), None);
            assert_eq!(fallback.failed(Trouble::Late, NOW), None);
            assert_eq!(fallback.answered(Asking::Usual), None);
        }
        let modes = [(); 4].map(|()| fallback.failed(Trouble::Late, NOW));
        assert_eq!(modes, [None, None, Some(Mode::Local), None]);
    }

    #[test]
    fn an_answer_that_was_under_way_does_not_bring_it_back() {
        let fallback = Fallback::default();
        fallback.failed(Trouble::Away, NOW);
        assert_eq!(fallback.answered(Asking::Usual), None);
        assert_eq!(fallback.ask(NOW), None);
    }

    #[test]
    fn of_many_threads_one_tries_and_one_tells() {
        let fallback = Fallback::default();
        let each = |of: &(dyn Fn() -> bool + Sync)| {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(of)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).filter(|told| *told).count()
            })
        };
        assert_eq!(each(&|| fallback.failed(Trouble::Away, NOW).is_some()), 1);
        assert_eq!(each(&|| fallback.ask(later(1)).is_some()), 1);
        assert_eq!(each(&|| fallback.answered(Asking::Trial).is_some()), 1);
    }
}
