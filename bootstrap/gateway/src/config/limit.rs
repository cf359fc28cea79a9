//! What a client may send, and who counts it.

use std::{num::NonZeroU32, time::Duration};

use gateway_application::{RateCounts, RateQuota, policy::Quota};
use gateway_redis::longest_recovery;
use platform_redis::RedisConfig;
use platform_runtime::Settings;

use super::time;

/// The limit of each client.
#[derive(Clone, Debug)]
pub struct RateLimit {
    /// For each class of routes; `None` for no limit.
    pub quota: Option<Quota>,
    /// How many clients are remembered.
    pub clients: usize,
    /// Where all gateways count together; `None` where each counts by itself.
    pub shared: Option<SharedLimit>,
}

/// A store that all gateways share.
#[derive(Clone, Debug)]
pub struct SharedLimit {
    /// Where it is.
    pub redis: RedisConfig,
    /// How long a request waits for it.
    pub timeout: Duration,
}

impl RateLimit {
    /// Counts by `quota`, which operators may change.
    pub(crate) fn counts(&self, quota: &RateQuota) -> RateCounts {
        RateCounts::over(quota.clone(), self.clients)
    }
}

pub(super) fn rate(settings: &mut Settings) -> RateLimit {
    let about = "whether each client is limited, separately in reads, writes and payments";
    let enabled = settings.flag("RATE_LIMIT_ENABLED", true, about);
    let quota = quota(settings);
    let about = "clients that are remembered at once, each in less than 60 bytes";
    let clients = settings.number_in("RATE_LIMIT_CLIENTS", 65_536_usize, 1..=100_000_000, about);
    let shared = shared(settings);
    let recovery = quota.map(|quota| quota.interval().saturating_mul(quota.burst()));
    if shared.is_some() && recovery > Some(longest_recovery()) {
        settings.refuse("RATE_LIMIT_BURST", "must be earned within 50 days where REDIS_HOST is set");
    }
    RateLimit { quota: quota.filter(|_| enabled), clients, shared: shared.filter(|_| enabled) }
}

fn quota(settings: &mut Settings) -> Option<Quota> {
    let requests = settings.number_in("RATE_LIMIT_REQUESTS", 100_u32, 1..=1_000_000, "requests per window");
    let about = "the window, over which requests are earned evenly";
    let window = time(settings, "RATE_LIMIT_WINDOW", "1m", about);
    let burst = settings.number_in("RATE_LIMIT_BURST", 10_u32, 1..=1_000_000, "requests at once");
    let number = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    match Quota::new(number(requests), window, number(burst)) {
        Ok(quota) => Some(quota),
        Err(violation) => {
            settings.refuse("RATE_LIMIT_WINDOW", violation);
            None
        }
    }
}

fn shared(settings: &mut Settings) -> Option<SharedLimit> {
    let about = "host of a Redis in which all gateways count together; each by itself where it is not set";
    let redis = RedisConfig::declare_optional(settings, about);
    let name = "RATE_LIMIT_REDIS_TIMEOUT";
    let about = "how long a request waits for Redis, before the gateway decides by its own counts";
    let timeout = time(settings, name, "10ms", about);
    if timeout > Duration::from_secs(1) {
        settings.refuse(name, "must be 1ms to 1s");
    }
    redis.map(|redis| SharedLimit { redis, timeout })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<RateLimit, String> {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let rate = rate(&mut settings);
        settings.finish().map(|()| rate).map_err(|error| error.to_string())
    }

    #[test]
    fn counts_are_shared_where_a_redis_is_named() {
        assert!(read(&[]).unwrap().shared.is_none());
        let shared = read(&[("REDIS_HOST", "redis"), ("REDIS_CLUSTER", "true")]).unwrap().shared.unwrap();
        assert_eq!((shared.redis.address().as_str(), shared.redis.cluster), ("redis:6379", true));
        assert_eq!(shared.timeout, Duration::from_millis(10));
        let off = [("REDIS_HOST", "redis"), ("RATE_LIMIT_ENABLED", "false")];
        assert!(read(&off).unwrap().shared.is_none(), "nobody counts");
    }

    #[test]
    fn what_redis_cannot_count_is_refused() {
        let slow = [("RATE_LIMIT_REQUESTS", "1"), ("RATE_LIMIT_WINDOW", "24h"), ("RATE_LIMIT_BURST", "51")];
        assert!(read(&slow).is_ok());
        let problems = read(&[&slow[..], &[("REDIS_HOST", "redis")]].concat()).unwrap_err();
        assert!(problems.contains("RATE_LIMIT_BURST") && problems.contains("50 days"), "{problems}");
        for timeout in ["0ms", "2s"] {
            let problems = read(&[("RATE_LIMIT_REDIS_TIMEOUT", timeout)]).unwrap_err();
            assert!(problems.contains("RATE_LIMIT_REDIS_TIMEOUT"), "{problems}");
        }
    }
}
