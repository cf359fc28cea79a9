//! The basket ports on Redis, beside what `redis-benchmark` gets out of it by commands on values of the same size.

use std::{process::ExitCode, sync::Arc};

use basket_application::testing::Load;
use basket_redis::{RedisBasketQueries, RedisBasketRepository};
use platform_redis::{Redis, Script, testing};
use platform_testkit::{
    bench::{self, Alternating, Bench, BoxError, Class, RedisBenchmark, Subject},
    servers,
};

/// What a change of a basket costs the server: the checks, the writes and the sizes are those of the adapter's script, but
/// it has no version to get right, so that it can be repeated.
static CHANGE: Script = Script::new(include_str!("change.lua"));
static DIGEST: Script = Script::new("return redis.sha1hex(ARGV[1])");

fn main() -> ExitCode {
    bench::main("redis", ports)
}

async fn ports(bench: Bench) -> Result<(), BoxError> {
    let url = servers::redis()?;
    let redis = testing::single(&url).await?;
    let users = bench.plan().rows / 50;
    let baskets = Arc::new(RedisBasketRepository::new(redis.clone()));
    let queries = Arc::new(RedisBasketQueries::new(redis.clone()));
    let load = Arc::new(Load::new(baskets, queries, users));
    bench.prepare(&format!("{users} baskets"), load.fill()).await?;
    let (get, change) = raw(&redis, &url, users).await?;
    change.send(10 * u64::from(users), bench.plan().clients)?;
    let subject = Subject::new(Class::PointRead, "BasketQueries", "basket");
    bench.run(subject, &load, Load::read, Some(&get)).await?;
    let subject = Subject::new(Class::Command, "BasketRepository", "find + save");
    bench.run(subject, &load, Load::add_item, Some(&Alternating { read: get, write: change })).await
}

/// Reading a document, and changing it, on keys of their own.
async fn raw(redis: &Redis, url: &str, users: u32) -> Result<(RedisBenchmark, RedisBenchmark), BoxError> {
    let key = "bench:basket:user-__rand_int__";
    let document = document();
    let args =
        ["user-__rand_int__", "00000000-0000-0000-0000-000000000000", "1", "0", "1", "90000000", &document];
    let sample = vec!["bench:sample".to_owned(), "bench:expiry".to_owned()];
    redis.run::<String>("try the change", &CHANGE, sample, args.map(str::to_owned).into()).await?;
    let source = vec![include_str!("change.lua").to_owned()];
    let digest: String =
        redis.run("name the change", &DIGEST, vec!["bench:sample".to_owned()], source).await?;
    let get = RedisBenchmark::of(url, users.into(), ["HGET", key, "document"])?;
    let change = ["EVALSHA", &digest, "2", key, "bench:expiry"].into_iter().chain(args);
    let change = get.command(change);
    Ok((get, change))
}

/// As large as the document of a basket of five lines.
fn document() -> String {
    let items: Vec<_> = (1..=5)
        .map(|product| {
            format!(
                r#"{{"product_id":{product},"name":"Coffee grinder, model {product}","price":4990,"category":"Kitchen","quantity":12,"since_version":1}}"#
            )
        })
        .collect();
    format!(
        r#"{{"format":1,"id":"00000000-0000-0001-0000-000000000001","user_id":"user-000000000001","currency":"USD","created_at":0,"updated_at":0,"expires_at":86400000000,"version":12,"items":[{}]}}"#,
        items.join(",")
    )
}
