//! The services behind the gateway.

use std::fmt;

/// A service that requests are forwarded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The catalogue and its stock.
    Product,
    /// The baskets.
    Basket,
    /// The payments.
    Payment,
    /// The notifications.
    Notification,
}

impl Service {
    /// All services, in the order of the enum.
    pub const ALL: [Self; 4] = [Self::Product, Self::Basket, Self::Payment, Self::Notification];

    /// The name in logs, metrics and answers: `product`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Basket => "basket",
            Self::Payment => "payment",
            Self::Notification => "notification",
        }
    }

    /// The service with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// The name as a dependency in health answers: `product-service`.
    pub const fn dependency(self) -> &'static str {
        match self {
            Self::Product => "product-service",
            Self::Basket => "basket-service",
            Self::Payment => "payment-service",
            Self::Notification => "notification-service",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
