//! The environment of the basket service.

use std::{str::FromStr, time::Duration};

use platform_events::EventsConfig;
use platform_identity::IdentitySettings;
use platform_redis::RedisConfig;
use platform_runtime::{CommonConfig, Configuration, HomeConfig, Settings, duration};

/// What the service is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service is told.
    pub common: CommonConfig,
    /// Where the state is kept.
    pub home: HomeConfig,
    /// Where events come from.
    pub events: EventsConfig,
    /// Whose word is taken for who calls, and what this service says of itself.
    pub identity: IdentitySettings,
    /// The gRPC port; 0 takes a free one.
    pub grpc_port: u16,
    /// The Redis of the server home.
    pub redis: RedisConfig,
    /// The product service, `host:port` for gRPC.
    pub product_service: String,
    /// How long a basket lives after its last change.
    pub basket_ttl: Duration,
}

/// A longer life than a year is more likely a typing error than a wish.
const LONGEST_LIFE: Duration = Duration::from_hours(365 * 24);

impl Configuration for Config {
    fn declare(settings: &mut Settings) -> Self {
        let common = CommonConfig::declare(settings, 8081);
        let environment = common.environment;
        let home = HomeConfig::declare(settings);
        Self {
            common,
            grpc_port: settings.number("GRPC_PORT", 50051, "gRPC port; 0 takes a free one"),
            redis: RedisConfig::declare(settings, home.storage),
            product_service: settings.address(
                "PRODUCT_SERVICE_URL",
                "localhost:50050",
                "gRPC address of the product service",
            ),
            basket_ttl: basket_ttl(settings),
            events: EventsConfig::declare(settings, &home, "basket-service"),
            identity: IdentitySettings::declare_caller(settings, environment),
            home,
        }
    }

    fn common(&self) -> &CommonConfig {
        &self.common
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

    const HOME: [(&str, &str); 3] = [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", "/data")];
    const ANYBODY: (&str, &str) = ("AUTH_MODE", "off");

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        declared(&[&[ANYBODY], pairs].concat())
    }

    fn declared(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let mut settings = Settings::from_pairs(HOME.iter().chain(pairs).copied());
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
    fn callers_are_asked_who_they_are_unless_that_is_switched_off() {
        let trust = [("AUTH_JWKS_FILE", "/jwks"), ("AUTH_ISSUER", "issuer"), ("AUTH_AUDIENCE", "shop")];
        let problems = declared(&[]).unwrap_err();
        for (name, _) in trust {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
        let problems = declared(&trust).unwrap_err();
        assert!(problems[0].starts_with("SERVICE_TOKEN_FILE"), "the product service asks too: {problems:?}");
        assert!(declared(&[ANYBODY]).is_ok());
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
