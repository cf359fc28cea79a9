//! One use case, one message, one handler.

use std::pin::Pin;

use async_trait::async_trait;
use shaku::Interface;

use crate::{CallContext, Denied, Permit, UseCaseError};

/// A message that asks for a change.
pub trait Command: Send + 'static {
    /// The use case's name in logs and metrics: `create_product`.
    const NAME: &'static str;
    /// What the caller learns.
    type Output: Send + 'static;
    /// How it can fail.
    type Error: UseCaseError + From<Denied>;

    /// Whom it lets in.
    fn permit(&self) -> Permit<'_>;
}

/// Decides a command: loads one aggregate, calls one method, saves it.
#[async_trait]
pub trait CommandHandler<C: Command>: Interface {
    /// Carries `command` out, or changes nothing.
    async fn handle(&self, ctx: &CallContext, command: C) -> Result<C::Output, C::Error>;
}

/// What `async_trait` makes of a handler's call. Decorators write it out: then the message is moved once, into the call of
/// the handler that wants it, and no decorator keeps a place for it.
pub(crate) type Call<'call, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'call>>;

/// A message that asks a question.
pub trait Query: Send + 'static {
    /// The use case's name in logs and metrics: `list_products`.
    const NAME: &'static str;
    /// The answer.
    type Output: Send + 'static;
    /// How it can fail.
    type Error: UseCaseError + From<Denied>;

    /// Whom it lets in.
    fn permit(&self) -> Permit<'_>;
}

/// Answers a query from a read port; never loads an aggregate.
#[async_trait]
pub trait QueryHandler<Q: Query>: Interface {
    /// Answers `query`.
    async fn handle(&self, ctx: &CallContext, query: Q) -> Result<Q::Output, Q::Error>;
}
