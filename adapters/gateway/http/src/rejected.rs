//! Requests whose token is no good: the server refuses them, the application counts them.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use gateway_application::commands::forward::RefuseRequest;
use kernel_application::{CallContext, CommandHandler};
use platform_http::OnRejected;

use crate::{convert, forward, problem};

/// Tells the application of them, and answers in place of the server where a client has tried too often.
pub struct RejectedTokens {
    refuse: Arc<dyn CommandHandler<RefuseRequest>>,
}

impl RejectedTokens {
    /// `refuse` counts.
    pub const fn new(refuse: Arc<dyn CommandHandler<RefuseRequest>>) -> Self {
        Self { refuse }
    }
}

impl OnRejected for RejectedTokens {
    fn rejected<'a>(
        &'a self,
        ctx: &'a CallContext,
        request: &'a HttpRequest,
    ) -> LocalBoxFuture<'a, Option<HttpResponse>> {
        let headers = convert::request_headers(request.headers());
        let refuse = RefuseRequest {
            method: convert::method(request.method()),
            path: request.uri().path().to_owned(),
            client: forward::client(request, &headers),
            headers,
        };
        Box::pin(async move {
            let counted = self.refuse.handle(ctx, refuse).await;
            counted.err().map(|error| problem::answer(&error))
        })
    }
}
