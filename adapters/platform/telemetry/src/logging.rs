//! The logger: JSON lines (or text for people) on standard output, written by a thread of its own.

use std::{error::Error, fmt::Write as _, io, str::FromStr};

use chrono::{SecondsFormat, Utc};
use slog::{Drain, FnValue, Level, Logger, PushFnValue, o};
use slog_async::{Async, AsyncGuard, OverflowStrategy};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    #[default]
    Json,
    /// Plain text, for people.
    Text,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            other => Err(format!("`{other}` is neither `json` nor `text`")),
        }
    }
}

/// Keeps the log's thread alive; writes what is left when it is dropped.
#[must_use = "lines still on their way are lost once this is dropped"]
pub struct FlushGuard {
    _guard: AsyncGuard,
}

/// How many lines may wait for a slow output before new ones are dropped, and counted.
const CHANNEL: usize = 8192;

/// The root logger of a process, on standard output.
pub fn logger(
    service: &'static str,
    version: &'static str,
    level: Level,
    format: LogFormat,
) -> (Logger, FlushGuard) {
    logger_to(io::stdout(), service, version, level, format)
}

/// The same on another output.
pub fn logger_to(
    output: impl io::Write + Send + 'static,
    service: &'static str,
    version: &'static str,
    level: Level,
    format: LogFormat,
) -> (Logger, FlushGuard) {
    let (drain, guard) = match format {
        LogFormat::Json => detach(json(output)),
        LogFormat::Text => detach(text(output)),
    };
    // The output may be closed under us; a service does not die of that.
    let drain = drain.filter_level(level).ignore_res();
    (Logger::root(drain, o!("service" => service, "version" => version)), FlushGuard { _guard: guard })
}

/// A logger that drops everything, for tests and tools.
pub fn silent() -> Logger {
    Logger::root(slog::Discard, o!())
}

/// A child logger that names the part of the service that speaks.
pub fn component(logger: &Logger, name: &'static str) -> Logger {
    logger.new(o!("component" => name))
}

/// An error and all its causes, in one line: `payment store is unavailable (load payment): disk I/O error`.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        // Transparent wrappers show their cause's message; saying it once is enough.
        if !text.ends_with(&message) {
            let _ = write!(text, ": {message}");
        }
        cause = error.source();
    }
    text
}

fn detach<D>(drain: D) -> (Async, AsyncGuard)
where
    D: Drain<Err = slog::Never, Ok = ()> + Send + 'static,
{
    Async::new(drain)
        .chan_size(CHANNEL)
        .overflow_strategy(OverflowStrategy::DropAndReport)
        .thread_name("log".to_owned())
        .build_with_guard()
}

fn json(output: impl io::Write + Send + 'static) -> impl Drain<Err = slog::Never, Ok = ()> + Send + 'static {
    slog_json::Json::new(io::LineWriter::new(output))
        .set_newlines(true)
        .set_flush(true)
        .add_key_value(o!(
            "ts" => FnValue(|_| Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true)),
            "level" => FnValue(|record| level_name(record.level())),
            "msg" => PushFnValue(|record, serializer| serializer.emit(record.msg())),
        ))
        .build()
        .ignore_res()
}

fn text(output: impl io::Write + Send + 'static) -> impl Drain<Err = slog::Never, Ok = ()> + Send + 'static {
    let decorator = slog_term::PlainSyncDecorator::new(output);
    slog_term::FullFormat::new(decorator)
        .use_custom_timestamp(|line: &mut dyn io::Write| {
            write!(line, "{}", Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true))
        })
        .use_original_order()
        .build()
        .ignore_res()
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Critical => "critical",
        Level::Error => "error",
        Level::Warning => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use slog::{debug, info};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, write: impl FnOnce(&Logger)) -> String {
        let buffer = Buffer::default();
        let (logger, guard) = logger_to(buffer.clone(), "shop", "1.2.3", Level::Info, format);
        write(&logger);
        drop(guard);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_have_the_stable_names() {
        let text = logged(LogFormat::Json, |logger| {
            info!(component(logger, "http"), "served"; "duration_ms" => 3);
            debug!(logger, "hidden");
        });
        let line: Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["msg"], "served");
        assert_eq!(line["level"], "info");
        assert_eq!(line["service"], "shop");
        assert_eq!(line["component"], "http");
        assert_eq!(line["duration_ms"], 3);
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn text_is_for_people() {
        let text = logged(LogFormat::Text, |logger| info!(logger, "served"; "status" => 200));
        assert!(text.contains("INFO served") && text.contains("status: 200"), "{text}");
    }

    #[test]
    fn causes_are_chained_once() {
        #[derive(Debug, thiserror::Error)]
        #[error(transparent)]
        struct Wrapper(#[from] Outer);
        #[derive(Debug, thiserror::Error)]
        #[error("store is away")]
        struct Outer(#[source] io::Error);

        let error = Wrapper(Outer(io::Error::other("disk full")));
        assert_eq!(chain(&error), "store is away: disk full");
    }
}
