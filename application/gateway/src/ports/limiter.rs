//! How many requests a client may send.

use std::future::Ready;

use futures_util::future::{BoxFuture, Either};
use gateway_domain::limit::{Decision, LimitKey};
use shaku::Interface;

/// A decision that is there at once, or has to be fetched. What decides in memory costs no allocation.
pub type Deciding<'a> = Either<Ready<Option<Decision>>, BoxFuture<'a, Option<Decision>>>;

/// Counts requests by client and class of routes.
pub trait RateLimiter: Interface {
    /// Decides on a request and counts it if it is allowed; `None` where nothing limits it.
    ///
    /// An implementation over a store MUST decide by itself when the store is away, and MUST NOT take longer than a
    /// request can wait: the limit is there to protect the services, not to make them unreachable. The arithmetic is
    /// `Quota::decide`, for all implementations.
    fn check<'a>(&'a self, key: LimitKey<'a>) -> Deciding<'a>;
}
