//! Calls to another service: one [`Peer`] per service, shared by all who call it.
//!
//! Deadline, metadata, token, retries, breaker and metrics are the peer's business; what to ask and what the answer means is the
//! caller's.

mod address;
mod attempt;
mod breaker;
mod call;
mod credentials;
mod error;
mod metrics;
mod ping;
mod retry;
mod settings;

use std::future::Future;

use kernel_application::CallContext;
use platform_identity::ServiceToken;
use slog::Logger;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, transport::Channel};

pub use self::{
    address::PeerAddressError,
    breaker::{Breaker, BreakerSettings},
    call::Call,
    error::PeerError,
    metrics::ClientMetrics,
    settings::PeerSettings,
};
use self::{attempt::Deadline, breaker::Change, credentials::Credentials, retry::RetryBudget};

/// Another service, reached over one connection that is made when first needed and again when lost.
pub struct Peer {
    name: &'static str,
    channel: Channel,
    settings: PeerSettings,
    breaker: Breaker,
    budget: RetryBudget,
    slots: Semaphore,
    credentials: Credentials,
    logger: Logger,
    metrics: ClientMetrics,
}

impl Peer {
    /// The service called `name` (`product-service`) at `host:port` or `http://host:port`. Needs a tokio runtime around it,
    /// but no peer: start order does not matter.
    pub fn new(
        name: &'static str,
        address: &str,
        settings: PeerSettings,
        logger: &Logger,
        metrics: ClientMetrics,
    ) -> Result<Self, PeerAddressError> {
        let channel = address::channel(address, &settings)?;
        Ok(Self {
            name,
            channel,
            breaker: Breaker::new(settings.breaker),
            budget: RetryBudget::new(settings.retry_budget),
            slots: Semaphore::new(settings.max_in_flight),
            credentials: Credentials::default(),
            logger: logger.new(slog::o!("peer" => name)),
            metrics,
            settings,
        })
    }

    /// The same peer, told by a token who calls; without one it is told nothing.
    #[must_use]
    pub fn with_token(self, token: Option<ServiceToken>) -> Self {
        Self { credentials: Credentials::new(token), ..self }
    }

    /// Sends `message` with `send`, which calls one method of a generated client on the channel it is handed.
    ///
    /// Ends by the caller's deadline or the peer's own limit, whichever is nearer.
    pub async fn call<Q, R, F, Fut>(
        &self,
        ctx: &CallContext,
        call: Call,
        message: Q,
        send: F,
    ) -> Result<R, PeerError>
    where
        Q: Clone,
        F: Fn(Channel, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<R>, Status>>,
    {
        let Ok(_slot) = self.slots.try_acquire() else {
            return Err(PeerError::unavailable(self.name, call, "peer_busy", None));
        };
        let deadline = Deadline::nearer(ctx.remaining(), self.settings.call_timeout);
        self.budget.deposit();
        let mut retries = 0;
        loop {
            let failed = match self.attempt(ctx, call, deadline, message.clone(), &send).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Some(pause) = self.pause_before_retry(call, retries, &failed, deadline) else {
                return Err(failed);
            };
            slog::debug!(self.logger, "gRPC call is repeated"; "method" => call.method(), "error" => %failed,
                "request_id" => ctx.request_id());
            tokio::time::sleep(pause).await;
            retries += 1;
        }
    }

    /// The breaker's state has changed: say so once.
    fn report(&self, change: Option<Change>) {
        match change {
            Some(Change::Opened) => {
                self.metrics.breaker(self.name, true);
                slog::warn!(self.logger, "circuit breaker opened"; "pause_ms" => self.settings.breaker.pause.as_millis());
            }
            Some(Change::Closed) => {
                self.metrics.breaker(self.name, false);
                slog::info!(self.logger, "circuit breaker closed");
            }
            None => {}
        }
    }
}
