//! A call, as it is sent to one backend.

use std::time::Duration;

use gateway_domain::{Backend, Outcome, call::CallKind};
use http::{HeaderMap, uri::PathAndQuery};
use kernel_application::CallContext;
use tokio::time::timeout;

use super::{messages::Blame, metadata};
use crate::{
    CallClient, CallRequest, CallResponse, Stage, UpstreamError, Validity, attempts::Exchange, body::Lending,
};

/// The status of a backend that cannot take calls at the moment.
const UNAVAILABLE: u16 = 14;

pub(super) struct CallExchange<'a> {
    pub(super) client: &'a dyn CallClient,
    pub(super) path: PathAndQuery,
    pub(super) headers: HeaderMap,
    pub(super) kind: CallKind,
    pub(super) first_byte: Duration,
    pub(super) hurried: bool,
    /// For how long the backend may wait with the head of its answer.
    pub(super) validity: Validity,
    pub(super) body: Lending,
    pub(super) blame: Blame,
}

impl Exchange for CallExchange<'_> {
    type Answer = CallResponse;

    async fn send(&self, ctx: &CallContext, backend: &Backend) -> Result<CallResponse, UpstreamError> {
        let (limit, stage) = self.limit(ctx);
        if limit.is_some_and(|limit| limit.is_zero()) {
            return Err(UpstreamError::TimedOut(stage));
        }
        let mut headers = self.headers.clone();
        metadata::set_timeout(&mut headers, limit);
        let request = CallRequest { path: self.path.clone(), headers };
        let call = self.client.call(backend, request, self.body.lend());
        let answering = async {
            match limit {
                Some(limit) => timeout(limit, call).await.unwrap_or(Err(UpstreamError::TimedOut(stage))),
                None => call.await,
            }
        };
        let answered = tokio::select! {
            biased;
            answered = answering => answered,
            () = self.validity.over() => return Err(UpstreamError::TokenExpired),
        };
        // Messages that end early take the stream with them, which looks like the backend's doing.
        answered.map_err(|error| self.blame.error().map_or(error, UpstreamError::from))
    }

    /// A status in the head is the whole answer; otherwise it comes with the trailers.
    fn outcome(&self, answer: &CallResponse) -> Option<Outcome> {
        let ended = answer.pieces.is_none();
        ended.then(|| match metadata::status(&answer.headers) {
            // "Not now, not here", as 503 says it: another backend may do better.
            UNAVAILABLE => Outcome::Answered(503),
            status => outcome(status, self.hurried),
        })
    }

    /// Only answers that are all head are set aside.
    async fn set_aside(&self, answer: CallResponse) -> Result<CallResponse, CallResponse> {
        Ok(answer)
    }

    fn is_harmless(&self) -> bool {
        self.kind == CallKind::Read
    }

    fn body(&self) -> &Lending {
        &self.body
    }
}

impl CallExchange<'_> {
    /// How long the head of the answer may take, and what it is that limits it.
    fn limit(&self, ctx: &CallContext) -> (Option<Duration>, Stage) {
        let usual = (self.kind != CallKind::Open).then_some(self.first_byte);
        match (ctx.remaining(), usual) {
            (Some(remaining), Some(usual)) if usual < remaining => (Some(usual), Stage::FirstByte),
            (None, usual) => (usual, Stage::FirstByte),
            (remaining, _) => (remaining, Stage::Deadline),
        }
    }
}

/// What a status says of the backend. One that was given less time than it is allowed is not too slow.
pub(super) const fn outcome(status: u16, hurried: bool) -> Outcome {
    match Outcome::of_grpc_status(status) {
        Outcome::TimedOut if hurried => Outcome::Cancelled,
        outcome => outcome,
    }
}
