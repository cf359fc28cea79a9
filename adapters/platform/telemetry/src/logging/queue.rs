//! Lines on their way out: threads that log append whole lines, and one thread writes out what is there, many lines at
//! a time. Nobody who logs waits for the output.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// How much may wait for a slow output before new lines are dropped, and counted.
const CAPACITY: usize = 4 * 1024 * 1024;

/// This much is written out without a rest.
const BATCH: usize = 64 * 1024;

/// How long the writer rests after it wrote: lines of a busy process come together in that time, while the first line
/// after a silence is written at once.
pub(super) const REST: Duration = Duration::from_millis(5);

/// Where lines wait. Clones are the same queue.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    dropped: u64,
    writer: Writer,
    closed: bool,
}

/// What the writing thread does; it is woken only where that is of use.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Writer {
    /// Writes, or is about to look what is there.
    #[default]
    Busy,
    /// Waits for lines to come together.
    Resting,
    /// Waits for a line.
    Idle,
}

/// Whether a line may be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// It is one of many.
    IfThereIsRoom,
    /// It may not, and waits whatever waits already.
    Always,
}

/// What was taken out of the queue.
struct Taken {
    dropped: u64,
    closed: bool,
}

impl Queue {
    /// Appends a whole line.
    pub(super) fn push(&self, line: &[u8], keep: Keep) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        if keep == Keep::IfThereIsRoom && state.lines.len().saturating_add(line.len()) > CAPACITY {
            state.dropped = state.dropped.saturating_add(1);
            return;
        }
        state.lines.extend_from_slice(line);
        let wake = match state.writer {
            Writer::Busy => false,
            Writer::Resting => state.lines.len() >= BATCH,
            Writer::Idle => true,
        };
        if wake {
            // Others need not wake it again.
            state.writer = Writer::Busy;
            drop(state);
            self.0.changed.notify_one();
        }
    }

    /// Writes to `output` on a thread of its own until the queue is closed, with a `rest` after each time. Of dropped
    /// lines, `report` appends a line.
    pub(super) fn write_to(
        &self,
        output: impl io::Write + Send + 'static,
        rest: Duration,
        report: impl Fn(u64, &mut Vec<u8>) + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let queue = self.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || queue.run(output, rest, report))
    }

    /// Takes no more lines; those that wait are still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.0.changed.notify_one();
    }

    fn run(&self, mut output: impl io::Write, rest: Duration, report: impl Fn(u64, &mut Vec<u8>)) {
        let mut batch = Vec::new();
        loop {
            let taken = self.take(&mut batch);
            if taken.dropped > 0 {
                report(taken.dropped, &mut batch);
            }
            // The output may be closed under us; a service does not die of that.
            let _ = output.write_all(&batch).and_then(|()| output.flush());
            batch.clear();
            batch.shrink_to(BATCH);
            if taken.closed {
                return;
            }
            self.rest(rest);
        }
    }

    /// Swaps what waits for an empty `batch`, as soon as there is something.
    fn take(&self, batch: &mut Vec<u8>) -> Taken {
        let mut state = self.lock();
        while state.lines.is_empty() && !state.closed {
            state.writer = Writer::Idle;
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writer = Writer::Busy;
        std::mem::swap(&mut state.lines, batch);
        Taken { dropped: std::mem::take(&mut state.dropped), closed: state.closed }
    }

    fn rest(&self, time: Duration) {
        let mut state = self.lock();
        state.writer = Writer::Resting;
        let waits = |state: &mut State| !state.closed && state.lines.len() < BATCH;
        let waited = self.0.changed.wait_timeout_while(state, time, waits);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.writer = Writer::Busy;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Tells of every write, and waits there until it is let go.
    struct Gate {
        written: Sender<Vec<u8>>,
        go: Receiver<()>,
    }

    impl io::Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.send(bytes.to_vec()).map_err(io::Error::other)?;
            self.go.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const FOREVER: Duration = Duration::from_hours(1);

    struct Fixture {
        queue: Queue,
        written: Receiver<Vec<u8>>,
        go: Sender<()>,
        writer: JoinHandle<()>,
    }

    impl Fixture {
        fn new(rest: Duration) -> Self {
            let (queue, (sender, written), (go, let_go)) = (Queue::default(), channel(), channel());
            let report = |dropped: u64, line: &mut Vec<u8>| {
                line.extend_from_slice(format!("lost {dropped}\n").as_bytes());
            };
            let writer = queue.write_to(Gate { written: sender, go: let_go }, rest, report).unwrap();
            Self { queue, written, go, writer }
        }

        fn push(&self, line: &str) {
            self.queue.push(line.as_bytes(), Keep::IfThereIsRoom);
        }

        /// The next write, which stands until it is let go.
        fn next(&self) -> String {
            String::from_utf8(self.written.recv_timeout(Duration::from_secs(10)).unwrap()).unwrap()
        }

        /// All that is written from here on.
        fn rest(self) -> Vec<String> {
            self.queue.close();
            drop(self.go);
            self.writer.join().unwrap();
            self.written.iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
        }
    }

    #[test]
    fn a_line_is_written_at_once_and_those_that_came_meanwhile_together_and_in_order() {
        let log = Fixture::new(REST);
        log.push("1\n");
        assert_eq!(log.next(), "1\n");
        log.push("2\n");
        log.push("3\n");
        log.go.send(()).unwrap();
        assert_eq!(log.next(), "2\n3\n");
        log.push("4\n");
        assert_eq!(log.rest(), ["4\n"], "what waits at the end is written");
    }

    #[test]
    fn the_end_does_not_wait_for_the_end_of_the_rest() {
        let log = Fixture::new(FOREVER);
        log.push("1\n");
        assert_eq!(log.next(), "1\n");
        log.go.send(()).unwrap();
        log.push("2\n");
        assert_eq!(log.rest(), ["2\n"]);
    }

    #[test]
    fn a_slow_output_costs_lines_that_are_counted_but_none_that_must_be_kept() {
        let log = Fixture::new(REST);
        log.push("first\n");
        assert_eq!(log.next(), "first\n");
        let line = format!("{}\n", "x".repeat(CAPACITY / 8));
        for _ in 0..10 {
            log.push(&line);
        }
        log.queue.push(b"kept\n", Keep::Always);
        log.go.send(()).unwrap();
        let text = log.next();
        assert_eq!(text.matches('x').count(), 7 * (CAPACITY / 8));
        assert!(text.ends_with("x\nkept\nlost 3\n"), "{}", &text[text.len() - 40..]);
        log.push("last\n");
        assert_eq!(log.rest(), ["last\n"], "there is room again, and the loss was told");
    }

    #[test]
    fn a_full_batch_does_not_wait_for_it_either() {
        let log = Fixture::new(FOREVER);
        let line = format!("{}\n", "x".repeat(BATCH));
        for _ in 0..3 {
            log.push(&line);
            assert_eq!(log.next(), line);
            log.go.send(()).unwrap();
        }
        assert!(log.rest().is_empty());
    }

    #[test]
    fn what_comes_after_the_end_is_nowhere() {
        let log = Fixture::new(REST);
        let queue = log.queue.clone();
        assert!(log.rest().is_empty());
        queue.push(b"late\n", Keep::Always);
        assert!(queue.lock().lines.is_empty());
    }
}
