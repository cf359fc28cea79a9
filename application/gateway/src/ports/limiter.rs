//! How many requests a client may send.

use std::future::Ready;

use futures_util::future::{BoxFuture, Either};
use gateway_domain::limit::{Decision, LimitKey};
use shaku::Interface;

/// A ruling that is there at once, or has to be fetched. What decides in memory costs no allocation.
pub type Deciding<'a> = Either<Ready<Option<Ruling>>, BoxFuture<'a, Option<Ruling>>>;

/// A decision, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What was decided.
    pub decision: Decision,
    /// Who decided.
    pub decider: Decider,
}

/// Who decides on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decider {
    /// This gateway, by what it has counted itself.
    Local,
    /// A store that all gateways share.
    Shared,
}

impl Decider {
    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Shared => "shared",
        }
    }
}

/// Counts requests by client and class of routes.
pub trait RateLimiter: Interface {
    /// Decides on a request and counts it if it is allowed; `None` where nothing limits it.
    ///
    /// An implementation over a store MUST decide by itself when the store is away, and MUST NOT take longer than a
    /// request can wait: the limit is there to protect the services, not to make them unreachable. The arithmetic is
    /// `Quota::decide`, for all implementations.
    fn check<'a>(&'a self, key: LimitKey<'a>) -> Deciding<'a>;
}
