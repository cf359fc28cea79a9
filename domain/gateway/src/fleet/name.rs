//! Which backends are looked after together.

use std::fmt;

use crate::Service;

/// The backends of a service that answer in one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fleet {
    /// Those that answer HTTP.
    Http(Service),
    /// Those that answer gRPC.
    Grpc(Service),
}

impl Fleet {
    /// All fleets there can be.
    pub const ALL: [Self; 7] = [
        Self::Http(Service::Product),
        Self::Http(Service::Basket),
        Self::Http(Service::Payment),
        Self::Http(Service::Notification),
        Self::Grpc(Service::Product),
        Self::Grpc(Service::Basket),
        Self::Grpc(Service::Payment),
    ];

    /// The name for operators: `product`, `product-grpc`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http(service) => service.name(),
            Self::Grpc(Service::Product) => "product-grpc",
            Self::Grpc(Service::Basket) => "basket-grpc",
            Self::Grpc(Service::Payment) => "payment-grpc",
            Self::Grpc(Service::Notification) => "notification-grpc",
        }
    }

    /// The fleet with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fleet| fleet.name() == name)
    }

    /// The service.
    pub const fn service(self) -> Service {
        match self {
            Self::Http(service) | Self::Grpc(service) => service,
        }
    }

    /// The protocol: `http` or `grpc`.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Grpc(_) => "grpc",
        }
    }

    /// Below [`Fleet::INDEXES`], another one for each fleet.
    pub const fn index(self) -> usize {
        match self {
            Self::Http(service) => service as usize,
            Self::Grpc(service) => Service::ALL.len() + service as usize,
        }
    }

    /// The length of a list with a place for each fleet.
    pub const INDEXES: usize = 2 * Service::ALL.len();
}

impl fmt::Display for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_and_a_place_of_its_own() {
        let mut places = [false; Fleet::INDEXES];
        for fleet in Fleet::ALL {
            assert_eq!(Fleet::named(fleet.name()), Some(fleet));
            assert!(!std::mem::replace(&mut places[fleet.index()], true), "{fleet}");
        }
        assert_eq!(Fleet::named("notification-grpc"), None, "there is no such fleet");
    }
}
