//! The ports of services, and how they are moved.

use super::{Service, find};
use std::str::FromStr;

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Http,
    Grpc,
    /// Of the gateway's operators.
    Admin,
}

impl Port {
    pub(crate) const ALL: [Self; 3] = [Self::Http, Self::Grpc, Self::Admin];

    /// What it is called in sentences.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Grpc => "gRPC",
            Self::Admin => "admin",
        }
    }

    /// The variable that tells a service its number.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Http => "PORT",
            Self::Grpc => "GRPC_PORT",
            Self::Admin => "ADMIN_PORT",
        }
    }

    /// What follows the name of a service in `--port`.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Http => "",
            Self::Grpc => "-grpc",
            Self::Admin => "-admin",
        }
    }
}

/// `product=18080` moves the HTTP port of a service, `product-grpc=15050` its gRPC port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortOverride {
    service: &'static str,
    port: Port,
    number: u16,
}

impl PortOverride {
    /// The number, where it is that port of that service which moves.
    pub(super) fn of(&self, service: &Service, port: Port) -> Option<u16> {
        (self.service == service.name && self.port == port).then_some(self.number)
    }
}

impl FromStr for PortOverride {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || format!("`{text}` is not NAME=PORT, as in product=18080 or product-grpc=15050");
        let (name, number) = text.split_once('=').ok_or_else(shape)?;
        let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(shape)?;
        let suffixed = Port::ALL.into_iter().filter(|port| !port.suffix().is_empty());
        let mut parted = suffixed.filter_map(|port| Some((name.strip_suffix(port.suffix())?, port)));
        let (service, port) = parted.next().unwrap_or((name, Port::Http));
        let service = find(service).map_err(|failure| failure.to_string())?;
        if service.port(port).is_none() {
            return Err(format!("{} has no {} port", service.name, port.label()));
        }
        Ok(Self { service: service.name, port, number })
    }
}

#[cfg(test)]
mod tests {
    use super::super::SERVICES;
    use super::*;

    #[test]
    fn a_wrong_override_says_what_is_wrong() {
        let refused = |text: &str| text.parse::<PortOverride>().unwrap_err();
        assert!(refused("product").contains("NAME=PORT"));
        assert!(refused("product=0").contains("NAME=PORT"));
        assert!(refused("product=99999").contains("NAME=PORT"));
        assert!(refused("shop=1").contains("there are provider, product"));
        assert_eq!(refused("notification-grpc=1"), "notification has no gRPC port");
        assert_eq!(refused("product-admin=1"), "product has no admin port");
    }

    #[test]
    fn each_port_of_a_service_can_be_moved() {
        for service in &SERVICES {
            for port in Port::ALL.into_iter().filter(|port| service.port(*port).is_some()) {
                let moved: PortOverride = format!("{}{}=1234", service.name, port.suffix()).parse().unwrap();
                assert_eq!(moved.of(service, port), Some(1234), "{} {port:?}", service.name);
            }
        }
    }
}
