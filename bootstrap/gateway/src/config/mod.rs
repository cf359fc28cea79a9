//! The gateway's variables: services here, and each part of the way between client and service in a file of its own.

mod admin;
mod balancing;
mod discovery;
mod grpc;
mod headers;
mod limit;
mod protection;
mod tls;
mod upstream;

use std::time::Duration;

pub(crate) use admin::Admin;
pub(crate) use discovery::Discovering;
use gateway_application::{
    BackendList, ServiceSettings, Settings as Services, commands::forward::ForwardSettings,
};
use gateway_http::Limits;
use gateway_proxy::{ProbeTarget, Timeouts};
use grpc::Grpc;
pub(crate) use headers::Browsers;
pub(crate) use limit::{RateLimit, SharedLimit};
use platform_identity::IdentitySettings;
use platform_runtime::{CommonConfig, Configuration, Settings};
pub(crate) use tls::TlsFiles;

/// What the gateway is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service is told.
    pub common: CommonConfig,
    /// Whose word on callers is believed.
    pub identity: IdentitySettings,
    /// The certificates.
    pub tls: TlsFiles,
    /// What browsers are told.
    pub browsers: Browsers,
    /// The services, where they run, and how requests are spread over them.
    pub services: Services,
    /// gRPC.
    pub grpc: Grpc,
    /// How backends are asked for their health.
    pub probe: ProbeTarget,
    /// How long backends may take.
    pub timeouts: Timeouts,
    /// Whose word counts, and what is sent again.
    pub forward: ForwardSettings,
    /// What a client may send.
    pub rate: RateLimit,
    /// What a request may bring along.
    pub limits: Limits,
    /// The most requests at once, those that wait included.
    pub most: usize,
    /// Operators.
    pub admin: Admin,
    /// Where backends are found.
    pub discovery: Discovering,
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
        let identity = IdentitySettings::declare(settings, common.environment);
        let services = Services {
            product: service(settings, PRODUCT),
            basket: service(settings, BASKET),
            payment: service(settings, PAYMENT),
            notification: service(settings, NOTIFICATION),
            balancing: balancing::declare(settings),
        };
        let grpc = grpc::declare(settings, &services);
        let timeouts = upstream::timeouts(settings);
        Self {
            common,
            identity,
            tls: tls::declare(settings),
            browsers: headers::declare(settings),
            services,
            grpc,
            probe: balancing::probe(settings),
            timeouts,
            forward: protection::forward(settings),
            rate: limit::rate(settings),
            limits: protection::limits(settings, timeouts.whole),
            most: settings.number_in(
                "MAX_IN_FLIGHT",
                4_096,
                1..=1_000_000,
                "requests at once, those that wait for a backend included; more are answered 503",
            ),
            admin: admin::declare(settings),
            discovery: discovery::declare(settings),
        }
    }

    fn common(&self) -> &CommonConfig {
        &self.common
    }
}

fn service(settings: &mut Settings, (enabled, urls, default): Names) -> ServiceSettings {
    let enabled = settings.flag(enabled, true, "whether the service's routes are served");
    let rule = "http://host:port, https://host:port, dns://name:port or dns+https://name:port, perhaps followed by \
                ;weight=1 to ;weight=1000, or srv://_http._tcp.name or srv+https://_https._tcp.name, those over TLS \
                perhaps followed by ;server_name=name, each once, separated by commas";
    let about = "the service's backends, with their weights for all strategies but round_robin";
    let backends = settings.parsed::<BackendList>(urls, default, rule, about).unwrap_or_default();
    ServiceSettings { enabled, backends }
}

/// A time in which something can happen.
fn time(settings: &mut Settings, name: &'static str, default: &str, about: &'static str) -> Duration {
    let time = settings.duration(name, default, about);
    if time.is_zero() {
        settings.refuse(name, "must be longer than nothing");
    }
    time
}

#[cfg(test)]
mod tests {
    use gateway_application::BalancingSettings;

    use super::*;

    fn problems(pairs: &[(&'static str, &'static str)]) -> String {
        let mut settings = Settings::from_pairs(pairs.iter().copied());
        Config::declare(&mut settings);
        settings.finish().err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let mut settings = Settings::from_pairs([("AUTH_MODE", "off")]);
        let config = Config::declare(&mut settings);
        assert_eq!(settings.finish(), Ok(()));
        assert_eq!(config.common.port, 8080);
        assert_eq!(config.services.basket.backends.to_string(), "http://basket-service:8081;weight=1");
        assert_eq!(config.limits.body, 1_048_576);
        let quota = config.rate.quota.unwrap();
        assert_eq!((quota.interval(), quota.burst()), (Duration::from_millis(600), 10));
        let BalancingSettings { enabled, strategy, member, .. } = config.services.balancing;
        assert_eq!((enabled, strategy.name()), (true, "round_robin"));
        let breaker = member.breaker.unwrap();
        assert_eq!((breaker.interval, breaker.timeout), (Duration::from_mins(1), Duration::from_secs(30)));
        assert_eq!(breaker.max_requests.get(), 10);
    }

    #[test]
    fn parts_can_be_switched_off() {
        let off = [
            "CIRCUIT_BREAKER_ENABLED",
            "LOAD_BALANCER_ENABLED",
            "OUTLIER_ENABLED",
            "RETRY_ENABLED",
            "RATE_LIMIT_ENABLED",
        ];
        let off = off.map(|name| (name, "false")).into_iter().chain([("AUTH_MODE", "off")]);
        let mut settings = Settings::from_pairs(off);
        let config = Config::declare(&mut settings);
        assert_eq!(settings.finish(), Ok(()));
        let BalancingSettings { enabled, member, .. } = config.services.balancing;
        assert!(!enabled && member.breaker.is_none() && member.outliers.is_none());
        assert!(config.forward.retries.is_none() && config.rate.quota.is_none());
    }

    #[test]
    fn nobody_is_let_in_unasked_unless_that_is_said() {
        for variable in ["AUTH_ISSUER", "AUTH_AUDIENCE", "AUTH_JWKS_FILE"] {
            assert!(problems(&[]).contains(variable), "{variable}");
        }
        assert_eq!(problems(&[("AUTH_MODE", "off")]), "");
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
            ("HEALTH_CHECK_INTERVAL", "0s"),
            ("HEALTH_CHECK_PATH", "ready"),
            ("RETRY_BUDGET", "101"),
            ("TRUSTED_PROXIES", "10.0.0.0/33"),
            ("RATE_LIMIT_WINDOW", "x"),
        ];
        let problems = problems(&wrong);
        for (variable, _) in wrong {
            assert!(problems.contains(variable), "{problems}");
        }
    }
}
