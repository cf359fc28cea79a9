//! What asks a process to stop: SIGTERM, SIGINT, and the end of its parent where it was told to watch that.

use std::io::{self, Read};

use slog::{Logger, info};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Starts listening; the receiver turns `true` once.
pub(crate) fn listen(logger: &Logger, exit_with_parent: bool) -> io::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    if exit_with_parent {
        watch_parent(stop.clone(), logger.clone());
    }
    let logger = logger.clone();
    tokio::spawn(async move {
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            info!(logger, "asked to stop"; "by" => name);
            stop.send_replace(true);
        }
    });
    Ok(stopped)
}

/// The parent holds the other end of standard input; when it dies, however it dies, reading ends.
/// A thread of its own does the reading, as a blocked read could not be ended otherwise.
fn watch_parent(stop: watch::Sender<bool>, logger: Logger) {
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut buffer = [0; 256];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                Ok(_) | Err(_) => {}
            }
        }
        info!(logger, "asked to stop"; "by" => "the end of standard input");
        stop.send_replace(true);
    });
}
