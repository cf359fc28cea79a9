//! The limit in one process.

use std::{future::ready, hash::RandomState};

use futures_util::future::Either;
use gateway_domain::{
    Moment, Service,
    limit::{Decision, LimitKey, Limiter, Quota, RouteClass, header_seconds},
};
use http::{HeaderName, HeaderValue, Method};
use shaku::Component;

use crate::{Decider, Deciding, RateLimiter, RateQuota, Ruling, uptime::Uptime};

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

/// The figures of a decision, as every answer shows them in headers of these names.
pub(crate) fn rate_limits(decision: &Decision) -> [(&'static str, u64); 3] {
    [
        ("ratelimit-limit", decision.limit.into()),
        ("ratelimit-remaining", decision.remaining.into()),
        ("ratelimit-reset", header_seconds(decision.reset)),
    ]
}

/// The same as headers.
pub fn rate_limit_headers(decision: &Decision) -> [(HeaderName, HeaderValue); 3] {
    rate_limits(decision).map(|(name, value)| (HeaderName::from_static(name), value.into()))
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
    quota: RateQuota,
    limiter: Limiter<RandomState>,
    uptime: Uptime,
}

impl RateCounts {
    /// The same quota for each class of routes, and room for `clients`; without a quota nothing is limited.
    pub fn new(quota: Option<Quota>, clients: usize) -> Self {
        Self::over(quota.into(), clients)
    }

    /// The same, over a quota that others share and may change.
    pub fn over(quota: RateQuota, clients: usize) -> Self {
        let limiter = Limiter::new(Vec::new(), clients.saturating_mul(CLASSES), RandomState::new());
        Self { quota, limiter, uptime: Uptime::start() }
    }

    /// The quota of a class of routes, if there is one.
    pub fn quota(&self, class: RouteClass) -> Option<Quota> {
        self.quota.current().0.filter(|_| usize::from(class.0) < CLASSES)
    }

    /// Time as these counts have it.
    pub fn now(&self) -> Moment {
        self.uptime.now()
    }
}

impl LocalRateLimiter {
    /// A limiter over `counts`, for use without a module.
    pub const fn new(counts: RateCounts) -> Self {
        Self { counts }
    }

    /// What it counts by.
    pub const fn counts(&self) -> &RateCounts {
        &self.counts
    }
}

impl RateLimiter for LocalRateLimiter {
    fn check<'a>(&'a self, key: LimitKey<'a>) -> Deciding<'a> {
        let RateCounts { quota, limiter, uptime } = &self.counts;
        let (quota, epoch) = quota.current();
        let decision = quota.map(|quota| limiter.check_under(&quota, epoch, &key, uptime.now()));
        Either::Left(ready(decision.map(|decision| Ruling { decision, decider: Decider::Local })))
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
        limiter.check(LimitKey { client, class }).await.unwrap().decision.is_allowed()
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

    #[tokio::test]
    async fn another_quota_holds_at_once_and_starts_anew() {
        let quota = |burst| {
            let burst = NonZeroU32::new(burst).unwrap();
            Quota::new(NonZeroU32::MIN, Duration::from_hours(1), burst).unwrap()
        };
        let shared = RateQuota::from(Some(quota(1)));
        let limiter = LocalRateLimiter::new(RateCounts::over(shared.clone(), 1_000));
        assert!(allowed(&limiter, "10.0.0.1", READS).await && !allowed(&limiter, "10.0.0.1", READS).await);
        shared.replace(Some(quota(2)));
        let answers = [(); 3].map(|()| allowed(&limiter, "10.0.0.1", READS));
        assert_eq!(futures_util::future::join_all(answers).await, [true, true, false]);
        shared.replace(None);
        let client = LimitedClient::at([10, 0, 0, 1].into());
        assert_eq!(limiter.check(LimitKey { client, class: READS }).await, None);
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
