//! Ctrl-C and SIGTERM as a flag that long-running verbs look at.

use crate::failure::{Context, Outcome};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How often we were asked to stop. Clones share the count.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// From here on, Ctrl-C and SIGTERM count instead of ending the process.
    pub(crate) fn install() -> Outcome<Self> {
        let interrupt = Self::default();
        let mut signals = Signals::new([SIGINT, SIGTERM]).context(|| "listening for signals".to_owned())?;
        let counter = interrupt.clone();
        thread::spawn(move || signals.forever().for_each(|_| counter.raise()));
        Ok(interrupt)
    }

    pub(crate) fn requested(&self) -> bool {
        self.count() > 0
    }

    /// The second request means: at once.
    pub(crate) fn insisted(&self) -> bool {
        self.count() > 1
    }

    pub(crate) fn raise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_twice_is_insisting() {
        let interrupt = Interrupt::default();
        assert!(!interrupt.requested());
        interrupt.raise();
        assert!(interrupt.requested() && !interrupt.insisted());
        interrupt.clone().raise();
        assert!(interrupt.insisted());
    }
}
