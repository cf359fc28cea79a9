//! The services of this gateway and their backends, as configured.

use std::{fmt, str::FromStr};

use gateway_domain::{Backend, Balancer, RoundRobin, Service, parse_backends};
use kernel_domain::Violations;

/// Backends read from a setting: `http://a:8080,http://b:8080;weight=3`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackendList(Vec<Backend>);

impl FromStr for BackendList {
    type Err = Violations;

    fn from_str(list: &str) -> Result<Self, Violations> {
        parse_backends(list).map(Self)
    }
}

impl fmt::Display for BackendList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, backend) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{backend};weight={}", backend.weight().get())?;
        }
        Ok(())
    }
}

/// One service's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSettings {
    /// Whether its routes are served.
    pub enabled: bool,
    /// Where it runs.
    pub backends: BackendList,
}

/// All services' settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The product service.
    pub product: ServiceSettings,
    /// The basket service.
    pub basket: ServiceSettings,
    /// The payment service.
    pub payment: ServiceSettings,
    /// The notification service.
    pub notification: ServiceSettings,
}

/// Every service's backends and how one of them is chosen. Shared by all requests.
pub struct Upstreams {
    product: Upstream,
    basket: Upstream,
    payment: Upstream,
    notification: Upstream,
}

impl Upstreams {
    /// Sets up one balancer per service.
    pub fn new(settings: Settings) -> Self {
        Self {
            product: Upstream::new(settings.product),
            basket: Upstream::new(settings.basket),
            payment: Upstream::new(settings.payment),
            notification: Upstream::new(settings.notification),
        }
    }

    pub(crate) const fn of(&self, service: Service) -> &Upstream {
        match service {
            Service::Product => &self.product,
            Service::Basket => &self.basket,
            Service::Payment => &self.payment,
            Service::Notification => &self.notification,
        }
    }
}

/// One service's backends.
pub(crate) struct Upstream {
    pub(crate) enabled: bool,
    pub(crate) backends: Vec<Backend>,
    balancer: Box<dyn Balancer>,
}

impl Upstream {
    fn new(settings: ServiceSettings) -> Self {
        let ServiceSettings { enabled, backends } = settings;
        Self { enabled, backends: backends.0, balancer: Box::new(RoundRobin::default()) }
    }

    /// The backend that takes the next request; `None` where the service is switched off.
    pub(crate) fn pick(&self) -> Option<&Backend> {
        if !self.enabled {
            return None;
        }
        self.backends.get(self.balancer.pick(&self.backends)?)
    }
}
