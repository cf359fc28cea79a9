//! The gateway's variables.

use gateway_application::{BackendList, ServiceSettings, Settings as Services};
use gateway_proxy::Timeouts;
use platform_runtime::{CommonConfig, Configuration, Settings};

/// What the gateway is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service is told.
    pub common: CommonConfig,
    /// The services and where they run.
    pub services: Services,
    /// How long backends may take.
    pub timeouts: Timeouts,
    /// The longest body of a request, in bytes.
    pub body_limit: u64,
}

/// A service's variables: whether, where, and where by default.
type Names = (&'static str, &'static str, &'static str);

const PRODUCT: Names = ("PRODUCT_SERVICE_ENABLED", "PRODUCT_SERVICE_URLS", "http://product-service:8080");
const BASKET: Names = ("BASKET_SERVICE_ENABLED", "BASKET_SERVICE_URLS", "http://basket-service:8081");
const PAYMENT: Names = ("PAYMENT_SERVICE_ENABLED", "PAYMENT_SERVICE_URLS", "http://payment-service:8082");
const NOTIFICATION: Names =
    ("NOTIFICATION_SERVICE_ENABLED", "NOTIFICATION_SERVICE_URLS", "http://notification-service:8084");

impl Configuration for Config {
    fn declare(settings: &mut Settings) -> Self {
        let common = CommonConfig::declare(settings, 8080);
        let services = Services {
            product: service(settings, PRODUCT),
            basket: service(settings, BASKET),
            payment: service(settings, PAYMENT),
            notification: service(settings, NOTIFICATION),
        };
        let config = Self {
            common,
            services,
            timeouts: timeouts(settings),
            body_limit: settings.number("MAX_BODY_BYTES", 1024 * 1024, "the longest body of a request"),
        };
        declare_reserved(settings);
        config
    }

    fn common(&self) -> &CommonConfig {
        &self.common
    }
}

fn service(settings: &mut Settings, (enabled, urls, default): Names) -> ServiceSettings {
    let enabled = settings.flag(enabled, true, "whether the service's routes are served");
    let rule =
        "http://host:port, perhaps followed by ;weight=1 to ;weight=1000, each once, separated by commas";
    let about =
        "the service's backends; requests go round them, weights are reserved for weighted strategies";
    let backends = settings.parsed::<BackendList>(urls, default, rule, about).unwrap_or_default();
    ServiceSettings { enabled, backends }
}

fn timeouts(settings: &mut Settings) -> Timeouts {
    Timeouts {
        connect: settings.duration("UPSTREAM_CONNECT_TIMEOUT", "2s", "until a backend accepts a connection"),
        first_byte: settings.duration(
            "UPSTREAM_FIRST_BYTE_TIMEOUT",
            "20s",
            "until a backend begins to answer",
        ),
        whole: settings.duration(
            "UPSTREAM_TIMEOUT",
            "60s",
            "until an answer is complete; event streams excepted",
        ),
    }
}

/// Checks the variables of what this build does not do yet, so that wrong values show now and not after an update.
fn declare_reserved(settings: &mut Settings) {
    settings.flag(
        "CIRCUIT_BREAKER_ENABLED",
        true,
        "reserved, without effect in this build: breaker per backend",
    );
    settings.number_in(
        "CIRCUIT_BREAKER_MAX_REQUESTS",
        10_u32,
        1..=10_000,
        "reserved: trials while half open",
    );
    settings.duration("CIRCUIT_BREAKER_INTERVAL", "60", "reserved: the rolling window");
    settings.duration("CIRCUIT_BREAKER_TIMEOUT", "30", "reserved: how long it stays open");
    settings.flag(
        "LOAD_BALANCER_ENABLED",
        true,
        "reserved, without effect in this build: choice among strategies",
    );
    let strategies = [("round_robin", ()), ("least_connections", ()), ("weighted_round_robin", ())];
    let about = "reserved: this build always goes round the backends";
    settings.choice("LOAD_BALANCER_STRATEGY", "round_robin", &strategies, about);
    settings.flag("RATE_LIMIT_ENABLED", true, "reserved, without effect in this build: limit per client");
    settings.number_in("RATE_LIMIT_REQUESTS", 100_u32, 1..=1_000_000, "reserved: requests per window");
    settings.duration("RATE_LIMIT_WINDOW", "1m", "reserved: the window");
    settings.number_in("RATE_LIMIT_BURST", 10_u32, 1..=1_000_000, "reserved: requests at once");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(pairs: &[(&'static str, &'static str)]) -> String {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        Config::declare(&mut settings);
        settings.finish().err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let mut settings = Settings::from_pairs([]);
        let config = Config::declare(&mut settings);
        assert_eq!(settings.finish(), Ok(()));
        assert_eq!(config.common.port, 8080);
        assert_eq!(config.services.basket.backends.to_string(), "http://basket-service:8081;weight=1");
        assert_eq!(config.body_limit, 1_048_576);
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let wrong = [
            ("PRODUCT_SERVICE_URLS", "http://a;weight=0"),
            ("BASKET_SERVICE_URLS", "basket"),
            ("PAYMENT_SERVICE_ENABLED", "maybe"),
            ("UPSTREAM_TIMEOUT", "soon"),
            ("CIRCUIT_BREAKER_MAX_REQUESTS", "0"),
            ("LOAD_BALANCER_STRATEGY", "random"),
            ("RATE_LIMIT_WINDOW", "x"),
        ];
        let problems = problems(&wrong);
        for (variable, _) in wrong {
            assert!(problems.contains(variable), "{problems}");
        }
    }
}
