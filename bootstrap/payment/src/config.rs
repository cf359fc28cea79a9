//! The environment of the payment service.

use platform_events::EventsConfig;
use platform_identity::IdentitySettings;
use platform_mariadb::MariaDbConfig;
use platform_runtime::{CommonConfig, Configuration, HomeConfig, Secret, Settings};

/// What the service is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service is told.
    pub common: CommonConfig,
    /// Whose tokens are believed, and the service's own.
    pub identity: IdentitySettings,
    /// Where the state is kept.
    pub home: HomeConfig,
    /// Where events go.
    pub events: EventsConfig,
    /// The gRPC port; 0 takes a free one.
    pub grpc_port: u16,
    /// The database of the server home.
    pub db: MariaDbConfig,
    /// The basket service, `host:port` for gRPC.
    pub basket_service: String,
    /// The product service, `host:port` for gRPC.
    pub product_service: String,
    /// The payment provider's HTTP API.
    pub provider_url: String,
    /// Where the provider is asked to call back; nowhere where absent.
    pub callback_url: Option<String>,
    /// What the provider signs its callbacks with.
    pub callback_secret: Secret,
}

impl Configuration for Config {
    fn declare(settings: &mut Settings) -> Self {
        let common = CommonConfig::declare(settings, 8082);
        let home = HomeConfig::declare(settings);
        Self {
            identity: IdentitySettings::declare_caller(settings, common.environment),
            common,
            grpc_port: settings.number("GRPC_PORT", 50052, "gRPC port; 0 takes a free one"),
            db: MariaDbConfig::declare(settings, home.storage, "payment", "payment_service"),
            events: EventsConfig::declare(settings, &home, "payment-service"),
            home,
            basket_service: settings.address(
                "BASKET_SERVICE_URL",
                "localhost:50051",
                "gRPC address of the basket service",
            ),
            product_service: settings.address(
                "PRODUCT_SERVICE_URL",
                "localhost:50050",
                "gRPC address of the product service",
            ),
            provider_url: settings.url(
                "PROVIDER_URL",
                "http://localhost:8090",
                "HTTP API of the payment provider",
            ),
            callback_url: settings.optional_url(
                "PROVIDER_CALLBACK_URL",
                "where the provider calls back: this service's /provider-callbacks",
            ),
            callback_secret: settings.secret(
                "PROVIDER_CALLBACK_SECRET",
                "sandbox-secret",
                "what the provider signs its callbacks with",
            ),
        }
    }

    fn common(&self) -> &CommonConfig {
        &self.common
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let open = [("AUTH_MODE", "off")];
        read_guarded(&[&open, pairs].concat())
    }

    fn read_guarded(pairs: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let home = [("STORAGE", "embedded"), ("EVENTS", "embedded"), ("DATA_DIR", "/data")];
        let mut settings = Settings::from_pairs(home.into_iter().chain(pairs.iter().copied()));
        let config = Config::declare(&mut settings);
        settings.finish().map(|()| config).map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = read(&[]).unwrap();
        assert_eq!((config.common.port, config.grpc_port, config.db.port), (8082, 50052, 3306));
        assert_eq!((config.db.user.as_str(), config.db.name.as_str()), ("payment", "payment_service"));
        assert_eq!(config.basket_service, "localhost:50051");
        assert_eq!(config.product_service, "localhost:50050");
        assert!(config.provider_url.starts_with("http://localhost:8090"));
        assert_eq!(config.callback_url, None);
    }

    #[test]
    fn callers_are_asked_who_they_are_unless_that_is_switched_off() {
        let named = |pairs: &[(&str, &str)], name: &str| {
            read_guarded(pairs).unwrap_err().iter().any(|problem| problem.starts_with(name))
        };
        for name in ["AUTH_JWKS_FILE", "AUTH_ISSUER", "AUTH_AUDIENCE"] {
            assert!(named(&[], name), "{name}");
        }
        let told = [
            ("AUTH_JWKS_FILE", "/keys/jwks.json"),
            ("AUTH_ISSUER", "https://issuer.test"),
            ("AUTH_AUDIENCE", "shop"),
            ("SERVICE_TOKEN_FILE", "/keys/payment.token"),
        ];
        assert!(named(&told[..3], "SERVICE_TOKEN_FILE"));
        assert!(read_guarded(&told).unwrap().identity.service_token(&platform_telemetry::silent()).is_some());
    }

    #[test]
    fn every_wrong_value_is_named() {
        let wrong = [
            ("GRPC_PORT", "x"),
            ("DB_PORT", "0"),
            ("DB_SSL_MODE", "perhaps"),
            ("BASKET_SERVICE_URL", "nowhere"),
            ("PROVIDER_URL", "ftp"),
        ];
        let problems = read(&wrong).unwrap_err();
        assert_eq!(problems.len(), wrong.len(), "{problems:?}");
    }

    #[test]
    fn production_refuses_the_default_secrets() {
        let production = ("ENVIRONMENT", "production");
        let problems = read(&[production]).unwrap_err();
        let only = problems.len() == 1 && problems[0].starts_with("PROVIDER_CALLBACK_SECRET");
        assert!(only, "a database that is not used needs no password: {problems:?}");
        let problems = read(&[production, ("STORAGE", "server")]).unwrap_err();
        for name in ["DB_PASSWORD", "PROVIDER_CALLBACK_SECRET"] {
            assert!(problems.iter().any(|problem| problem.starts_with(name)), "{name}: {problems:?}");
        }
    }
}
