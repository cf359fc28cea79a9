//! Against real servers: those that tests share, and some that a test starts to stop them.

mod agreement;
mod outage;
mod server;
mod sharing;

use std::{
    io,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use gateway_application::{Decider, LocalRateLimiter, RateCounts, RateLimiter, RateQuota};
use gateway_domain::limit::{LimitKey, LimitedClient, Quota, RouteClass};
use platform_redis::{Redis, testing};
use platform_telemetry::{LogFormat, Metrics, logger_to};
use platform_testkit::servers;
use slog::Logger;
use uuid::Uuid;

use crate::{RedisRateLimiter, StoreSeries, StoreSettings};

/// Longer than a store takes on a machine that is busy with other tests.
const PATIENT: Duration = Duration::from_secs(5);

const ADA: LimitKey<'static> = LimitKey { client: LimitedClient::Subject("ada"), class: RouteClass(0) };

async fn single() -> Redis {
    testing::single(&servers::redis().unwrap()).await.unwrap()
}

async fn cluster() -> Redis {
    testing::cluster(&servers::redis_cluster().unwrap()).await.unwrap()
}

/// A prefix that no other test has.
fn prefix() -> String {
    format!("test-{}", Uuid::now_v7().simple())
}

/// One request in `interval`, and `burst` at once.
fn quota(interval: Duration, burst: u32) -> Quota {
    Quota::new(NonZeroU32::MIN, interval, NonZeroU32::new(burst).unwrap()).unwrap()
}

/// A gateway's limiter, with its log and its figures.
struct Gateway {
    limiter: RedisRateLimiter,
    metrics: Metrics,
    log: Log,
    _flushed: Box<dyn std::any::Any>,
}

impl Gateway {
    fn new(redis: Redis, key_prefix: &str, quota: Quota, timeout: Duration) -> Self {
        Self::over(redis, key_prefix, &RateQuota::from(Some(quota)), timeout)
    }

    /// The same, over a quota that may change.
    fn over(redis: Redis, key_prefix: &str, quota: &RateQuota, timeout: Duration) -> Self {
        let (metrics, log) = (Metrics::new(), Log::default());
        let (logger, flushed): (Logger, _) =
            logger_to(log.clone(), "gateway", "1", slog::Level::Info, LogFormat::Json);
        let store = StoreSettings { redis, key_prefix: key_prefix.to_owned(), timeout };
        let local = LocalRateLimiter::new(RateCounts::over(quota.clone(), 1_000));
        let limiter = RedisRateLimiter::new(store, local, StoreSeries::new(&metrics), logger);
        Self { limiter, metrics, log, _flushed: Box::new(flushed) }
    }

    /// Whether a request is allowed, and who says so.
    async fn ask(&self, key: LimitKey<'_>) -> (bool, Decider) {
        let ruling = self.limiter.check(key).await.unwrap();
        (ruling.decision.is_allowed(), ruling.decider)
    }

    /// The value of a figure.
    fn figure(&self, name: &str) -> u64 {
        let text = self.metrics.encode();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} is missing in\n{text}")).parse().unwrap()
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// How many lines have the text.
    fn count(&self, text: &str) -> usize {
        let log = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        log.lines().filter(|line| line.contains(text)).count()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
