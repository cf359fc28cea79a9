//! A request, as it is sent to one backend.

use gateway_domain::{Backend, Outcome};
use kernel_application::CallContext;

use crate::{
    UpstreamClient, UpstreamError, UpstreamRequest, UpstreamResponse,
    attempts::Exchange,
    body::{Lending, held_back},
};

pub(super) struct RequestExchange<'a> {
    pub(super) client: &'a dyn UpstreamClient,
    pub(super) request: Box<UpstreamRequest>,
    pub(super) body: Lending,
}

impl Exchange for RequestExchange<'_> {
    type Answer = UpstreamResponse;

    async fn send(&self, ctx: &CallContext, backend: &Backend) -> Result<UpstreamResponse, UpstreamError> {
        self.client.send(ctx, backend, &self.request, self.body.lend()).await
    }

    /// The status says it all, and is there with the head.
    fn outcome(&self, answer: &UpstreamResponse) -> Option<Outcome> {
        Some(Outcome::Answered(answer.status.as_u16()))
    }

    async fn set_aside(&self, answer: UpstreamResponse) -> Result<UpstreamResponse, UpstreamResponse> {
        let UpstreamResponse { status, headers, body, held } = answer;
        match held_back(body).await {
            Ok(body) => Ok(UpstreamResponse { status, headers, body, held }),
            Err(body) => Err(UpstreamResponse { status, headers, body, held }),
        }
    }

    fn is_harmless(&self) -> bool {
        self.request.harmless
    }

    fn body(&self) -> &Lending {
        &self.body
    }
}
