//! Logging and metrics around every use case, once.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;

use crate::{CallContext, Command, CommandHandler, ErrorClass, Guarded, Query, QueryHandler, UseCaseError};

/// What became of one use case.
#[derive(Debug)]
pub struct Observation<'a> {
    /// The use case.
    pub use_case: &'static str,
    /// How it failed, if it did.
    pub error: Option<&'a dyn UseCaseError>,
    /// How long it took.
    pub elapsed: std::time::Duration,
}

impl Observation<'_> {
    /// `ok` or the failure's class, for a metric's label.
    pub fn outcome(&self) -> &'static str {
        match self.error.map(UseCaseError::class) {
            None => "ok",
            Some(ErrorClass::Invalid) => "invalid",
            Some(ErrorClass::Unauthenticated) => "unauthenticated",
            Some(ErrorClass::Forbidden) => "forbidden",
            Some(ErrorClass::NotFound) => "not_found",
            Some(ErrorClass::Conflict | ErrorClass::Contended | ErrorClass::Stale) => "conflict",
            Some(ErrorClass::Unavailable) => "unavailable",
            Some(ErrorClass::Timeout) => "timeout",
            Some(ErrorClass::Internal) => "internal",
        }
    }
}

/// Takes observations: counts them, logs failures.
pub trait UseCaseObserver: Send + Sync + 'static {
    /// Called once per handled message.
    fn observe(&self, ctx: &CallContext, observation: &Observation<'_>);
}

/// The decorator: reports what the wrapped handler did.
pub struct Observed<H: ?Sized> {
    observer: Arc<dyn UseCaseObserver>,
    inner: Arc<H>,
}

impl<H: ?Sized> Observed<H> {
    /// Wraps `inner`.
    pub fn new(inner: Arc<H>, observer: Arc<dyn UseCaseObserver>) -> Self {
        Self { observer, inner }
    }

    fn report<T, E: UseCaseError>(
        &self,
        ctx: &CallContext,
        use_case: &'static str,
        start: Instant,
        result: &Result<T, E>,
    ) {
        let error = result.as_ref().err().map(|error| error as &dyn UseCaseError);
        self.observer.observe(ctx, &Observation { use_case, error, elapsed: start.elapsed() });
    }
}

impl Observed<()> {
    /// Wraps a command's handler; whom the command does not let in is turned away before.
    pub fn command<C: Command>(
        inner: Arc<dyn CommandHandler<C>>,
        observer: &Arc<dyn UseCaseObserver>,
    ) -> Arc<dyn CommandHandler<C>> {
        Guarded::command(Arc::new(Observed::new(inner, Arc::clone(observer))))
    }

    /// Wraps a query's handler; whom the query does not let in is turned away before.
    pub fn query<Q: Query>(
        inner: Arc<dyn QueryHandler<Q>>,
        observer: &Arc<dyn UseCaseObserver>,
    ) -> Arc<dyn QueryHandler<Q>> {
        Guarded::query(Arc::new(Observed::new(inner, Arc::clone(observer))))
    }
}

#[async_trait]
impl<C: Command> CommandHandler<C> for Observed<dyn CommandHandler<C>> {
    async fn handle(&self, ctx: &CallContext, command: C) -> Result<C::Output, C::Error> {
        let start = Instant::now();
        let result = self.inner.handle(ctx, command).await;
        self.report(ctx, C::NAME, start, &result);
        result
    }
}

#[async_trait]
impl<Q: Query> QueryHandler<Q> for Observed<dyn QueryHandler<Q>> {
    async fn handle(&self, ctx: &CallContext, query: Q) -> Result<Q::Output, Q::Error> {
        let start = Instant::now();
        let result = self.inner.handle(ctx, query).await;
        self.report(ctx, Q::NAME, start, &result);
        result
    }
}
