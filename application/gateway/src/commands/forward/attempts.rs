//! Sends a request to one backend after the other, until one answers well or no further attempt makes sense.

use std::{sync::Arc, time::Instant};

use gateway_domain::{
    Backend, Outcome, Service,
    member::{Slot, Tried},
    retry::{Failure, Repeatable},
};
use kernel_application::CallContext;

use super::{ForwardHandler, report::Report};
use crate::{
    AttemptObservation, BodyError, Change, GatewayError, Stage, UpstreamError, UpstreamRequest,
    UpstreamResponse,
    body::Lending,
    upstreams::{Refusal, Upstream},
};

/// An answer, or why there is none, and what that says of the backend.
struct Ended {
    outcome: Outcome,
    result: Result<UpstreamResponse, GatewayError>,
}

impl ForwardHandler {
    pub(super) async fn attempts(
        &self,
        ctx: &CallContext,
        upstream: &Upstream,
        request: &UpstreamRequest,
        harmless: bool,
        body: &Lending,
        report: &mut Report,
    ) -> Result<UpstreamResponse, GatewayError> {
        upstream.budget().deposit(self.upstreams.uptime().now());
        let mut tried = Tried::none();
        let mut last = None;
        loop {
            let slot = match upstream.enter(&tried, ctx.remaining()).await {
                Ok(slot) => slot,
                // No other backend takes it: what the last one said stands.
                Err(refusal) => return last.unwrap_or_else(|| Err(refused(upstream.service(), refusal))),
            };
            let member = Arc::clone(slot.member());
            let Ended { outcome, result } = self.attempt(ctx, upstream, slot, request, body, report).await;
            if !self.goes_on(ctx, upstream, outcome, harmless, body, report.attempts()) {
                return result;
            }
            tried.add(&member);
            last = Some(result);
        }
    }

    async fn attempt(
        &self,
        ctx: &CallContext,
        upstream: &Upstream,
        mut slot: Slot,
        request: &UpstreamRequest,
        body: &Lending,
        report: &mut Report,
    ) -> Ended {
        let start = Instant::now();
        let service = upstream.service();
        let member = Arc::clone(slot.member());
        let backend = member.backend();
        let sent = self.client.send(ctx, backend, request, body.lend()).await;
        let sent = sent.map_err(|error| blamed(error, body));
        let outcome = outcome(&sent);
        let settled = upstream.settle(&mut slot, outcome);
        let elapsed = start.elapsed();
        report.attempted(&member, elapsed);
        let (route, number) = (report.route, report.attempts());
        self.observer.attempted(&AttemptObservation { service, route, backend, outcome, number, elapsed });
        let changes = [settled.breaker.map(Change::Breaker), settled.ejected.map(Change::Ejected)];
        for change in changes.iter().flatten() {
            self.observer.changed(service, backend, change);
        }
        let result = match sent {
            Ok(mut response) => {
                response.held.0 = Some(slot);
                Ok(response)
            }
            Err(error) => Err(failure(service, backend, error)),
        };
        Ended { outcome, result }
    }

    /// Whether there is to be another attempt. If so, its retry has been taken out of the budget.
    fn goes_on(
        &self,
        ctx: &CallContext,
        upstream: &Upstream,
        outcome: Outcome,
        harmless: bool,
        body: &Lending,
        attempts: u32,
    ) -> bool {
        let Some(rules) = self.settings.retries else { return false };
        let body_replayable = match outcome {
            // Its body may still be on its way, and must not be taken from an answer that is passed on in the end.
            Outcome::Answered(_) => body.is_kept(),
            _ => body.take_back(),
        };
        let failure = Failure { outcome, attempts, remaining: ctx.remaining() };
        let now = self.upstreams.uptime().now();
        rules.decide(Repeatable { harmless, body_replayable }, failure, upstream.budget(), now).is_ok()
    }
}

/// A backend that could not answer because the client did not send is not to blame.
fn blamed(error: UpstreamError, body: &Lending) -> UpstreamError {
    match error {
        UpstreamError::TimedOut(Stage::FirstByte | Stage::Deadline) if body.waits_for_client() => {
            UpstreamError::RequestBody(BodyError::Slow)
        }
        error => error,
    }
}

fn outcome(sent: &Result<UpstreamResponse, UpstreamError>) -> Outcome {
    match sent {
        Ok(response) => Outcome::Answered(response.status.as_u16()),
        Err(UpstreamError::Connect(_) | UpstreamError::TimedOut(Stage::Connect)) => Outcome::NotConnected,
        Err(UpstreamError::TimedOut(Stage::FirstByte)) => Outcome::TimedOut,
        Err(UpstreamError::Exchange(_)) => Outcome::Broken,
        Err(UpstreamError::TimedOut(Stage::Deadline) | UpstreamError::RequestBody(_)) => Outcome::Cancelled,
    }
}

fn refused(service: Service, refusal: Refusal) -> GatewayError {
    use gateway_domain::balancing::Unavailable;
    match refusal {
        Refusal::Unavailable(Unavailable::NoneReady { retry_after }) => {
            GatewayError::NoBackend { service, retry_after }
        }
        Refusal::Unavailable(Unavailable::Broken { retry_after }) => {
            GatewayError::CircuitOpen { service, retry_after }
        }
        Refusal::Unavailable(Unavailable::Full | Unavailable::AllTried) | Refusal::Waited => {
            GatewayError::Overloaded(service)
        }
    }
}

fn failure(service: Service, backend: &Backend, error: UpstreamError) -> GatewayError {
    let backend = backend.to_string();
    match error {
        UpstreamError::Connect(source) => GatewayError::Unreachable { service, backend, source },
        UpstreamError::Exchange(source) => GatewayError::BadAnswer { service, backend, source },
        UpstreamError::TimedOut(stage) => GatewayError::TimedOut { service, backend, stage },
        UpstreamError::RequestBody(error) => error.into(),
    }
}
