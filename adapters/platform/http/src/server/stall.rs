//! A client that does not take what is sent to it, and how long it may.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use super::load::{Load, Open};

/// Runs while a client takes nothing; whatever it takes begins the time anew.
pub(super) struct Stall {
    patience: Duration,
    load: Load,
    running: Option<Running>,
}

struct Running {
    timer: Pin<Box<Sleep>>,
    /// What cannot leave yet belongs to an answer that is not finished, also where its body was read to the end.
    _open: Open,
}

impl Stall {
    pub(super) const fn new(patience: Duration, load: Load) -> Self {
        Self { patience, load, running: None }
    }

    /// What came of a write: an error where it has been pending for too long.
    pub(super) fn limit<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.running = None;
            return written;
        }
        let begin = || Running { timer: Box::pin(sleep(self.patience)), _open: self.load.open() };
        ready!(self.running.get_or_insert_with(begin).timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "client does not read")))
    }
}
