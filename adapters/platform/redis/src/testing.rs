//! For tests of this crate and of adapters: a part of a server's keys that is one test's own.

use std::time::{Duration, Instant};

use kernel_application::{BoxError, HealthCheck};
use platform_runtime::{Settings, StorageHome};
use slog::{Discard, Logger, o};
use uuid::Uuid;

use crate::{Redis, RedisConfig, RedisHealth};

/// Far longer than a server takes that is there.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to the server of `url`, `redis://:password@host:port`.
pub async fn single(url: &str) -> Result<Redis, BoxError> {
    let rest = url.strip_prefix("redis://").ok_or("a URL that begins with redis:// is needed")?;
    let (user, address) = rest.rsplit_once('@').unwrap_or(("", rest));
    let (host, port) = split(address.trim_end_matches('/'))?;
    let password = user.split_once(':').map_or("", |(_, password)| password);
    connect(&[("REDIS_HOST", host), ("REDIS_PORT", port), ("REDIS_PASSWORD", password)]).await
}

/// A connection to the cluster that the node at `address`, `host:port`, is part of.
pub async fn cluster(address: &str) -> Result<Redis, BoxError> {
    let (host, port) = split(address)?;
    connect(&[("REDIS_HOST", host), ("REDIS_PORT", port), ("REDIS_CLUSTER", "true")]).await
}

/// A connection as `variables` say, made before this returns.
pub async fn connect(variables: &[(&str, &str)]) -> Result<Redis, BoxError> {
    let redis = prepare(variables)?;
    let health = RedisHealth::new("test", redis.clone());
    let end = Instant::now() + PATIENCE;
    while let Err(obstacle) = health.check().await {
        if Instant::now() > end {
            return Err(obstacle.into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(redis)
}

/// The same, with connections yet to be made.
pub fn prepare(variables: &[(&str, &str)]) -> Result<Redis, BoxError> {
    let prefix = format!("test-{}", Uuid::now_v7().simple());
    let own = [("REDIS_KEY_PREFIX", prefix.as_str()), ("REDIS_POOL_SIZE", "2")];
    let mut settings = Settings::from_pairs(own.into_iter().chain(variables.iter().copied()));
    let config = RedisConfig::declare(&mut settings, StorageHome::Server);
    settings.finish()?;
    Ok(Redis::new(&config, "test store", "test", &Logger::root(Discard, o!()))?)
}

fn split(address: &str) -> Result<(&str, &str), BoxError> {
    address.rsplit_once(':').ok_or_else(|| format!("{address} is not host:port").into())
}
