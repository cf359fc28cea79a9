//! Lines of the access log that passages write themselves.

use std::time::{Duration, Instant};

/// What went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The status.
    pub status: u16,
    /// The bytes of the body, as far as it went.
    pub bytes: u64,
    /// From the arrival of the request's head to the last byte.
    pub duration: Duration,
}

type Write = Box<dyn FnOnce(Sent)>;

/// A request's line in the access log. A passage that knows more of its request than the server does, or has to wait
/// for the last byte, gives one with its answer: then the server writes none.
pub struct AccessLine(Write);

impl AccessLine {
    /// `write` is called once, when the last byte is gone or nobody wants it any more.
    pub fn new(write: impl FnOnce(Sent) + 'static) -> Self {
        Self(Box::new(write))
    }

    pub(super) fn begin(self, status: u16, start: Instant) -> Pending {
        Pending { write: Some(self.0), status, bytes: 0, start }
    }
}

/// A line that waits for the last byte, which is gone when this is dropped.
pub(super) struct Pending {
    write: Option<Write>,
    status: u16,
    bytes: u64,
    start: Instant,
}

impl Pending {
    pub(super) fn sent(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let sent = Sent { status: self.status, bytes: self.bytes, duration: self.start.elapsed() };
        if let Some(write) = self.write.take() {
            write(sent);
        }
    }
}
