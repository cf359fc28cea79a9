//! The store where it is there, this gateway's own counts where it is not.

use std::time::Duration;

use gateway_application::{Decider, Deciding, LocalRateLimiter, RateLimiter, Ruling};
use gateway_domain::limit::{Asking, Fallback, LimitKey, Mode, Quota, Trouble};
use kernel_application::StoreError;
use platform_redis::Redis;
use slog::{Logger, info, warn};
use tokio::time::{Instant, timeout};

use crate::{
    script::{decide, fits},
    series::StoreSeries,
};

/// Where counts are shared.
#[derive(Clone)]
pub struct StoreSettings {
    /// The connections.
    pub redis: Redis,
    /// What all keys begin with, inside the hash tag.
    pub key_prefix: String,
    /// How long a request waits for a decision.
    pub timeout: Duration,
}

/// Implements the port over Redis, and over memory while Redis is away.
///
/// What is allowed by the store is counted here too: who has used up their burst does not get another one because the
/// store went away.
pub struct RedisRateLimiter {
    store: StoreSettings,
    local: LocalRateLimiter,
    fallback: Fallback,
    series: StoreSeries,
    logger: Logger,
}

impl RedisRateLimiter {
    /// A limiter over `store`, with `local` to fall back on. Its quota is the one that counts.
    pub fn new(store: StoreSettings, local: LocalRateLimiter, series: StoreSeries, logger: Logger) -> Self {
        Self { store, local, fallback: Fallback::default(), series, logger }
    }

    async fn ask(&self, key: LimitKey<'_>, quota: Quota, asking: Asking) -> Option<Ruling> {
        let start = Instant::now();
        let StoreSettings { redis, key_prefix, timeout: limit } = &self.store;
        let decision = match timeout(*limit, decide(redis, key_prefix, &key, &quota)).await {
            Ok(Ok(decision)) => decision,
            Ok(Err(error)) => {
                self.failed(Trouble::Away, Some(&error));
                return self.local.check(key).await;
            }
            Err(_) => {
                self.failed(Trouble::Late, None);
                return self.local.check(key).await;
            }
        };
        self.series.answered(start.elapsed());
        self.changed(self.fallback.answered(asking), None);
        if decision.is_allowed() {
            self.local.check(key).await;
        }
        Some(Ruling { decision, decider: Decider::Shared })
    }

    fn failed(&self, trouble: Trouble, error: Option<&StoreError>) {
        self.series.failed();
        self.changed(self.fallback.failed(trouble, self.local.counts().now()), error);
    }

    /// One line for each change, however many requests see it.
    fn changed(&self, mode: Option<Mode>, error: Option<&StoreError>) {
        let Some(mode) = mode else { return };
        self.series.changed(mode);
        match mode {
            Mode::Shared => info!(self.logger, "limits are shared again"),
            Mode::Local => {
                let error = error.map_or_else(|| "no answer in time".to_owned(), source);
                warn!(self.logger, "limits are not shared: each gateway counts by itself"; "error" => error);
            }
        }
    }
}

impl RateLimiter for RedisRateLimiter {
    fn check<'a>(&'a self, key: LimitKey<'a>) -> Deciding<'a> {
        let counts = self.local.counts();
        let Some(quota) = counts.quota(key.class).filter(fits) else { return self.local.check(key) };
        match self.fallback.ask(counts.now()) {
            Some(asking) => Deciding::Right(Box::pin(self.ask(key, quota, asking))),
            None => self.local.check(key),
        }
    }
}

/// The driver's words, which an operator can act on.
fn source(error: &StoreError) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
