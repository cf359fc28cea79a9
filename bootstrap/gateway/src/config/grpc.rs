//! gRPC: a port of its own, and backends of its own. Everything else is as for HTTP.

use gateway_application::{BackendList, ServiceSettings, Settings as Services, commands::call::CallSettings};
use platform_runtime::Settings;

use crate::Config;

/// What the gateway is told of gRPC.
#[derive(Clone, Debug)]
pub struct Grpc {
    /// Whether it is served.
    pub enabled: bool,
    /// Where.
    pub port: u16,
    /// The most connections of clients at once.
    pub connections: usize,
    /// The services, and where they answer gRPC.
    pub services: Services,
}

impl Config {
    /// How calls are passed on: as requests are, a message being what a body is there.
    pub(crate) fn calls(&self) -> CallSettings {
        CallSettings {
            forward: self.forward.clone(),
            first_byte: self.timeouts.first_byte,
            whole: self.timeouts.whole,
            longest_message: u32::try_from(self.limits.body).unwrap_or(u32::MAX),
        }
    }
}

/// A service's variable, and where it runs by default.
type Names = (&'static str, &'static str);

const PRODUCT: Names = ("PRODUCT_SERVICE_GRPC_URLS", "http://product-service:50050");
const BASKET: Names = ("BASKET_SERVICE_GRPC_URLS", "http://basket-service:50051");
const PAYMENT: Names = ("PAYMENT_SERVICE_GRPC_URLS", "http://payment-service:50052");

/// The services that are switched on for HTTP are for gRPC too, and are balanced alike.
pub(super) fn declare(settings: &mut Settings, http: &Services) -> Grpc {
    let enabled = settings.flag("GRPC_ENABLED", true, "whether gRPC and gRPC-Web are served");
    let port = settings.number("GRPC_PORT", 50053, "gRPC port; 0 takes a free one");
    let about = "connections of gRPC clients at once; more wait until one is closed";
    let connections = settings.number_in("GRPC_MAX_CONNECTIONS", 10_000, 1..=1_000_000, about);
    let services = Services {
        product: service(settings, PRODUCT, &http.product),
        basket: service(settings, BASKET, &http.basket),
        payment: service(settings, PAYMENT, &http.payment),
        notification: ServiceSettings { enabled: false, backends: BackendList::default() },
        balancing: http.balancing,
    };
    Grpc { enabled, port, connections, services }
}

fn service(settings: &mut Settings, (urls, default): Names, http: &ServiceSettings) -> ServiceSettings {
    let rule = "http://host:port, https://host:port, dns://name:port or dns+https://name:port, perhaps followed by \
                ;weight=1 to ;weight=1000, or srv://_grpc._tcp.name or srv+https://_grpc._tcp.name, those over TLS \
                perhaps followed by ;server_name=name, each once, separated by commas";
    let about = "where the service answers gRPC, with weights as for HTTP";
    let backends = settings.parsed::<BackendList>(urls, default, rule, about).unwrap_or_default();
    ServiceSettings { enabled: http.enabled, backends }
}

#[cfg(test)]
mod tests {
    use platform_runtime::Configuration;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Grpc, Vec<String>> {
        let mut settings =
            Settings::from_pairs([("AUTH_MODE", "off")].into_iter().chain(pairs.iter().copied()));
        let config = Config::declare(&mut settings);
        settings.finish().map(|()| config.grpc).map_err(|error| error.problems().to_vec())
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let Grpc { enabled, port, services, .. } = read(&[]).unwrap();
        assert_eq!((enabled, port), (true, 50053));
        for (service, backends) in [
            (services.product, "http://product-service:50050;weight=1"),
            (services.basket, "http://basket-service:50051;weight=1"),
            (services.payment, "http://payment-service:50052;weight=1"),
        ] {
            assert_eq!((service.enabled, service.backends.to_string().as_str()), (true, backends));
        }
        assert!(!services.notification.enabled);
    }

    #[test]
    fn a_service_that_is_switched_off_is_off_for_both() {
        let services = read(&[("BASKET_SERVICE_ENABLED", "false")]).unwrap().services;
        assert_eq!((services.basket.enabled, services.product.enabled), (false, true));
    }

    #[test]
    fn backends_are_listed_as_for_http() {
        for list in [
            "http://a:1,https://b:1;weight=2",
            "dns://a:1;weight=2",
            "http://a:1,srv://_grpc._tcp.b",
            "dns+https://a:1,srv+https://_grpc._tcp.b;server_name=c",
        ] {
            assert!(read(&[("PRODUCT_SERVICE_GRPC_URLS", list)]).is_ok(), "{list}");
        }
        for list in ["product:50050", "dns://a", "http://a:1,http://a:1"] {
            let problems = read(&[("PRODUCT_SERVICE_GRPC_URLS", list)]).unwrap_err();
            assert!(
                problems.len() == 1 && problems[0].contains("PRODUCT_SERVICE_GRPC_URLS"),
                "{list}: {problems:?}"
            );
        }
    }
}
