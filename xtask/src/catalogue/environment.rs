//! What each process is told: its ports, its home, whose tokens count, and where the others are.

use super::Address;
use crate::home::Home;
use crate::identity::Development;
use std::path::Path;

/// The variables one process is started with.
pub(crate) fn environment(
    of: &Address,
    all: &[Address],
    data: &Path,
    home: &Home,
    issuer: &Development,
) -> Vec<(String, String)> {
    let service = of.service.name;
    let mut variables = vec![
        ("LOG_FORMAT", "text".to_owned()),
        // The service stops by itself when its standard input closes, which happens even if we are killed.
        ("EXIT_WITH_PARENT", "1".to_owned()),
    ];
    variables.extend(of.ports().map(|(port, number)| (port.variable(), number.to_string())));
    variables.extend(home.variables(service, data));
    variables.extend(issuer.variables_of(service));
    variables.extend(peers(service, all));
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn peers(service: &str, all: &[Address]) -> Vec<(&'static str, String)> {
    let of = |name: &'static str| all.iter().filter(move |address| address.service.name == name);
    let http = |name| of(name).next().map_or_else(String::new, Address::url);
    let grpc = |name| format!("127.0.0.1:{}", of(name).find_map(|address| address.grpc).unwrap_or_default());
    // Callers know one process of a service, the gateway all.
    let each = |name| of(name).map(Address::url).collect::<Vec<_>>().join(",");
    let each_grpc = |name| {
        let urls = of(name).filter_map(|address| Some(format!("http://127.0.0.1:{}", address.grpc?)));
        urls.collect::<Vec<_>>().join(",")
    };
    match service {
        "basket" => vec![("PRODUCT_SERVICE_URL", grpc("product"))],
        "payment" => vec![
            ("BASKET_SERVICE_URL", grpc("basket")),
            ("PRODUCT_SERVICE_URL", grpc("product")),
            ("PROVIDER_URL", http("provider")),
            ("PROVIDER_CALLBACK_URL", format!("{}/provider-callbacks", http("payment"))),
        ],
        "gateway" => vec![
            ("BASKET_SERVICE_URLS", each("basket")),
            ("NOTIFICATION_SERVICE_URLS", each("notification")),
            ("PAYMENT_SERVICE_URLS", each("payment")),
            ("PRODUCT_SERVICE_URLS", each("product")),
            ("BASKET_SERVICE_GRPC_URLS", each_grpc("basket")),
            ("PAYMENT_SERVICE_GRPC_URLS", each_grpc("payment")),
            ("PRODUCT_SERVICE_GRPC_URLS", each_grpc("product")),
            // All clients of this machine have one address: a limit would be for all of them together.
            ("RATE_LIMIT_ENABLED", "false".to_owned()),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PortOverride, SERVICES, Service, addresses, replicated, table};
    use super::*;

    fn variable(service: &str, name: &str, overrides: &[&str]) -> Option<String> {
        let overrides: Vec<PortOverride> = overrides.iter().map(|text| text.parse().unwrap()).collect();
        variable_among(&addresses(&overrides), service, name)
    }

    /// Of the process with that name.
    fn variable_among(all: &[Address], process: &str, name: &str) -> Option<String> {
        let data = tempfile::tempdir().unwrap();
        let issuer = Development::provide(data.path()).unwrap();
        let of = all.iter().find(|address| address.name() == process).unwrap();
        let variables = environment(of, all, data.path(), &Home::Embedded, &issuer);
        variables.into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    #[test]
    fn ports_are_the_documented_ones() {
        assert_eq!(variable("gateway", "PORT", &[]).as_deref(), Some("8083"));
        assert_eq!(variable("gateway", "GRPC_PORT", &[]).as_deref(), Some("50053"));
        assert_eq!(variable("gateway", "ADMIN_PORT", &[]).as_deref(), Some("9083"));
        assert_eq!(variable("payment", "GRPC_PORT", &[]).as_deref(), Some("50052"));
        assert_eq!(variable("notification", "GRPC_PORT", &[]), None);
        assert_eq!(variable("product", "ADMIN_PORT", &[]), None);
    }

    #[test]
    fn callers_follow_a_moved_port() {
        let moved = ["product=18080", "product-grpc=15050", "gateway-admin=19083"];
        assert_eq!(variable("product", "PORT", &moved).as_deref(), Some("18080"));
        assert_eq!(variable("basket", "PRODUCT_SERVICE_URL", &moved).as_deref(), Some("127.0.0.1:15050"));
        let urls = variable("gateway", "PRODUCT_SERVICE_URLS", &moved);
        assert_eq!(urls.as_deref(), Some("http://127.0.0.1:18080"));
        let urls = variable("gateway", "PRODUCT_SERVICE_GRPC_URLS", &moved);
        assert_eq!(urls.as_deref(), Some("http://127.0.0.1:15050"));
        assert_eq!(variable("gateway", "ADMIN_PORT", &moved).as_deref(), Some("19083"));
    }

    #[test]
    fn authentication_is_required_of_everybody() {
        for Service { name, .. } in &SERVICES {
            assert_eq!(variable(name, "AUTH_MODE", &[]).as_deref(), Some("required"), "{name}");
        }
        let file = variable("payment", "SERVICE_TOKEN_FILE", &[]).unwrap();
        assert!(file.ends_with("identity/payment.token"), "{file}");
    }

    #[test]
    fn the_gateway_knows_all_replicas_and_callers_the_first() {
        let all = replicated(&addresses(&[]), &["product=2".parse().unwrap()]).unwrap();
        let of = |process, name| variable_among(&all, process, name).unwrap();
        assert_eq!(of("gateway", "PRODUCT_SERVICE_URLS"), "http://127.0.0.1:8080,http://127.0.0.1:8180");
        assert_eq!(
            of("gateway", "PRODUCT_SERVICE_GRPC_URLS"),
            "http://127.0.0.1:50050,http://127.0.0.1:50150"
        );
        assert_eq!(of("gateway", "BASKET_SERVICE_URLS"), "http://127.0.0.1:8081");
        assert_eq!(of("basket", "PRODUCT_SERVICE_URL"), "127.0.0.1:50050");
        assert_eq!(of("product-2", "PORT"), "8180");
        assert!(table(&all).contains("product-2"));
    }
}
