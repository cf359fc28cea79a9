//! HTTP of the gateway: [`Api`] forwards everything below `/api`, `/health/detailed` shows the backends.
//!
//! [`BrowserGuard`] stands around all of it: CORS and security headers.
//!
//! [`reader`] reads what comes over HTTP/1, by the rules of the domain. This room makes the application's requests of it and
//! the server's answers of its answers; bodies stay streams. What happens to a request in between is decided in the
//! application.

mod access_log;
mod checks;
mod cors;
mod detailed;
mod endless;
mod forward;
mod guard;
mod problem;
mod reader;
mod rejected;
mod request_body;
mod response_body;
mod security;
mod upgrade;

use std::{sync::Arc, time::Duration};

use actix_web::web::Data;
use gateway_application::{commands::forward::Forward, queries::check_backends::CheckBackends};
use kernel_application::{Clock, CommandHandler, QueryHandler};
use platform_http::ServiceConfig;
use slog::Logger;

/// Where the services' own paths are.
pub use gateway_application::policy::API_PREFIX;
pub use guard::BrowserGuard;
pub use reader::{Reader, reader};
pub use rejected::RejectedTokens;
pub use security::{InvalidPolicy, Policy, SecurityHeaders};

/// Forwards everything below [`API_PREFIX`]. The paths are documented by the services behind them, so they have no place
/// in this service's own document.
#[derive(Clone)]
pub struct Api {
    /// Forwards.
    pub forward: Arc<dyn CommandHandler<Forward>>,
    /// Tells when a token has expired.
    pub clock: Arc<dyn Clock>,
    /// What a request and its answer may take.
    pub limits: Limits,
    /// Where the access log goes.
    pub logger: Logger,
}

/// What a request and its answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body of a request, in bytes.
    pub body: u64,
    /// The longest names and values of all headers of a request together, in bytes.
    pub headers: usize,
    /// How long a client may take to read an answer. Event streams and tunnels have no such limit: they end
    /// with the token that opened them.
    pub reading: Duration,
}

/// Registers the gateway's own routes.
pub fn routes(cfg: &mut ServiceConfig<'_>, check_backends: Arc<dyn QueryHandler<CheckBackends>>) {
    cfg.app_data(Data::from(check_backends))
        .app_data(Data::new(detailed::Last::default()))
        .service(detailed::detailed);
}
