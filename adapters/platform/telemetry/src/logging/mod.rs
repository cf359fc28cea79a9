//! The logger: JSON lines (or text for people) on standard output.
//!
//! A line is made where it is logged, from borrowed values and in memory that is used again, and a thread of its own
//! writes it out: see [`lines`] and [`queue`]. A new look of lines is a variant of [`LogFormat`] and a module that appends
//! a line.

mod decimal;
mod json;
mod lines;
mod queue;

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, Write as _},
    str::FromStr,
    thread::JoinHandle,
};

use slog::{Drain, Level, Logger, o};

use self::{
    json::Json,
    lines::{Lines, Look, Lossless},
    queue::Queue,
};

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
    queue: Queue,
    writer: Option<JoinHandle<()>>,
}

impl Drop for FlushGuard {
    fn drop(&mut self) {
        self.queue.close();
        // The thread tells of a panic itself.
        let _ = self.writer.take().map(JoinHandle::join);
    }
}

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
    let queue = Queue::default();
    let look = match format {
        LogFormat::Json => Look::Json(Json::new(service, version)),
        LogFormat::Text => Look::Text,
    };
    let drain = Lines::new(look.clone(), queue.clone()).filter_level(level).ignore_res();
    let logger = match format {
        // Its lines have them of themselves.
        LogFormat::Json => Logger::root(drain, o!()),
        LogFormat::Text => Logger::root(drain, o!("service" => service, "version" => version)),
    };
    let values = logger.list().clone();
    let report = move |dropped, batch: &mut Vec<u8>| look.report(dropped, &values, batch);
    let writer = queue.write_to(output, queue::REST, report);
    if let Err(error) = &writer {
        let _ = writeln!(io::stderr(), "nothing is logged, for lack of a thread: {error}");
    }
    (logger, FlushGuard { queue, writer: writer.ok() })
}

/// A logger that drops everything, for tests and tools.
pub fn silent() -> Logger {
    Logger::root(slog::Discard, o!())
}

/// A child logger that names the part of the service that speaks.
pub fn component(logger: &Logger, name: &'static str) -> Logger {
    logger.new(o!("component" => name))
}

/// A logger whose lines are never dropped, however slow the output is: for the few that are evidence, such as who
/// changed what. They wait beside all others, in their order, and cost memory instead.
pub fn lossless(logger: &Logger) -> Logger {
    Logger::root(Lossless::new(logger), o!())
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use slog::{Record, debug, info};

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
        assert_eq!(line["version"], "1.2.3");
        assert_eq!(line["component"], "http");
        assert_eq!(line["duration_ms"], 3);
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn text_is_for_people() {
        let text = logged(LogFormat::Text, |logger| info!(logger, "served"; "status" => 200));
        assert!(text.contains("INFO served") && text.contains("status: 200"), "{text}");
        assert!(text.contains("service: shop") && text.contains("version: 1.2.3"), "{text}");
    }

    /// Lets nothing through until it is told to.
    struct Stuck(Buffer, std::sync::mpsc::Receiver<()>);

    impl io::Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.1.recv();
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_overloaded_output_costs_lines_and_tells_so_but_keeps_what_is_evidence() {
        for format in [LogFormat::Json, LogFormat::Text] {
            let (buffer, (go, stuck)) = (Buffer::default(), std::sync::mpsc::channel());
            let (logger, guard) =
                logger_to(Stuck(buffer.clone(), stuck), "shop", "1.2.3", Level::Info, format);
            let long = "x".repeat(1024 * 1024);
            for _ in 0..16 {
                info!(logger, "much"; "text" => &long);
            }
            let audit = lossless(&component(&logger, "administration"));
            info!(audit, "changed"; "who" => "ada");
            debug!(audit, "hidden");
            drop((go, guard));
            let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
            let kept = text.lines().find(|line| line.contains("changed")).unwrap();
            assert!(["ada", "shop", "administration"].iter().all(|part| kept.contains(part)), "{kept}");
            let told = text.lines().find(|line| line.contains("log lines dropped")).unwrap();
            assert!(told.contains("shop") && told.contains("count"), "{told}");
            assert!(text.lines().filter(|line| line.contains("much")).count() < 16);
            assert!(!text.contains("hidden"));
        }
    }

    #[test]
    fn a_value_that_logs_itself_is_two_whole_lines() {
        struct Talks(Logger);
        impl std::fmt::Display for Talks {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                info!(self.0, "inner");
                f.write_str("said")
            }
        }
        let text =
            logged(LogFormat::Json, |logger| info!(logger, "outer"; "value" => %Talks(logger.clone())));
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines.iter().map(|line| line["msg"].as_str().unwrap()).collect::<Vec<_>>(),
            ["inner", "outer"]
        );
        assert_eq!(lines[1]["value"], "said");
    }

    #[test]
    fn a_value_that_cannot_be_written_leaves_no_half_of_a_line() {
        struct Broken;
        impl slog::Value for Broken {
            fn serialize(&self, _: &Record<'_>, _: slog::Key, _: &mut dyn slog::Serializer) -> slog::Result {
                Err(slog::Error::Other)
            }
        }
        let text = logged(LogFormat::Json, |logger| {
            info!(logger, "broken"; "value" => Broken);
            info!(logger, "whole");
        });
        assert!(text.starts_with('{') && text.lines().count() == 1 && text.contains("whole"), "{text}");
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
