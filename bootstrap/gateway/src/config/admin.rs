//! The operators' port, where their changes are kept, and what they are shown of the configuration.

use std::{collections::BTreeMap, path::PathBuf};

use gateway_application::{BalancingSettings, policy::Quota};
use platform_runtime::Settings;

use crate::Config;

/// What the gateway is told of its operators.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Their port; `None` for none.
    pub port: Option<u16>,
    /// Where their changes are kept; `None` for as long as the process runs.
    pub state_file: Option<PathBuf>,
}

pub(super) fn declare(settings: &mut Settings) -> Admin {
    let about = "whether there is a port for operators";
    let enabled = settings.flag("ADMIN_ENABLED", true, about);
    let about = "port for operators, who need a token with the role admin; 0 takes a free one";
    let port = settings.number("ADMIN_PORT", 9083, about);
    let about = "file in which operators' changes outlast the process; its folder must exist";
    let state_file = settings.optional("GATEWAY_STATE_FILE", about).map(PathBuf::from);
    Admin { port: enabled.then_some(port), state_file }
}

impl Config {
    /// What operators are shown: what decides how requests are treated, by variable. Nothing in it is a secret.
    pub(crate) fn shown(&self) -> BTreeMap<&'static str, String> {
        let BalancingSettings { enabled, strategy, roster, member, queue, .. } = self.services.balancing;
        let quota = |show: fn(Quota) -> String| self.rate.quota.map_or_else(|| "-".to_owned(), show);
        let file =
            |path: &Option<PathBuf>| path.as_ref().map_or("-".to_owned(), |path| path.display().to_string());
        let breaker = member.breaker.map_or_else(
            || "off".to_owned(),
            |breaker| format!("{}% of {} calls", breaker.failure_rate.percent(), breaker.minimum_calls),
        );
        BTreeMap::from([
            ("PORT", self.common.port.to_string()),
            ("PRODUCT_SERVICE_URLS", self.services.product.backends.to_string()),
            ("BASKET_SERVICE_URLS", self.services.basket.backends.to_string()),
            ("PAYMENT_SERVICE_URLS", self.services.payment.backends.to_string()),
            ("NOTIFICATION_SERVICE_URLS", self.services.notification.backends.to_string()),
            ("PRODUCT_SERVICE_GRPC_URLS", self.grpc.services.product.backends.to_string()),
            ("BASKET_SERVICE_GRPC_URLS", self.grpc.services.basket.backends.to_string()),
            ("PAYMENT_SERVICE_GRPC_URLS", self.grpc.services.payment.backends.to_string()),
            ("LOAD_BALANCER_ENABLED", enabled.to_string()),
            ("LOAD_BALANCER_STRATEGY", strategy.name().to_owned()),
            ("LOAD_BALANCER_SLOW_START", format!("{}ms", roster.slow_start.as_millis())),
            ("HEALTH_CHECK_INTERVAL", format!("{}ms", roster.probes.interval.as_millis())),
            ("CIRCUIT_BREAKER_FAILURE_RATE", breaker),
            ("UPSTREAM_MAX_IN_FLIGHT", member.limits.in_flight.to_string()),
            ("UPSTREAM_MAX_WAITING", member.limits.waiting.to_string()),
            ("UPSTREAM_QUEUE_TIMEOUT", format!("{}ms", queue.as_millis())),
            ("MAX_IN_FLIGHT", self.most.to_string()),
            ("MAX_BODY_BYTES", self.limits.body.to_string()),
            ("RATE_LIMIT_ENABLED", self.rate.quota.is_some().to_string()),
            ("RATE_LIMIT_REQUESTS", quota(|quota| quota.requests().to_string())),
            ("RATE_LIMIT_WINDOW", quota(|quota| format!("{}ms", quota.window().as_millis()))),
            ("RATE_LIMIT_BURST", quota(|quota| quota.burst().to_string())),
            ("GATEWAY_STATE_FILE", file(&self.admin.state_file)),
            ("DISCOVERY_FILE", file(&self.discovery.file)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use platform_runtime::Configuration;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Config {
        Config::declare(&mut Settings::from_pairs(pairs.iter().copied()))
    }

    #[test]
    fn there_is_a_port_unless_it_is_switched_off() {
        assert_eq!((read(&[]).admin.port, read(&[]).admin.state_file), (Some(9083), None));
        assert_eq!(read(&[("ADMIN_ENABLED", "false")]).admin.port, None);
        let kept = read(&[("ADMIN_PORT", "0"), ("GATEWAY_STATE_FILE", "/tmp/state.json")]).admin;
        assert_eq!((kept.port, kept.state_file), (Some(0), Some(PathBuf::from("/tmp/state.json"))));
    }

    #[test]
    fn what_is_shown_is_named_as_it_is_set() {
        let shown =
            read(&[("RATE_LIMIT_BURST", "7"), ("PRODUCT_SERVICE_URLS", "http://a:1,dns://b:2")]).shown();
        assert_eq!(shown["PRODUCT_SERVICE_URLS"], "http://a:1;weight=1,dns://b:2;weight=1");
        assert_eq!((shown["RATE_LIMIT_BURST"].as_str(), shown["DISCOVERY_FILE"].as_str()), ("7", "-"));
        let mut settings = Settings::from_pairs([]);
        Config::declare(&mut settings);
        for name in shown.keys() {
            let variable = settings.variables().iter().find(|variable| variable.name == *name);
            assert!(variable.is_some_and(|variable| !variable.secret), "{name}");
        }
    }
}
