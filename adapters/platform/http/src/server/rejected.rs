//! A hook for requests whose token is no good. A gateway counts them: guessing tokens must not be free.

use futures_util::future::LocalBoxFuture;
use kernel_application::CallContext;

use crate::{Asked, Problem};

/// Hears of requests whose token is no good. All others pay nothing for it.
pub trait OnRejected: Send + Sync + 'static {
    /// Called once for each, before it is answered 401; not where it is us who cannot check the token. What it resolves
    /// to goes out instead of that answer, if anything. Nobody limits its time, so it MUST come to an end by itself.
    fn rejected<'a>(&'a self, ctx: &'a CallContext, asked: Asked<'a>) -> LocalBoxFuture<'a, Option<Problem>>;
}
