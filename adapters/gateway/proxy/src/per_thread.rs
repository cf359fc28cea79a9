//! State that each thread has for itself, so that threads neither wait for each other nor wake each other up.
//!
//! It belongs to a value and ends with it, unlike a thread's own variables. The lock is there for the rare visitor: more
//! threads than there are places, or a sweep.

use std::{
    cell::Cell,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// More than there are threads on the machines we know. Beyond that, two of them share.
const PLACES: usize = 64;

pub(crate) struct PerThread<T>(Box<[Place<T>]>);

/// A cache line and its neighbour, which processors fetch together.
#[repr(align(128))]
#[derive(Default)]
struct Place<T>(Mutex<T>);

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        Self((0..PLACES).map(|_| Place::default()).collect())
    }
}

impl<T> PerThread<T> {
    /// Looks at what is the current thread's.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut T) -> R) -> R {
        self.at(current(), look)
    }

    /// Looks at what is the thread's that had this number.
    pub(crate) fn at<R>(&self, thread: usize, look: impl FnOnce(&mut T) -> R) -> R {
        let Place(place) = &self.0[thread % PLACES];
        look(&mut place.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The current thread's number.
pub(crate) fn current() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: Cell<Option<usize>> = const { Cell::new(None) });
    NUMBER.get().unwrap_or_else(|| {
        let number = NEXT.fetch_add(1, Relaxed);
        NUMBER.set(Some(number));
        number
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_do_not_see_each_other_s() {
        let counts = PerThread::<u32>::default();
        counts.with(|count| *count += 1);
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(counts.with(|count| *count), 0));
        });
        assert_eq!((counts.with(|count| *count), counts.at(current(), |count| *count)), (1, 1));
    }
}
