//! The environment of the basket service.

use std::{path::PathBuf, str::FromStr, time::Duration};

use platform_runtime::{CommonConfig, Configuration, HomeConfig, Secret, Settings, StorageHome, duration};

/// What the service is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service is told.
    pub common: CommonConfig,
    /// The folder of the embedded home.
    pub data_dir: PathBuf,
    /// The gRPC port; 0 takes a free one.
    pub grpc_port: u16,
    /// The Redis of the server home.
    pub redis: RedisConfig,
    /// The product service, `host:port` for gRPC.
    pub product_service: String,
    /// How long a basket lives after its last change.
    pub basket_ttl: Duration,
}

/// Where Redis is. Checked at every start, used where the store is a server.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The password; none where it is empty.
    pub password: Secret,
    /// The database's number.
    pub db: u16,
}

/// A longer life than a year is more likely a typing error than a wish.
const LONGEST_LIFE: Duration = Duration::from_hours(365 * 24);

impl Configuration for Config {
    fn declare(settings: &mut Settings) -> Self {
        let common = CommonConfig::declare(settings, 8081);
        let home = HomeConfig::declare(settings);
        Self {
            common,
            data_dir: home.embedded_only(settings),
            grpc_port: settings.number("GRPC_PORT", 50051, "gRPC port; 0 takes a free one"),
            redis: RedisConfig::declare(settings, home.storage),
            product_service: settings.address(
                "PRODUCT_SERVICE_URL",
                "localhost:50050",
                "gRPC address of the product service",
            ),
            basket_ttl: basket_ttl(settings),
        }
    }

    fn common(&self) -> &CommonConfig {
        &self.common
    }
}

impl RedisConfig {
    fn declare(settings: &mut Settings, storage: StorageHome) -> Self {
        Self {
            host: settings.text("REDIS_HOST", "localhost", "host of Redis, for STORAGE=server"),
            port: settings.number_in("REDIS_PORT", 6379, 1..=u16::MAX, "port of Redis"),
            password: settings.secret_if(
                storage == StorageHome::Server,
                "REDIS_PASSWORD",
                "",
                "password of Redis; empty for none",
            ),
            db: settings.number_in("REDIS_DB", 0, 0..=15, "number of the Redis database"),
        }
    }
}

fn basket_ttl(settings: &mut Settings) -> Duration {
    let rule = "a time above 0s and up to a year, such as 30m or 24h";
    let ttl = settings.parsed("BASKET_TTL", "24h", rule, "how long a basket lives after its last change");
    ttl.map_or(LONGEST_LIFE, |Life(ttl)| ttl)
}

/// A time a basket may live.
struct Life(Duration);

impl FromStr for Life {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        duration(text).filter(|life| !life.is_zero() && *life <= LONGEST_LIFE).map(Self).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let home = [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", "/data")];
        let mut settings = Settings::from_pairs(home.into_iter().chain(pairs.iter().copied()));
        let config = Config::declare(&mut settings);
        settings.finish().map(|()| config).map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = read(&[]).unwrap();
        assert_eq!((config.common.port, config.grpc_port), (8081, 50051));
        assert_eq!((config.redis.host.as_str(), config.redis.port, config.redis.db), ("localhost", 6379, 0));
        assert!(config.redis.password.is_empty());
        assert_eq!(config.product_service, "localhost:50050");
        assert_eq!(config.basket_ttl, Duration::from_hours(24));
    }

    #[test]
    fn production_asks_for_no_password_of_a_server_that_is_not_used() {
        assert!(read(&[("ENVIRONMENT", "production")]).is_ok());
    }

    #[test]
    fn every_wrong_value_is_named() {
        let wrong = [
            ("PORT", "http"),
            ("GRPC_PORT", "-1"),
            ("REDIS_PORT", "0"),
            ("REDIS_DB", "16"),
            ("PRODUCT_SERVICE_URL", "nowhere"),
            ("BASKET_TTL", "9999h"),
        ];
        let problems = read(&wrong).unwrap_err();
        assert_eq!(problems.len(), wrong.len(), "{problems:?}");
        for (name, _) in wrong {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
        for life in ["0s", "5y", "-1h"] {
            assert_eq!(read(&[("BASKET_TTL", life)]).unwrap_err().len(), 1, "{life}");
        }
    }
}
