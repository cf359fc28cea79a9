//! What is said of a server that a crash makes forget what it acknowledged.

use std::sync::Once;

use slog::{Logger, warn};

const LACKS: &str = "it has no append-only file, so that a crash loses baskets: set appendonly to yes, or \
                     REDIS_REQUIRE_PERSISTENCE=false";

/// Whether such a server is refused; if not, there is a warning, once in the life of the process.
pub(crate) struct Durability {
    required: bool,
    said: Once,
    logger: Logger,
}

impl Durability {
    pub(crate) const fn new(required: bool, logger: Logger) -> Self {
        Self { required, said: Once::new(), logger }
    }

    /// What to think of a server that has no append-only file. Snapshots are none: a crash loses what came after the last.
    pub(crate) fn lacks(&self) -> Result<(), String> {
        if self.required {
            return Err(LACKS.to_owned());
        }
        self.said.call_once(|| {
            warn!(self.logger, "redis has no append-only file: a crash loses what it acknowledged since its last snapshot";
                "help" => "set appendonly to yes; REDIS_REQUIRE_PERSISTENCE=true refuses such a server");
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use slog::{Drain, Never, OwnedKVList, Record, o};

    use super::*;

    struct Count(Arc<AtomicU32>);

    impl Drain for Count {
        type Ok = ();
        type Err = Never;

        fn log(&self, _record: &Record<'_>, _values: &OwnedKVList) -> Result<(), Never> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    #[test]
    fn warns_once_or_refuses() {
        for (required, warnings) in [(false, 1), (true, 0)] {
            let count = Arc::new(AtomicU32::new(0));
            let durability = Durability::new(required, Logger::root(Count(Arc::clone(&count)), o!()));
            for _ in 0..3 {
                assert_eq!(durability.lacks().is_err(), required);
            }
            assert_eq!(count.load(Ordering::Relaxed), warnings);
        }
    }
}
