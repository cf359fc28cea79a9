//! The environment of a service that keeps its state in Redis or Valkey.

use std::{path::PathBuf, str::FromStr, time::Duration};

use platform_runtime::{Secret, Settings, StorageHome};

/// Where Redis is and how it is used. Checked at every start, used where the store is a server.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// The host: of the server, or of any node of the cluster.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The user of the access control list; `None` for the default user.
    pub username: Option<String>,
    /// The password; none where it is empty.
    pub password: Secret,
    /// The number of the database.
    pub db: u8,
    /// Whether the host is a node of a cluster.
    pub cluster: bool,
    /// Whether connections are encrypted, by a server whose certificate we trust.
    pub tls: bool,
    /// A PEM file with the certificates of those who may vouch for the server; `None` for those the system trusts.
    pub ca_cert: Option<PathBuf>,
    /// What all keys begin with, inside the hash tag.
    pub key_prefix: String,
    /// How long a command may take.
    pub command_timeout: Duration,
    /// How long it may take to connect.
    pub connect_timeout: Duration,
    /// Connections to each node. Commands share them, so that few are enough.
    pub pool_size: usize,
    /// Whether the store is not ready on a server without an append-only file. Otherwise there is a warning in the log.
    pub require_persistence: bool,
}

impl RedisConfig {
    /// Declares the variables.
    pub fn declare(settings: &mut Settings, storage: StorageHome) -> Self {
        let host = settings.text("REDIS_HOST", "localhost", "host of Redis, for STORAGE=server");
        let require_persistence = settings.flag(
            "REDIS_REQUIRE_PERSISTENCE",
            false,
            "whether a Redis without an append-only file (appendonly yes) is refused instead of warned about",
        );
        Self { require_persistence, ..Self::at(settings, host, storage == StorageHome::Server) }
    }

    /// Declares the variables of a Redis that holds nothing of value and that a service can do without; `None` where
    /// `REDIS_HOST` is not set.
    pub fn declare_optional(settings: &mut Settings, description: &'static str) -> Option<Self> {
        let host = settings.optional("REDIS_HOST", description);
        let used = host.is_some();
        let config = Self::at(settings, host.unwrap_or_default(), used);
        used.then_some(config)
    }

    fn at(settings: &mut Settings, host: String, used: bool) -> Self {
        let (tls, ca_cert) = protection(settings);
        let (db, cluster) = database(settings);
        Self {
            host,
            port: settings.number_in("REDIS_PORT", 6379, 1..=u16::MAX, "port of Redis"),
            username: settings
                .optional("REDIS_USERNAME", "user of Redis; the default user where it is not set"),
            password: settings.secret_if(used, "REDIS_PASSWORD", "", "password of Redis; empty for none"),
            db,
            cluster,
            tls,
            ca_cert,
            key_prefix: key_prefix(settings),
            command_timeout: pause(settings, "REDIS_COMMAND_TIMEOUT", "2s", "time of one command"),
            connect_timeout: pause(settings, "REDIS_CONNECT_TIMEOUT", "3s", "time to connect"),
            pool_size: settings.number_in("REDIS_POOL_SIZE", 4, 1..=64, "connections to each node"),
            require_persistence: false,
        }
    }

    /// Where the server is, as people write it.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn protection(settings: &mut Settings) -> (bool, Option<PathBuf>) {
    let tls = settings.flag("REDIS_TLS", false, "whether connections to Redis are encrypted");
    let ca_cert = settings.optional(
        "REDIS_CA_CERT",
        "PEM file of the authority that signed the server; the system's where it is not set",
    );
    if ca_cert.is_some() && !tls {
        settings.refuse("REDIS_CA_CERT", "is of no use unless REDIS_TLS is true");
    }
    (tls, ca_cert.map(PathBuf::from))
}

fn database(settings: &mut Settings) -> (u8, bool) {
    let db = settings.number_in("REDIS_DB", 0_u16, 0..=15, "number of the Redis database");
    let cluster = settings.flag("REDIS_CLUSTER", false, "whether REDIS_HOST is a node of a cluster");
    if cluster && db != 0 {
        settings.refuse("REDIS_DB", "must be 0 where REDIS_CLUSTER is true: a cluster has no other database");
    }
    (u8::try_from(db).unwrap_or_default(), cluster)
}

