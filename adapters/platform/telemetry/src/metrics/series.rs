//! Series by name and label, found once per thread: a request pays neither for a lock nor for labels of its own.

use std::{cell::RefCell, collections::HashMap, fmt, sync::Arc, time::Duration};

use foldhash::fast::RandomState;
use prometheus_client::metrics::counter::Counter;
use thread_local::ThreadLocal;

use super::Histogram;

/// What is counted and timed together.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) total: Counter,
    pub(crate) seconds: Histogram,
}

impl Series {
    fn record(&self, elapsed: Duration) {
        self.total.inc();
        self.seconds.observe(elapsed);
    }
}

/// A name has few labels.
type Known<L> = HashMap<Box<str>, Vec<(L, Series)>, RandomState>;

/// Each thread's known series. They are never removed, so names and labels MUST be of a bounded set, as those of a
/// metric have to be anyway. Clones know the same.
pub(crate) struct Recorded<L: Send>(Arc<ThreadLocal<RefCell<Known<L>>>>);

impl<L: Copy + PartialEq + Send> Recorded<L> {
    /// Records in the series of `name` and `label`, which `find` looks up where this thread has not used it yet.
    pub(crate) fn record(&self, name: &str, label: L, elapsed: Duration, find: impl FnOnce() -> Series) {
        let mut known = self.0.get_or_default().borrow_mut();
        let found = known.get(name).and_then(|labels| labels.iter().find(|(other, _)| *other == label));
        if let Some((_, series)) = found {
            return series.record(elapsed);
        }
        let series = find();
        series.record(elapsed);
        known.entry(name.into()).or_default().push((label, series));
    }
}

impl<L: Send> Clone for Recorded<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L: Send> Default for Recorded<L> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<L: Send> fmt::Debug for Recorded<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorded").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::Barrier};

    use prometheus_client::metrics::family::Family;

    use super::*;

    #[test]
    fn a_series_is_looked_up_once_per_thread_and_is_the_same_for_all() {
        let (recorded, totals) = (Recorded::default(), Family::<Vec<(&str, u16)>, Counter>::default());
        let record = |name: &'static str, label: u16, looked_up: &Cell<u32>| {
            recorded.record(name, label, Duration::from_millis(1), || {
                looked_up.set(looked_up.get() + 1);
                let total = totals.get_or_create_owned(&vec![(name, label)]);
                Series { total, seconds: Histogram::default() }
            });
        };
        // Both are there at once: a thread takes over what one before it left.
        let both = Barrier::new(2);
        let work = || {
            let looked_up = Cell::new(0);
            both.wait();
            for _ in 0..3 {
                for (name, label) in [("/a", 200), ("/a", 404), ("/b", 200)] {
                    record(name, label, &looked_up);
                }
            }
            both.wait();
            looked_up.get()
        };
        std::thread::scope(|scope| {
            let threads = [scope.spawn(work), scope.spawn(work)];
            assert_eq!(threads.map(|thread| thread.join().unwrap()), [3, 3]);
        });
        for (name, label) in [("/a", 200), ("/a", 404), ("/b", 200)] {
            assert_eq!(totals.get_or_create(&vec![(name, label)]).get(), 6, "{name} {label}");
        }
    }
}
