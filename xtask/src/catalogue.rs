//! The processes of the system: names, ports and environment, as `docs/` promises them.
//!
//! A new service is a new line in [`SERVICES`] and, when others call it, in [`environment`].

use crate::failure::{Failure, Outcome};
use crate::home::Home;
use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr;

/// One process.
#[derive(Debug)]
pub(crate) struct Service {
    /// The context, and the name in logs and options.
    pub(crate) name: &'static str,
    /// The binary, which is also its crate.
    pub(crate) binary: &'static str,
    pub(crate) http: u16,
    pub(crate) grpc: Option<u16>,
}

/// In the order they are started; they are stopped the other way round, callers before those they call.
pub(crate) static SERVICES: [Service; 6] = [
    Service { name: "provider", binary: "provider-service", http: 8090, grpc: None },
    Service { name: "product", binary: "product-service", http: 8080, grpc: Some(50050) },
    Service { name: "basket", binary: "basket-service", http: 8081, grpc: Some(50051) },
    Service { name: "payment", binary: "payment-service", http: 8082, grpc: Some(50052) },
    Service { name: "notification", binary: "notification-service", http: 8084, grpc: None },
    Service { name: "gateway", binary: "gateway-service", http: 8083, grpc: None },
];

/// Where one service listens in this run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub(crate) service: &'static Service,
    pub(crate) http: u16,
    pub(crate) grpc: Option<u16>,
}

impl Address {
    /// The base URL for requests from this machine.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }
}

/// `product=18080` moves the HTTP port of a service, `product-grpc=15050` its gRPC port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortOverride {
    service: String,
    grpc: bool,
    port: u16,
}

impl FromStr for PortOverride {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || format!("`{text}` is not NAME=PORT, as in product=18080 or product-grpc=15050");
        let (name, port) = text.split_once('=').ok_or_else(shape)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(shape)?;
        let (service, grpc) = name.strip_suffix("-grpc").map_or((name, false), |service| (service, true));
        let known = find(service).map_err(|failure| failure.to_string())?;
        if grpc && known.grpc.is_none() {
            return Err(format!("{service} has no gRPC port"));
        }
        Ok(Self { service: service.to_owned(), grpc, port })
    }
}

/// The service of that name.
pub(crate) fn find(name: &str) -> Outcome<&'static Service> {
    let names = || SERVICES.each_ref().map(|service| service.name).join(", ");
    let unknown = || Failure::new(format!("there is no service `{name}`; there are {}", names()));
    SERVICES.iter().find(|service| service.name == name).ok_or_else(unknown)
}

/// Where all services listen.
pub(crate) fn addresses(overrides: &[PortOverride]) -> Vec<Address> {
    let moved = |service: &Service, grpc: bool| {
        let fits = |o: &&PortOverride| o.service == service.name && o.grpc == grpc;
        overrides.iter().rev().find(fits).map(|o| o.port)
    };
    let address = |service: &'static Service| Address {
        service,
        http: moved(service, false).unwrap_or(service.http),
        grpc: service.grpc.map(|port| moved(service, true).unwrap_or(port)),
    };
    SERVICES.iter().map(address).collect()
}

/// The variables one service is started with.
pub(crate) fn environment(of: &Address, all: &[Address], data: &Path, home: &Home) -> Vec<(String, String)> {
    let mut variables = vec![
        ("LOG_FORMAT", "text".to_owned()),
        ("PORT", of.http.to_string()),
        // The service stops by itself when its standard input closes, which happens even if we are killed.
        ("EXIT_WITH_PARENT", "1".to_owned()),
    ];
    if let Some(port) = of.grpc {
        variables.push(("GRPC_PORT", port.to_string()));
    }
    variables.extend(home.variables(of.service.name, data));
    variables.extend(peers(of.service.name, all));
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A text table of what runs where.
pub(crate) fn table(addresses: &[Address]) -> String {
    let mut text = format!("  {:<14}{:<30}{:<18}{}\n", "service", "HTTP", "gRPC", "API documentation");
    for address in addresses {
        let http = format!("http://localhost:{}", address.http);
        let grpc = address.grpc.map_or_else(|| "–".to_owned(), |port| format!("localhost:{port}"));
        let _ = writeln!(text, "  {:<14}{http:<30}{grpc:<18}{http}/docs", address.service.name);
    }
    text
}

fn peers(service: &str, all: &[Address]) -> Vec<(&'static str, String)> {
    let http =
        |name: &str| all.iter().find(|a| a.service.name == name).map_or_else(String::new, Address::url);
    let grpc = |name: &str| {
        let port = all.iter().find(|a| a.service.name == name).and_then(|a| a.grpc).unwrap_or_default();
        format!("127.0.0.1:{port}")
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
            ("BASKET_SERVICE_URLS", http("basket")),
            ("NOTIFICATION_SERVICE_URLS", http("notification")),
            ("PAYMENT_SERVICE_URLS", http("payment")),
            ("PRODUCT_SERVICE_URLS", http("product")),
            // All clients of this machine have one address: a limit would be for all of them together.
            ("RATE_LIMIT_ENABLED", "false".to_owned()),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(service: &str, name: &str, overrides: &[&str]) -> Option<String> {
        let overrides: Vec<PortOverride> = overrides.iter().map(|text| text.parse().unwrap()).collect();
        let all = addresses(&overrides);
        let of = all.iter().find(|address| address.service.name == service).unwrap();
        let variables = environment(of, &all, Path::new("data"), &Home::Embedded);
        variables.into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    #[test]
    fn ports_are_the_documented_ones() {
        assert_eq!(variable("gateway", "PORT", &[]).as_deref(), Some("8083"));
        assert_eq!(variable("payment", "GRPC_PORT", &[]).as_deref(), Some("50052"));
        assert_eq!(variable("notification", "GRPC_PORT", &[]), None);
    }

    #[test]
    fn no_port_is_used_twice() {
        let mut ports: Vec<u16> = SERVICES.iter().flat_map(|s| [Some(s.http), s.grpc]).flatten().collect();
        let count = ports.len();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), count);
    }

    #[test]
    fn callers_follow_a_moved_port() {
        let moved = ["product=18080", "product-grpc=15050"];
        assert_eq!(variable("product", "PORT", &moved).as_deref(), Some("18080"));
        assert_eq!(variable("basket", "PRODUCT_SERVICE_URL", &moved).as_deref(), Some("127.0.0.1:15050"));
        let urls = variable("gateway", "PRODUCT_SERVICE_URLS", &moved);
        assert_eq!(urls.as_deref(), Some("http://127.0.0.1:18080"));
    }

    #[test]
    fn a_wrong_override_says_what_is_wrong() {
        let refused = |text: &str| text.parse::<PortOverride>().unwrap_err();
        assert!(refused("product").contains("NAME=PORT"));
        assert!(refused("product=0").contains("NAME=PORT"));
        assert!(refused("product=99999").contains("NAME=PORT"));
        assert!(refused("shop=1").contains("there are provider, product"));
        assert_eq!(refused("gateway-grpc=1"), "gateway has no gRPC port");
    }

    #[test]
    fn the_table_names_every_service() {
        let text = table(&addresses(&[]));
        assert!(SERVICES.iter().all(|service| text.contains(service.name)));
        assert!(text.contains("http://localhost:8083/docs"));
    }
}