fn key_prefix(settings: &mut Settings) -> String {
    let rule = "1 to 64 letters, digits or ._:-";
    let prefix = settings.parsed("REDIS_KEY_PREFIX", "shop", rule, "what all keys in Redis begin with");
    prefix.map_or_else(String::new, |Prefix(prefix)| prefix)
}

/// A millisecond is the least a server can tell, and nobody waits longer than a minute.
fn pause(settings: &mut Settings, name: &'static str, default: &str, description: &'static str) -> Duration {
    let limit = settings.duration(name, default, description);
    if limit.is_zero() || limit > Duration::from_mins(1) {
        settings.refuse(name, "must be 1ms to 1m");
    }
    limit
}

/// The prefix is part of the hash tag, so a brace in it would change which slot a key is in.
struct Prefix(String);

impl FromStr for Prefix {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
        let fits = !text.is_empty() && text.len() <= 64 && text.bytes().all(legal);
        fits.then(|| Self(text.to_owned())).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(storage: StorageHome, pairs: &[(&str, &str)]) -> Result<RedisConfig, Vec<String>> {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        let config = RedisConfig::declare(&mut settings, storage);
        settings.finish().map(|()| config).map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = read(StorageHome::Server, &[]).unwrap();
        assert_eq!((config.address().as_str(), config.db, config.pool_size), ("localhost:6379", 0, 4));
        assert_eq!((config.username, config.password.is_empty()), (None, true));
        assert_eq!((config.cluster, config.tls, config.ca_cert), (false, false, None));
        assert_eq!((config.key_prefix.as_str(), config.require_persistence), ("shop", false));
        let seconds = [config.command_timeout, config.connect_timeout].map(|limit| limit.as_secs());
        assert_eq!(seconds, [2, 3]);
    }

    #[test]
    fn every_wrong_value_is_named() {
        let wrong = [
            ("REDIS_PORT", "0"),
            ("REDIS_DB", "16"),
            ("REDIS_CLUSTER", "perhaps"),
            ("REDIS_CA_CERT", "/ca.pem"),
            ("REDIS_KEY_PREFIX", "a{b}"),
            ("REDIS_COMMAND_TIMEOUT", "0s"),
            ("REDIS_CONNECT_TIMEOUT", "2h"),
            ("REDIS_POOL_SIZE", "0"),
            ("REDIS_REQUIRE_PERSISTENCE", "perhaps"),
        ];
        let problems = read(StorageHome::Server, &wrong).unwrap_err();
        assert_eq!(problems.len(), wrong.len(), "{problems:?}");
        for (name, _) in wrong {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
    }

    #[test]
    fn a_cluster_has_one_database() {
        let cluster = ("REDIS_CLUSTER", "true");
        assert!(read(StorageHome::Server, &[cluster]).unwrap().cluster);
        let problems = read(StorageHome::Server, &[cluster, ("REDIS_DB", "1")]).unwrap_err();
        assert!(problems[0].starts_with("REDIS_DB"), "{problems:?}");
    }

    #[test]
    fn a_redis_that_is_not_needed_is_used_where_it_is_named() {
        let mut settings = Settings::from_pairs([("REDIS_PORT", "7000")]);
        assert!(RedisConfig::declare_optional(&mut settings, "a Redis").is_none());
        assert_eq!(settings.finish(), Ok(()));
        let mut settings = Settings::from_pairs([("REDIS_HOST", "redis"), ("REDIS_PORT", "7000")]);
        let config = RedisConfig::declare_optional(&mut settings, "a Redis").unwrap();
        assert_eq!((config.address().as_str(), config.require_persistence), ("redis:7000", false));
    }

    #[test]
    fn secrets_do_not_show() {
        let config = read(StorageHome::Server, &[("REDIS_PASSWORD", "hunter2")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
