//! One attempt: metadata out, answer or failure in, breaker and metrics told.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use kernel_application::{CallContext, ErrorClass};
use tonic::{Code, Request, Response, Status, metadata::MetadataValue, transport::Channel};
use uuid::Uuid;

use super::{Call, Peer, PeerError, breaker::Verdict};
use crate::{
    Fault,
    context::{REQUEST_ID, TRACEPARENT},
};

/// When a call has to be over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    /// Set where the caller has less time than the peer is normally given.
    by_caller: bool,
}

impl Deadline {
    pub(super) fn nearer(caller: Option<Duration>, own: Duration) -> Self {
        let caller = caller.filter(|caller| *caller < own);
        Self { at: Instant::now() + caller.unwrap_or(own), by_caller: caller.is_some() }
    }

    pub(super) fn remaining(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}

impl Peer {
    pub(super) async fn attempt<Q, R, F, Fut>(
        &self,
        ctx: &CallContext,
        call: Call,
        deadline: Deadline,
        message: Q,
        send: &F,
    ) -> Result<R, PeerError>
    where
        F: Fn(Channel, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<R>, Status>>,
    {
        let remaining = deadline.remaining();
        if remaining.is_zero() {
            return Err(PeerError::new(self.name, call, overdue()));
        }
        let pass = self
            .breaker
            .admit()
            .map_err(|wait| PeerError::unavailable(self.name, call, "circuit_open", Some(wait)))?;

        let start = Instant::now();
        let mut request = outgoing(ctx, message, remaining);
        self.credentials.show(request.metadata_mut());
        let answer = send(self.channel.clone(), request);
        let result = tokio::time::timeout(remaining, answer).await.unwrap_or_else(|_| Err(overdue()));

        let code = result.as_ref().map_or_else(Status::code, |_| Code::Ok);
        self.metrics.record(self.name, call, code, start.elapsed());
        self.report(pass.settle(verdict(&result, deadline)));
        self.credentials.were_taken(code, &self.logger);
        match result {
            Ok(response) => Ok(response.into_inner()),
            Err(status) => Err(PeerError::new(self.name, call, status)),
        }
    }
}

/// A peer that answers is fine, whatever the answer; one that runs out of a short deadline of the caller's is not to blame.
fn verdict<R>(result: &Result<R, Status>, deadline: Deadline) -> Verdict {
    match result.as_ref().map_err(|status| Fault::from(status).class) {
        Err(ErrorClass::Timeout) if deadline.by_caller => Verdict::Unknown,
        Err(ErrorClass::Timeout | ErrorClass::Unavailable) => Verdict::Away,
        _ => Verdict::There,
    }
}

/// `message` with request id, the next span of the trace, and the time that is left.
pub(super) fn outgoing<Q>(ctx: &CallContext, message: Q, timeout: Duration) -> Request<Q> {
    let mut request = Request::new(message);
    request.set_timeout(timeout);
    let span = ctx.trace().child(Uuid::now_v7()).to_string();
    for (key, value) in [(REQUEST_ID, ctx.request_id()), (TRACEPARENT, span.as_str())] {
        if let Ok(value) = MetadataValue::try_from(value) {
            request.metadata_mut().insert(key, value);
        }
    }
    request
}

pub(super) fn overdue() -> Status {
    Status::deadline_exceeded("no answer in time")
}
