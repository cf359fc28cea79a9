//! The certificates in use, which follow their files.

use std::sync::Arc;

use platform_runtime::Running;
use platform_telemetry::component;
use platform_tls::{ClientTls, Reloaded, ServerTls, TlsError};
use slog::Logger;

use crate::config::TlsFiles;

/// What connections are encrypted with. Clones share it.
#[derive(Clone)]
pub(crate) struct Certificates {
    /// For clients.
    pub(crate) server: Option<Arc<ServerTls>>,
    /// For backends.
    pub(crate) client: Arc<ClientTls>,
}

impl Certificates {
    /// Reads the files. Those that make no sense at the start end it: there is nothing older to go on with.
    pub(crate) fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let server = files.server.clone().map(Reloaded::load).transpose()?;
        Ok(Self { server, client: Reloaded::load(files.client.clone())? })
    }

    /// The workers that look at the files.
    pub(crate) fn watch(self, running: Running, logger: &Logger) -> Running {
        let logger = component(logger, "certificates");
        let (client, client_logger) = (self.client, logger.clone());
        let running = running.worker("backend certificates", move |stop| client.watch(client_logger, stop));
        match self.server {
            Some(server) => running.worker("certificates", move |stop| server.watch(logger, stop)),
            None => running,
        }
    }
}
