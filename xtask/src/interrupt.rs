//! Ctrl-C and SIGTERM as a flag that long-running verbs look at.

use crate::failure::{Context, Failure, Outcome};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::unregister;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];
/// Whether signals are counted in this process.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// How often we were asked to stop. Clones share the count.
#[derive(Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// From here on, Ctrl-C and SIGTERM count instead of ending the process.
    pub(crate) fn install() -> Outcome<Self> {
        let interrupt = Self::default();
        let mut signals = Signals::new(SIGNALS).context(listening)?;
        INSTALLED.store(true, Ordering::SeqCst);
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

/// What must not be cut short: Ctrl-C and SIGTERM wait until the work is done, and then end it with a failure.
///
/// Children in this terminal still hear Ctrl-C, so the work is not long. Where an [`Interrupt`] is installed, it counts as
/// ever.
pub(crate) fn postponed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let asked = Arc::new(AtomicBool::new(false));
    let mortal = mortal()?;
    let mut handlers = Vec::new();
    for signal in SIGNALS {
        handlers.push(flag::register(signal, Arc::clone(&asked)).context(listening)?);
    }
    mortal.store(false, Ordering::SeqCst);
    let outcome = work();
    mortal.store(true, Ordering::SeqCst);
    for handler in handlers {
        unregister(handler);
    }
    if asked.load(Ordering::SeqCst) { Err(Failure::new("stopped on request")) } else { outcome }
}

/// While this is set, signals end us, as they do by default: once handled, they never do so by themselves again.
fn mortal() -> Outcome<Arc<AtomicBool>> {
    static MORTAL: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let mut fresh = false;
    let mortal = MORTAL.get_or_init(|| {
        fresh = true;
        Arc::new(AtomicBool::new(true))
    });
    if fresh && !INSTALLED.load(Ordering::SeqCst) {
        for signal in SIGNALS {
            flag::register_conditional_default(signal, Arc::clone(mortal)).context(listening)?;
        }
    }
    Ok(Arc::clone(mortal))
}

fn listening() -> String {
    "listening for signals".to_owned()
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

    #[test]
    fn what_must_not_be_cut_short_is_done_first() {
        let outcome = postponed(|| {
            signal_hook::low_level::raise(SIGTERM).unwrap();
            Ok("done")
        });
        assert_eq!(outcome.unwrap_err().to_string(), "stopped on request");
        assert_eq!(postponed(|| Ok("done")).unwrap(), "done");
    }
}
