//! The processes of the system: names, ports and environment, as `docs/` promises them.
//!
//! A new service is a new line in [`SERVICES`] and, when others call it, in `environment`.

mod environment;
mod port;
mod replicas;

use crate::failure::{Failure, Outcome};
pub(crate) use environment::environment;
pub(crate) use port::{Port, PortOverride};
pub(crate) use replicas::{Replicas, STRIDE, replicated};
use std::fmt::Write as _;

/// One process.
#[derive(Debug)]
pub(crate) struct Service {
    /// The context, and the name in logs and options.
    pub(crate) name: &'static str,
    /// The binary, which is also its crate.
    pub(crate) binary: &'static str,
    pub(crate) http: u16,
    pub(crate) grpc: Option<u16>,
    pub(crate) admin: Option<u16>,
}

impl Service {
    /// The usual number of that port.
    const fn port(&self, port: Port) -> Option<u16> {
        match port {
            Port::Http => Some(self.http),
            Port::Grpc => self.grpc,
            Port::Admin => self.admin,
        }
    }
}

/// In the order they are started; they are stopped the other way round, callers before those they call.
pub(crate) static SERVICES: [Service; 6] = [
    Service { name: "provider", binary: "provider-service", http: 8090, grpc: None, admin: None },
    Service { name: "product", binary: "product-service", http: 8080, grpc: Some(50050), admin: None },
    Service { name: "basket", binary: "basket-service", http: 8081, grpc: Some(50051), admin: None },
    Service { name: "payment", binary: "payment-service", http: 8082, grpc: Some(50052), admin: None },
    Service { name: "notification", binary: "notification-service", http: 8084, grpc: None, admin: None },
    Service { name: "gateway", binary: "gateway-service", http: 8083, grpc: Some(50053), admin: Some(9083) },
];

/// Where one process listens in this run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub(crate) service: &'static Service,
    /// 1 for the first process of the service.
    pub(crate) replica: u16,
    pub(crate) http: u16,
    pub(crate) grpc: Option<u16>,
    pub(crate) admin: Option<u16>,
}

impl Address {
    /// All it listens on.
    pub(crate) fn ports(&self) -> impl Iterator<Item = (Port, u16)> + use<> {
        let numbers = [(Port::Http, Some(self.http)), (Port::Grpc, self.grpc), (Port::Admin, self.admin)];
        numbers.into_iter().filter_map(|(port, number)| Some((port, number?)))
    }

    /// What tells it from all others: `product`, `product-2`.
    pub(crate) fn name(&self) -> String {
        let name = self.service.name;
        if self.replica == 1 { name.to_owned() } else { format!("{name}-{}", self.replica) }
    }

    /// The base URL for requests from this machine.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }
}

/// The service of that name.
pub(crate) fn find(name: &str) -> Outcome<&'static Service> {
    let names = || SERVICES.each_ref().map(|service| service.name).join(", ");
    let unknown = || Failure::new(format!("there is no service `{name}`; there are {}", names()));
    SERVICES.iter().find(|service| service.name == name).ok_or_else(unknown)
}

/// Where all services listen, each as one process.
pub(crate) fn addresses(overrides: &[PortOverride]) -> Vec<Address> {
    let number = |service: &'static Service, port: Port| {
        let usual = service.port(port)?;
        Some(overrides.iter().rev().find_map(|moved| moved.of(service, port)).unwrap_or(usual))
    };
    let address = |service: &'static Service| Address {
        service,
        replica: 1,
        http: number(service, Port::Http).unwrap_or(service.http),
        grpc: number(service, Port::Grpc),
        admin: number(service, Port::Admin),
    };
    SERVICES.iter().map(address).collect()
}

/// A text table of what runs where.
pub(crate) fn table(addresses: &[Address]) -> String {
    let mut text = format!("  {:<16}{:<30}{:<18}{}\n", "service", "HTTP", "gRPC", "API documentation");
    for address in addresses {
        let http = format!("http://localhost:{}", address.http);
        let grpc = address.grpc.map_or_else(|| "–".to_owned(), |port| format!("localhost:{port}"));
        let _ = writeln!(text, "  {:<16}{http:<30}{grpc:<18}{http}/docs", address.name());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_used_twice() {
        let mut ports: Vec<u16> =
            addresses(&[]).iter().flat_map(Address::ports).map(|(_, port)| port).collect();
        let count = ports.len();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), count);
    }

    #[test]
    fn the_table_names_every_service() {
        let text = table(&addresses(&[]));
        assert!(SERVICES.iter().all(|service| text.contains(service.name)));
        assert!(text.contains("http://localhost:8083/docs"));
    }
}
