//! Keeps a client connected for as long as the process lives, and remembers why it is not.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fred::{
    clients::Client,
    interfaces::{ClientLike, EventInterface},
};
use slog::{Logger, info, warn};
use tokio::task::{AbortHandle, JoinHandle};

/// After a failure that the driver does not try to get past, such as a server that is no cluster.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of the connections to one server or cluster.
pub(crate) struct Link {
    trouble: Mutex<Option<String>>,
    logger: Logger,
}

impl Link {
    pub(crate) fn new(logger: Logger) -> Arc<Self> {
        Arc::new(Self { trouble: Mutex::new(None), logger })
    }

    /// The last thing that went wrong since a connection was made.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says it once, however often it is tried.
    fn lost(&self, reason: String) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.as_ref() != Some(&reason) {
            warn!(self.logger, "connection to redis is in trouble"; "error" => &reason);
            *trouble = Some(reason);
        }
    }

    fn made(&self) {
        if self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            info!(self.logger, "connection to redis is made");
        }
    }
}

/// Connects `client` and sees to it that it stays so, until the answer is dropped.
pub(crate) fn keep(client: Client, link: Arc<Link>) -> Guard {
    Guard(tokio::spawn(keep_connected(client, link)).abort_handle())
}

async fn keep_connected(client: Client, link: Arc<Link>) {
    loop {
        let (mut errors, mut connections) = (client.error_rx(), client.reconnect_rx());
        let mut driver = Driver(client.connect());
        let end = loop {
            tokio::select! {
                Ok((error, _)) = errors.recv() => link.lost(error.to_string()),
                Ok(_) = connections.recv() => link.made(),
                end = &mut driver.0 => break end,
            }
        };
        if let Ok(Err(error)) = end {
            link.lost(error.to_string());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The driver's task, which outlives its handle unless it is stopped.
struct Driver(JoinHandle<Result<(), fred::error::Error>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Ends the connection when it is dropped.
pub(crate) struct Guard(AbortHandle);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.abort();
    }
}
