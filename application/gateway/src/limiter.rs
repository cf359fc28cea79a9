//! The limit in one process.

use std::{future::ready, hash::RandomState};

use futures_util::future::Either;
use gateway_domain::{
    Service,
    limit::{Decision, LimitKey, Limiter, Quota, RouteClass, header_seconds},
};
use http::{HeaderName, HeaderValue, Method};
use shaku::Component;

use crate::{Deciding, RateLimiter, uptime::Uptime};

const READS: RouteClass = RouteClass(0);
const WRITES: RouteClass = RouteClass(1);
const PAYMENTS: RouteClass = RouteClass(2);
const CLASSES: usize = 3;

/// The class whose quota a request is taken from. A client that reads much can still pay.
pub(crate) fn class_of(service: Service, method: &Method) -> RouteClass {
    match (method.is_safe(), service) {
        (true, _) => READS,
        (false, Service::Payment) => PAYMENTS,
        (false, _) => WRITES,
    }
}

/// The figures of a decision, as every answer shows them.
pub fn rate_limit_headers(decision: &Decision) -> [(HeaderName, HeaderValue); 3] {
    [
        (HeaderName::from_static("ratelimit-limit"), decision.limit.into()),
        (HeaderName::from_static("ratelimit-remaining"), decision.remaining.into()),
        (HeaderName::from_static("ratelimit-reset"), header_seconds(decision.reset).into()),
    ]
}

/// Implements the port in memory.
#[derive(Component)]
#[shaku(interface = RateLimiter)]
pub struct LocalRateLimiter {
    /// The counts.
    counts: RateCounts,
}

/// The counts of all clients, in memory that never grows.
#[derive(Debug)]
pub struct RateCounts {
    limiter: Limiter<RandomState>,
    uptime: Uptime,
}

impl RateCounts {
    /// The same quota for each class of routes, and room for `clients`; without a quota nothing is limited.
    pub fn new(quota: Option<Quota>, clients: usize) -> Self {
        let quotas: Vec<_> = quota.into_iter().flat_map(|quota| [quota; CLASSES]).collect();
        let room = if quotas.is_empty() { 0 } else { clients.saturating_mul(CLASSES) };
        Self { limiter: Limiter::new(quotas, room, RandomState::new()), uptime: Uptime::start() }
    }
}

impl LocalRateLimiter {
    /// A limiter over `counts`, for use without a module.
    pub const fn new(counts: RateCounts) -> Self {
        Self { counts }
    }
}

impl RateLimiter for LocalRateLimiter {
    fn check<'a>(&'a self, key: LimitKey<'a>) -> Deciding<'a> {
        let RateCounts { limiter, uptime } = &self.counts;
        Either::Left(ready(limiter.check(&key, uptime.now())))
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use gateway_domain::limit::LimitedClient;

    use super::*;

    fn limiter(burst: u32) -> LocalRateLimiter {
        let burst = NonZeroU32::new(burst).unwrap();
        let quota = Quota::new(NonZeroU32::MIN, Duration::from_hours(1), burst).unwrap();
        LocalRateLimiter::new(RateCounts::new(Some(quota), 1_000))
    }

    async fn allowed(limiter: &LocalRateLimiter, address: &str, class: RouteClass) -> bool {
        let client = LimitedClient::at(address.parse().unwrap());
        limiter.check(LimitKey { client, class }).await.unwrap().is_allowed()
    }

    #[tokio::test]
    async fn each_client_has_its_own_quota_for_each_class() {
        let limiter = limiter(2);
        for (address, class) in [("10.0.0.1", READS), ("10.0.0.1", PAYMENTS), ("10.0.0.2", READS)] {
            let mut answers = [true; 3];
            for answer in &mut answers {
                *answer = allowed(&limiter, address, class).await;
            }
            assert_eq!(answers, [true, true, false], "{address} {class:?}");
        }
    }

    #[tokio::test]
    async fn without_a_quota_nothing_is_limited() {
        let limiter = LocalRateLimiter::new(RateCounts::new(None, 1_000));
        let client = LimitedClient::at([10, 0, 0, 1].into());
        assert_eq!(limiter.check(LimitKey { client, class: WRITES }).await, None);
    }

    #[test]
    fn classes_follow_method_and_service() {
        for (service, method, class) in [
            (Service::Payment, Method::GET, READS),
            (Service::Payment, Method::POST, PAYMENTS),
            (Service::Basket, Method::POST, WRITES),
            (Service::Product, Method::HEAD, READS),
        ] {
            assert_eq!(class_of(service, &method), class, "{service} {method}");
        }
    }
}
