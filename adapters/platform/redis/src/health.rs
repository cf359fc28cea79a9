//! Whether each node answers, may be written to, and keeps what it is given.

use async_trait::async_trait;
use fred::{
    clients::Client,
    error::Error,
    interfaces::{ClientLike, ClusterInterface, KeysInterface},
    types::{Expiration, config::Server},
    util::redis_keyslot,
};
use kernel_application::HealthCheck;

use crate::{Bucket, Redis};

/// Asks every master of a context's Redis.
pub struct RedisHealth {
    name: &'static str,
    redis: Redis,
}

impl RedisHealth {
    /// A check of `redis`, shown as `name`.
    pub const fn new(name: &'static str, redis: Redis) -> Self {
        Self { name, redis }
    }

    async fn check_all(&self) -> Result<(), String> {
        let client = self.redis.client("check").map_err(|_| away(self.redis.trouble()))?;
        match client.cached_cluster_state() {
            None => self.check_server(client).await,
            Some(cluster) => {
                for master in cluster.unique_primary_nodes() {
                    self.check_master(client, &master)
                        .await
                        .map_err(|obstacle| format!("node {master}: {obstacle}"))?;
                }
                Ok(())
            }
        }
    }

    async fn check_server(&self, client: &Client) -> Result<(), String> {
        let facts: String = client.info(None).await.map_err(|error| words(&error))?;
        if fact(&facts, "cluster_enabled") == Some("1") {
            return Err("it is a node of a cluster: set REDIS_CLUSTER=true".to_owned());
        }
        self.judge(&facts)?;
        let key = self.redis.key(Bucket::from_number(0), "probe");
        write(client, key).await
    }

    async fn check_master(&self, client: &Client, master: &Server) -> Result<(), String> {
        let node = client.with_cluster_node(master);
        let facts: String = node.info(None).await.map_err(|error| words(&error))?;
        self.judge(&facts)?;
        let cluster = client.cached_cluster_state();
        let is_here = |key: &String| {
            let slot = redis_keyslot(key.as_bytes());
            cluster.as_ref().is_some_and(|cluster| cluster.get_server(slot) == Some(master))
        };
        match Bucket::all().map(|bucket| self.redis.key(bucket, "probe")).find(is_here) {
            Some(key) => write(client, key).await,
            None => client.with_cluster_node(master).ping(None).await.map_err(|error| words(&error)),
        }
    }

    fn judge(&self, facts: &str) -> Result<(), String> {
        judge(facts)?;
        if fact(facts, "aof_enabled") == Some("0") { self.redis.durability().lacks() } else { Ok(()) }
    }
}

#[async_trait]
impl HealthCheck for RedisHealth {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn check(&self) -> Result<(), String> {
        let place = || format!("{} at {}", self.redis.store(), self.redis.address());
        self.check_all().await.map_err(|obstacle| format!("{}: {obstacle}", place()))
    }
}

/// Writes for real: roles and settings do not tell of a full disk or of too few replicas.
async fn write<C: KeysInterface>(client: &C, key: String) -> Result<(), String> {
    client.set(key, "", Some(Expiration::PX(1_000)), None, false).await.map_err(|error| words(&error))
}

/// What `INFO` says that would lose baskets or refuse writes.
///
/// A server that evicts forgets what was acknowledged, silently. Refusing to work with it from the first day on is
/// kinder than losing a basket on the day its memory is full.
fn judge(facts: &str) -> Result<(), String> {
    if fact(facts, "loading") == Some("1") {
        return Err("it is still loading its data".to_owned());
    }
    if fact(facts, "role").is_some_and(|role| role != "master") {
        return Err("it is a replica and takes no writes: name its master".to_owned());
    }
    let policy = fact(facts, "maxmemory_policy").unwrap_or("noeviction");
    let is_limited = fact(facts, "maxmemory").is_some_and(|limit| limit != "0");
    if is_limited && policy != "noeviction" {
        return Err(format!("its maxmemory-policy is {policy}, which drops baskets: set it to noeviction"));
    }
    Ok(())
}

fn fact<'a>(facts: &'a str, name: &str) -> Option<&'a str> {
    facts.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn away(trouble: Option<String>) -> String {
    let Some(trouble) = trouble else { return "no connection yet".to_owned() };
    format!("no connection: {trouble}{}", hint(&trouble))
}

fn words(error: &Error) -> String {
    let text = error.to_string();
    let hint = hint(&text);
    format!("{text}{hint}")
}

/// What would help, for what people meet.
fn hint(trouble: &str) -> &'static str {
    for (word, hint) in [
        ("WRONGPASS", "; check REDIS_USERNAME and REDIS_PASSWORD"),
        ("NOAUTH", "; set REDIS_PASSWORD"),
        ("NOPERM", "; let REDIS_USERNAME run scripts and all commands on its keys"),
        ("cluster support disabled", "; set REDIS_CLUSTER=false"),
        ("DB index is out of range", "; check REDIS_DB"),
        ("ertificate", "; check REDIS_TLS, REDIS_CA_CERT and the name in REDIS_HOST"),
        ("refused", "; is it running, and are REDIS_HOST and REDIS_PORT right?"),
        ("MISCONF", "; its disk may be full"),
        ("OOM", "; give it more memory"),
        ("NOREPLICAS", "; too few replicas are connected"),
    ] {
        if trouble.contains(word) {
            return hint;
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: &str =
        "# Server\r\nloading:0\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\nrole:master\r\n";

    #[test]
    fn a_master_that_forgets_nothing_is_fine() {
        assert_eq!(judge(HEALTHY), Ok(()));
        assert_eq!(judge(&HEALTHY.replace("maxmemory:0", "maxmemory:1000000")), Ok(()));
        assert_eq!(judge(&HEALTHY.replace("noeviction", "allkeys-lru")), Ok(()), "without limit none evicts");
    }

    #[test]
    fn whatever_would_lose_baskets_is_named() {
        let limited = HEALTHY.replace("maxmemory:0", "maxmemory:1000000");
        for (facts, word) in [
            (limited.replace("noeviction", "volatile-ttl"), "volatile-ttl"),
            (HEALTHY.replace("role:master", "role:slave"), "replica"),
            (HEALTHY.replace("loading:0", "loading:1"), "loading"),
        ] {
            let obstacle = judge(&facts).unwrap_err();
            assert!(obstacle.contains(word), "{obstacle}");
        }
    }
}
