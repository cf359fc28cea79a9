//! Keeps the tokens of services fresh while a run lasts.

use super::{Development, SERVICE_TTL, now};
use crate::failure::Outcome;
use crate::paint::say;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A third of a token's life: two renewals may fail before a service is turned away.
const INTERVAL: u64 = SERVICE_TTL.as_secs() / 3;
/// The clock of the wall is looked at this often: a machine that slept must not go on with tokens of yesterday.
const LOOK: Duration = Duration::from_secs(5);

/// Ends when dropped.
pub(crate) struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Gives each service its first token before it comes back.
    pub(crate) fn start(issuer: Arc<Development>) -> Outcome<Self> {
        issuer.renew()?;
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let mut renewed = now();
            while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                if is_due(renewed, now()) {
                    renewed = now();
                    if let Err(failure) = issuer.renew() {
                        say!("tokens of services cannot be renewed: {failure}");
                    }
                }
            }
        });
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// A clock that was put back counts too: the old tokens are then not valid yet.
const fn is_due(renewed: u64, now: u64) -> bool {
    now < renewed || now - renewed >= INTERVAL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_renewed_long_before_they_end() {
        assert!(!is_due(1000, 1000 + INTERVAL - 1));
        assert!(is_due(1000, 1000 + INTERVAL));
        assert!(is_due(1000, 900));
        assert!(INTERVAL * 2 < SERVICE_TTL.as_secs());
    }

    #[test]
    fn the_first_tokens_are_there_at_once_and_the_thread_ends() {
        let data = tempfile::tempdir().unwrap();
        let keeper = Keeper::start(Arc::new(Development::provide(data.path()).unwrap())).unwrap();
        assert!(data.path().join("identity/payment.token").is_file());
        drop(keeper);
    }
}
