//! Requests whose token is no good: the server refuses them, the application counts them.

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use gateway_application::{Client, commands::forward::RefuseRequest};
use http::{HeaderValue, Method};
use kernel_application::{CallContext, CommandHandler};
use platform_http::{Asked, OnRejected, Problem};

use crate::problem::problem;

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
    fn rejected<'a>(&'a self, ctx: &'a CallContext, asked: Asked<'a>) -> LocalBoxFuture<'a, Option<Problem>> {
        let headers = asked.headers.to_fields();
        let host = asked.authority.filter(|_| !headers.contains("host"));
        let refuse = RefuseRequest {
            method: Method::from_bytes(asked.method.as_bytes()).unwrap_or_default(),
            path: asked.path.to_owned(),
            client: Client {
                address: asked.peer.map(|peer| peer.ip()),
                trusted: false,
                secure: asked.encrypted,
                host: host.and_then(|host| HeaderValue::from_str(host).ok()),
            },
            headers,
        };
        Box::pin(async move {
            let counted = self.refuse.handle(ctx, refuse).await;
            counted.err().map(|error| problem(&error))
        })
    }
}
