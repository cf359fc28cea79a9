//! A server that runs, and how it stops.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_server::{Server, ServerHandle};
use slog::{Logger, error, info, warn};
use tokio::sync::watch;

use super::load::Load;
use crate::Health;

/// A running server. Dropping it does not stop it.
pub struct RunningHttp {
    addr: SocketAddr,
    handle: ServerHandle,
    stopping: watch::Sender<bool>,
    health: Arc<Health>,
    load: Load,
    logger: Logger,
}

impl RunningHttp {
    pub(super) fn start(
        addr: SocketAddr,
        server: Server,
        stopping: watch::Sender<bool>,
        health: Arc<Health>,
        load: Load,
        logger: Logger,
    ) -> Self {
        info!(logger, "listening"; "addr" => %addr);
        let handle = server.handle();
        tokio::spawn(report(server, logger.clone()));
        tokio::spawn(Arc::clone(&health).watch(stopping.subscribe()));
        Self { addr, handle, stopping, health, load, logger }
    }

    /// The address listened on, with the real port where port 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Not ready at once, no new connections, requests in flight finished: returns when they are, or after `within`.
    /// Idle connections are not waited for.
    pub async fn stop(self, within: Duration) {
        self.health.stop();
        self.stopping.send_replace(true);
        // The command is on its way with the call; the future only waits for the last connection to close.
        let closed = self.handle.stop(true);
        tokio::select! {
            () = closed => info!(self.logger, "stopped"),
            () = self.load.idle() => info!(self.logger, "stopped"),
            () = tokio::time::sleep(within) => warn!(self.logger, "stopped with requests unfinished"),
        }
    }
}

async fn report(server: Server, logger: Logger) {
    let result: io::Result<()> = server.await;
    if let Err(failure) = result {
        error!(logger, "server failed"; "error" => %failure);
    }
}
