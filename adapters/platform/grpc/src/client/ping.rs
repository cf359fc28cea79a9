//! Whether a peer is there and ready, by its own health service.

use std::time::Duration;

use async_trait::async_trait;
use kernel_application::{CallContext, HealthCheck, TraceContext};
use tonic::Status;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use uuid::Uuid;

use super::{Call, Peer, PeerError, attempt::Deadline, breaker::Verdict};

const CHECK: Call = Call::once("Check");

impl Peer {
    /// Asks the peer's `grpc.health.v1`, at most for `limit`.
    ///
    /// While the breaker is open the peer counts as away; after the pause the ping is the probe that closes it.
    pub async fn ping(&self, limit: Duration) -> Result<(), PeerError> {
        // A closed breaker is no business of a ping's: quick health answers must not hide calls that time out.
        if !self.breaker.is_open() {
            return self.ask_health(limit).await;
        }
        let pass = self
            .breaker
            .admit()
            .map_err(|wait| PeerError::unavailable(self.name, CHECK, "circuit_open", Some(wait)))?;
        let result = self.ask_health(limit).await;
        self.report(pass.settle(if result.is_ok() { Verdict::There } else { Verdict::Away }));
        result
    }

    async fn ask_health(&self, limit: Duration) -> Result<(), PeerError> {
        let ctx = CallContext::new(Uuid::now_v7().to_string(), TraceContext::start(Uuid::now_v7()));
        let deadline = Deadline::nearer(None, limit);
        let mut client = HealthClient::new(self.channel.clone());
        let request = super::attempt::outgoing(&ctx, HealthCheckRequest::default(), deadline.remaining());
        let answer = tokio::time::timeout(deadline.remaining(), client.check(request)).await;
        let status = match answer {
            Ok(Ok(response)) if response.get_ref().status() == ServingStatus::Serving => return Ok(()),
            Ok(Ok(_)) => Status::unavailable("peer is not ready"),
            Ok(Err(status)) => status,
            Err(_) => super::attempt::overdue(),
        };
        Err(PeerError::new(self.name, CHECK, status))
    }
}

#[async_trait]
impl HealthCheck for Peer {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn check(&self) -> Result<(), String> {
        let limit = self.settings.connect_timeout;
        let away = |error: PeerError| match error.code() {
            "" => error.message().to_owned(),
            code => format!("{} ({code})", error.message()),
        };
        self.ping(limit).await.map_err(away)
    }
}
