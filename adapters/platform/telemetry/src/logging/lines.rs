//! How a record becomes a line, on the thread that logs.

use std::{cell::Cell, io};

use chrono::{SecondsFormat, Utc};
use slog::{BorrowedKV, Drain, Level, Logger, Never, OwnedKVList, Record, RecordStatic};
use slog_term::{FullFormat, PlainDecorator};

use super::{
    json::Json,
    queue::{Keep, Queue},
};

thread_local! {
    /// Memory for the next line.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What a thread keeps for its next line; a longer one is the exception.
const LINE_KEPT: usize = 16 * 1024;

/// Makes lines and puts them into the queue.
pub(super) struct Lines {
    look: Look,
    queue: Queue,
}

impl Lines {
    pub(super) fn new(look: Look, queue: Queue) -> Self {
        Self { look, queue }
    }
}

impl Drain for Lines {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        // It is taken out, since a value may log while it is written; at a thread's end it may be gone already.
        let mut line = LINE.try_with(Cell::take).unwrap_or_default();
        line.clear();
        // A value that cannot be written leaves no half of a line.
        if self.look.write(&mut line, record, values).is_ok() {
            let keep = if record.tag() == LOSSLESS { Keep::Always } else { Keep::IfThereIsRoom };
            self.queue.push(&line, keep);
        }
        if line.capacity() <= LINE_KEPT {
            let _ = LINE.try_with(|kept| kept.set(line));
        }
        Ok(())
    }
}

/// The tag of records that must not be dropped.
const LOSSLESS: &str = "lossless";

/// Marks the records of a logger.
pub(super) struct Lossless(Logger);

impl Lossless {
    pub(super) fn new(logger: &Logger) -> Self {
        Self(logger.clone())
    }
}

impl Drain for Lossless {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        let fixed = RecordStatic { location: record.location(), level: record.level(), tag: LOSSLESS };
        let (msg, BorrowedKV(fields)) = (record.msg(), record.kv());
        Drain::log(&self.0, &Record::new(&fixed, msg, BorrowedKV(fields)), values)
    }

    fn is_enabled(&self, level: Level) -> bool {
        self.0.is_enabled(level)
    }
}

/// How the lines of a process look.
#[derive(Clone)]
pub(super) enum Look {
    Json(Json),
    Text,
}

impl Look {
    /// Appends a whole line.
    fn write(&self, line: &mut Vec<u8>, record: &Record<'_>, values: &OwnedKVList) -> slog::Result {
        match self {
            Self::Json(json) => {
                json.write(line, record, values)?;
                line.push(b'\n');
            }
            Self::Text => text(line, record, values)?,
        }
        Ok(())
    }

    /// Appends a line on lines that were dropped.
    pub(super) fn report(&self, dropped: u64, values: &OwnedKVList, batch: &mut Vec<u8>) {
        let end = batch.len();
        let (msg, fields) = (
            format_args!("log lines dropped, the output is too slow"),
            slog::kv!("component" => "log", "count" => dropped),
        );
        if self.write(batch, &slog::record!(Level::Error, "", &msg, BorrowedKV(&fields)), values).is_err() {
            batch.truncate(end);
        }
    }
}

fn text(line: &mut Vec<u8>, record: &Record<'_>, values: &OwnedKVList) -> io::Result<()> {
    FullFormat::new(PlainDecorator::new(line))
        .use_custom_timestamp(|line: &mut dyn io::Write| {
            write!(line, "{}", Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true))
        })
        .use_original_order()
        .build()
        .log(record, values)
}
