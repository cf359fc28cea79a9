//! Asks each message whom it lets in, once.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;

use crate::{
    CallContext, Command, CommandHandler, Denied, Permit, Query, QueryHandler, UseCaseError, UseCaseObserver,
    observe::report,
};

/// The decorator: turns away whom the message does not let in, before the wrapped handler sees it.
///
/// The outermost of all decorators: an answer kept under an idempotency key is nobody else's either. What it turns away
/// it reports itself, since nothing further in learns of it.
pub struct Guarded<H: ?Sized> {
    observer: Arc<dyn UseCaseObserver>,
    inner: Arc<H>,
}

impl Guarded<()> {
    /// Wraps a command's handler.
    pub fn command<C: Command>(
        inner: Arc<dyn CommandHandler<C>>,
        observer: &Arc<dyn UseCaseObserver>,
    ) -> Arc<dyn CommandHandler<C>> {
        Arc::new(Guarded { observer: Arc::clone(observer), inner })
    }

    /// Wraps a query's handler.
    pub fn query<Q: Query>(
        inner: Arc<dyn QueryHandler<Q>>,
        observer: &Arc<dyn UseCaseObserver>,
    ) -> Arc<dyn QueryHandler<Q>> {
        Arc::new(Guarded { observer: Arc::clone(observer), inner })
    }
}

impl<H: ?Sized> Guarded<H> {
    fn admit<E: UseCaseError + From<Denied>>(
        &self,
        ctx: &CallContext,
        use_case: &'static str,
        permit: Permit<'_>,
    ) -> Result<(), E> {
        let start = Instant::now();
        let admitted = permit.admit(ctx.caller()).map_err(E::from);
        if admitted.is_err() {
            report(&*self.observer, ctx, use_case, start, &admitted);
        }
        admitted
    }
}

#[async_trait]
impl<C: Command> CommandHandler<C> for Guarded<dyn CommandHandler<C>> {
    async fn handle(&self, ctx: &CallContext, command: C) -> Result<C::Output, C::Error> {
        self.admit::<C::Error>(ctx, C::NAME, command.permit())?;
        self.inner.handle(ctx, command).await
    }
}

#[async_trait]
impl<Q: Query> QueryHandler<Q> for Guarded<dyn QueryHandler<Q>> {
    async fn handle(&self, ctx: &CallContext, query: Q) -> Result<Q::Output, Q::Error> {
        self.admit::<Q::Error>(ctx, Q::NAME, query.permit())?;
        self.inner.handle(ctx, query).await
    }
}
