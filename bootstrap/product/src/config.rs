//! The environment of the product service.

use platform_events::EventsConfig;
use platform_identity::IdentitySettings;
use platform_postgres::PgConfig;
use platform_runtime::{CommonConfig, Configuration, HomeConfig, Settings};

/// What the service is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service is told.
    pub common: CommonConfig,
    /// Where the state is kept.
    pub home: HomeConfig,
    /// Where events come from.
    pub events: EventsConfig,
    /// Whose word is taken for who calls.
    pub identity: IdentitySettings,
    /// The gRPC port; 0 takes a free one.
    pub grpc_port: u16,
    /// The database of the server home.
    pub db: PgConfig,
}

impl Configuration for Config {
    fn declare(settings: &mut Settings) -> Self {
        let common = CommonConfig::declare(settings, 8080);
        let environment = common.environment;
        let home = HomeConfig::declare(settings);
        Self {
            common,
            grpc_port: settings.number("GRPC_PORT", 50050, "gRPC port; 0 takes a free one"),
            db: PgConfig::declare(settings, home.storage, "product_service"),
            events: EventsConfig::declare(settings, &home, "product-service"),
            identity: IdentitySettings::declare(settings, environment),
            home,
        }
    }

    fn common(&self) -> &CommonConfig {
        &self.common
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
        assert_eq!((config.common.port, config.grpc_port), (8080, 50050));
        let db = config.db;
        assert_eq!((db.host.as_str(), db.port, db.user.as_str()), ("localhost", 5432, "postgres"));
        assert_eq!((db.password.expose(), db.name.as_str()), ("password", "product_service"));
        assert_eq!(config.events.kafka.brokers, ["localhost:9092"]);
    }

    #[test]
    fn every_wrong_value_is_named() {
        let wrong = [
            ("PORT", "http"),
            ("GRPC_PORT", "-1"),
            ("DB_PORT", "0"),
            ("DB_SSL_MODE", "maybe"),
            ("KAFKA_SECURITY_PROTOCOL", "hope"),
            ("SHOP_CURRENCY", "dollars"),
            ("LOG_LEVEL", "loud"),
        ];
        let problems = read(&wrong).unwrap_err();
        assert_eq!(problems.len(), wrong.len(), "{problems:?}");
        for (name, _) in wrong {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
    }

    #[test]
    fn callers_are_asked_who_they_are_unless_that_is_switched_off() {
        let problems = declared(&[]).unwrap_err();
        for name in ["AUTH_JWKS_FILE", "AUTH_ISSUER", "AUTH_AUDIENCE"] {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
        assert!(declared(&[ANYBODY]).is_ok());
    }

    #[test]
    fn the_default_password_stays_at_home() {
        let production = ("ENVIRONMENT", "production");
        assert!(read(&[production]).is_ok(), "no server, no password");
        let problems = read(&[production, ("STORAGE", "server")]).unwrap_err();
        assert!(problems.iter().any(|problem| problem.starts_with("DB_PASSWORD")), "{problems:?}");
    }
}
