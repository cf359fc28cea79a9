//! Logging and metrics around every use case, once.

use std::{sync::Arc, time::Instant};

use crate::{
    CallContext, Command, CommandHandler, ErrorClass, Guarded, Query, QueryHandler, UseCaseError,
    handler::Call,
};

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

/// The decorator: reports what the wrapped handler did. There is none without a guard around it, which reports those whom
/// it turns away ([`Guarded`]), so that every call is seen once.
pub struct Observed<H: ?Sized> {
    observer: Arc<dyn UseCaseObserver>,
    inner: Arc<H>,
}

impl Observed<()> {
    /// Wraps a command's handler; whom the command does not let in is turned away before.
    pub fn command<C: Command>(
        inner: Arc<dyn CommandHandler<C>>,
        observer: &Arc<dyn UseCaseObserver>,
    ) -> Arc<dyn CommandHandler<C>> {
        Guarded::command(Arc::new(Observed { observer: Arc::clone(observer), inner }), observer)
    }

    /// Wraps a query's handler; whom the query does not let in is turned away before.
    pub fn query<Q: Query>(
        inner: Arc<dyn QueryHandler<Q>>,
        observer: &Arc<dyn UseCaseObserver>,
    ) -> Arc<dyn QueryHandler<Q>> {
        Guarded::query(Arc::new(Observed { observer: Arc::clone(observer), inner }), observer)
    }
}

impl<C: Command> CommandHandler<C> for Observed<dyn CommandHandler<C>> {
    fn handle<'a, 'b, 'call>(&'a self, ctx: &'b CallContext, command: C) -> Call<'call, C::Output, C::Error>
    where
        'a: 'call,
        'b: 'call,
        Self: 'call,
    {
        observed(&*self.observer, ctx, C::NAME, self.inner.handle(ctx, command))
    }
}

impl<Q: Query> QueryHandler<Q> for Observed<dyn QueryHandler<Q>> {
    fn handle<'a, 'b, 'call>(&'a self, ctx: &'b CallContext, query: Q) -> Call<'call, Q::Output, Q::Error>
    where
        'a: 'call,
        'b: 'call,
        Self: 'call,
    {
        observed(&*self.observer, ctx, Q::NAME, self.inner.handle(ctx, query))
    }
}

fn observed<'call, T: Send + 'call, E: UseCaseError>(
    observer: &'call dyn UseCaseObserver,
    ctx: &'call CallContext,
    use_case: &'static str,
    call: Call<'call, T, E>,
) -> Call<'call, T, E> {
    Box::pin(async move {
        let start = Instant::now();
        let result = call.await;
        report(observer, ctx, use_case, start, &result);
        result
    })
}

/// Tells the observer what has become of a use case that began at `start`.
pub(crate) fn report<T, E: UseCaseError>(
    observer: &dyn UseCaseObserver,
    ctx: &CallContext,
    use_case: &'static str,
    start: Instant,
    result: &Result<T, E>,
) {
    let error = result.as_ref().err().map(|error| error as &dyn UseCaseError);
    observer.observe(ctx, &Observation { use_case, error, elapsed: start.elapsed() });
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use async_trait::async_trait;
    use kernel_domain::UserId;
    use uuid::Uuid;

    use super::*;
    use crate::{Caller, Denied, Permit, Principal, TraceContext};

    /// For the user it names.
    struct Ask(&'static str);

    impl Command for Ask {
        const NAME: &'static str = "ask";
        type Output = ();
        type Error = Denied;

        fn permit(&self) -> Permit<'_> {
            Permit::User(self.0)
        }
    }

    impl Query for Ask {
        const NAME: &'static str = "ask_only";
        type Output = ();
        type Error = Denied;

        fn permit(&self) -> Permit<'_> {
            Permit::User(self.0)
        }
    }

    /// Refuses all commands, as handlers may that ask a store, and answers all queries.
    struct Strict;

    #[async_trait]
    impl CommandHandler<Ask> for Strict {
        async fn handle(&self, _: &CallContext, _: Ask) -> Result<(), Denied> {
            Err(Denied::Forbidden)
        }
    }

    #[async_trait]
    impl QueryHandler<Ask> for Strict {
        async fn handle(&self, _: &CallContext, _: Ask) -> Result<(), Denied> {
            Ok(())
        }
    }

    #[derive(Default)]
    struct Seen(Mutex<Vec<(&'static str, &'static str)>>);

    impl UseCaseObserver for Seen {
        fn observe(&self, _: &CallContext, observation: &Observation<'_>) {
            let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push((observation.use_case, observation.outcome()));
        }
    }

    fn call(caller: Caller) -> CallContext {
        CallContext::new("test", TraceContext::start(Uuid::from_u128(1))).by(caller)
    }

    #[tokio::test]
    async fn every_call_is_seen_once_and_those_turned_away_are_too() {
        let seen = Arc::new(Seen::default());
        let observer: Arc<dyn UseCaseObserver> = seen.clone();
        let command = Observed::command::<Ask>(Arc::new(Strict), &observer);
        let query = Observed::query::<Ask>(Arc::new(Strict), &observer);
        let ada = Caller::known(Principal::new(UserId::new("ada").unwrap(), []));
        for caller in [Caller::Anonymous, ada] {
            for user in ["bob", "ada"] {
                let _ = command.handle(&call(caller.clone()), Ask(user)).await;
                let _ = query.handle(&call(caller.clone()), Ask(user)).await;
            }
        }
        let (ask, only) = ("ask", "ask_only");
        let nobody = [(ask, "unauthenticated"), (only, "unauthenticated")];
        let ada = [(ask, "forbidden"), (only, "forbidden"), (ask, "forbidden"), (only, "ok")];
        assert_eq!(*seen.0.lock().unwrap(), [&nobody[..], &nobody, &ada].concat());
    }
}
