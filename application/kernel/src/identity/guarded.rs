//! Asks each message whom it lets in, once.

use std::{future::ready, sync::Arc, time::Instant};

use crate::{
    CallContext, Command, CommandHandler, Denied, Permit, Query, QueryHandler, UseCaseError, UseCaseObserver,
    handler::Call, observe::report,
};

/// The decorator: turns away whom the message does not let in, before the wrapped handler sees it.
///
/// Who is let in gets the wrapped handler's own call, with nothing around it.
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
        let admitted = permit.admit(ctx.caller()).map_err(E::from);
        if admitted.is_err() {
            report(&*self.observer, ctx, use_case, Instant::now(), &admitted);
        }
        admitted
    }
}

impl<C: Command> CommandHandler<C> for Guarded<dyn CommandHandler<C>> {
    fn handle<'a, 'b, 'call>(&'a self, ctx: &'b CallContext, command: C) -> Call<'call, C::Output, C::Error>
    where
        'a: 'call,
        'b: 'call,
        Self: 'call,
    {
        match self.admit::<C::Error>(ctx, C::NAME, command.permit()) {
            Ok(()) => self.inner.handle(ctx, command),
            Err(denied) => Box::pin(ready(Err(denied))),
        }
    }
}

impl<Q: Query> QueryHandler<Q> for Guarded<dyn QueryHandler<Q>> {
    fn handle<'a, 'b, 'call>(&'a self, ctx: &'b CallContext, query: Q) -> Call<'call, Q::Output, Q::Error>
    where
        'a: 'call,
        'b: 'call,
        Self: 'call,
    {
        match self.admit::<Q::Error>(ctx, Q::NAME, query.permit()) {
            Ok(()) => self.inner.handle(ctx, query),
            Err(denied) => Box::pin(ready(Err(denied))),
        }
    }
}
