//! What a request pays for its limit: decided in this process, and in a store that all gateways share.
//!
//! `cargo bench -p gateway-redis` prints the median and the 99th percentile, one request after the other and many at
//! once.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use gateway_application::{LocalRateLimiter, RateCounts, RateLimiter};
use gateway_domain::limit::{LimitKey, LimitedClient, Quota, RouteClass};
use gateway_redis::{RedisRateLimiter, StoreSeries, StoreSettings};
use kernel_application::BoxError;
use platform_redis::testing;
use platform_telemetry::{Metrics, silent};
use platform_testkit::servers;
use tokio::{task::JoinSet, time::Instant};

const DECISIONS: u32 = 20_000;
const CLIENTS: u32 = 1_000;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // `cargo test --all-targets` starts benches, too, and wants to know only whether they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let number = |number| NonZeroU32::new(number).ok_or("a number above 0");
    let quota = Quota::new(number(6_000)?, Duration::from_mins(1), number(100)?)?;
    let local = || LocalRateLimiter::new(RateCounts::new(Some(quota), 65_536));
    let key_prefix = format!("bench-{}", std::process::id());
    let redis = testing::single(&servers::redis()?).await?;
    let store = StoreSettings { redis, key_prefix, timeout: Duration::from_secs(1) };
    let series = StoreSeries::new(&Metrics::new());
    let shared = RedisRateLimiter::new(store, local(), series, silent());
    let limiters: [(&str, Arc<dyn RateLimiter>); 2] =
        [("local", Arc::new(local())), ("redis", Arc::new(shared))];
    for (name, limiter) in limiters {
        for tasks in [1, 64] {
            measure(name, &limiter, tasks).await?;
        }
    }
    Ok(())
}

async fn measure(name: &str, limiter: &Arc<dyn RateLimiter>, tasks: u32) -> Result<(), BoxError> {
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for task in 0..tasks {
        running.spawn(decide(Arc::clone(limiter), task, DECISIONS / tasks));
    }
    let mut times: Vec<Duration> = running.join_all().await.into_iter().flatten().collect();
    let elapsed = begun.elapsed();
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    let rate = times.len() as u128 * 1_000 / elapsed.as_millis().max(1);
    println!("{name}, {tasks} at once: p50 {:?}, p99 {:?}, {rate} decisions/s", at(50), at(99));
    Ok(())
}

async fn decide(limiter: Arc<dyn RateLimiter>, task: u32, decisions: u32) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in 0..decisions {
        let subject = format!("user-{}", (task * decisions + number) % CLIENTS);
        let key = LimitKey { client: LimitedClient::Subject(&subject), class: RouteClass(0) };
        let asked = Instant::now();
        limiter.check(key).await;
        times.push(asked.elapsed());
    }
    times
}
