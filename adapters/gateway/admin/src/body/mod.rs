//! Bodies: what operators get and send.

mod balancer;
mod breaker;
mod limits;
mod overview;

use std::time::Duration;

pub(crate) use balancer::{BackendBody, BackendChangeBody, BalancerBody, BalancerChangeBody, NewBackendBody};
pub(crate) use breaker::{BreakerBody, BreakerStateBody, BreakersBody};
pub(crate) use limits::{LimitsBody, RateChangeBody};
pub(crate) use overview::{AuditBody, ServicesBody, StatusBody};

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
