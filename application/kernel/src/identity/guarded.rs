//! Asks each message whom it lets in, once.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{CallContext, Command, CommandHandler, Query, QueryHandler};

/// The decorator: turns away whom the message does not let in, before the wrapped handler sees it.
///
/// The outermost of all decorators: an answer kept under an idempotency key is nobody else's either.
pub struct Guarded<H: ?Sized>(Arc<H>);

impl Guarded<()> {
    /// Wraps a command's handler.
    pub fn command<C: Command>(inner: Arc<dyn CommandHandler<C>>) -> Arc<dyn CommandHandler<C>> {
        Arc::new(Guarded(inner))
    }

    /// Wraps a query's handler.
    pub fn query<Q: Query>(inner: Arc<dyn QueryHandler<Q>>) -> Arc<dyn QueryHandler<Q>> {
        Arc::new(Guarded(inner))
    }
}

#[async_trait]
impl<C: Command> CommandHandler<C> for Guarded<dyn CommandHandler<C>> {
    async fn handle(&self, ctx: &CallContext, command: C) -> Result<C::Output, C::Error> {
        command.permit().admit(ctx.caller())?;
        self.0.handle(ctx, command).await
    }
}

#[async_trait]
impl<Q: Query> QueryHandler<Q> for Guarded<dyn QueryHandler<Q>> {
    async fn handle(&self, ctx: &CallContext, query: Q) -> Result<Q::Output, Q::Error> {
        query.permit().admit(ctx.caller())?;
        self.0.handle(ctx, query).await
    }
}
