//! What is configured of services and backends.

use std::{fmt, str::FromStr, time::Duration};

use gateway_domain::{
    Backend, Service,
    balancing::{RosterSettings, Strategy},
    fleet::{Source, parse_sources},
    member::MemberSettings,
    retry::BudgetSettings,
};
use kernel_domain::Violations;

/// Backends read from a setting: `http://a:8080,http://b:8080;weight=3,dns+https://c:8443,srv://_http._tcp.d`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackendList(Vec<Source>);

impl BackendList {
    /// The entries.
    pub fn sources(&self) -> &[Source] {
        &self.0
    }

    /// The backends that are named; those behind names in DNS are found later.
    pub fn fixed(&self) -> Vec<Backend> {
        self.0.iter().filter_map(Source::fixed).cloned().collect()
    }
}

impl FromStr for BackendList {
    type Err = Violations;

    fn from_str(list: &str) -> Result<Self, Violations> {
        parse_sources(list.split(',')).map(Self)
    }
}

impl fmt::Display for BackendList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, source) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{source}")?;
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

impl Settings {
    /// One service's settings.
    pub const fn of(&self, service: Service) -> &ServiceSettings {
        match service {
            Service::Product => &self.product,
            Service::Basket => &self.basket,
            Service::Payment => &self.payment,
            Service::Notification => &self.notification,
        }
    }
}

/// All services' settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The product service.
    pub product: ServiceSettings,
    /// The basket service.
    pub basket: ServiceSettings,
    /// The payment service.
    pub payment: ServiceSettings,
    /// The notification service.
    pub notification: ServiceSettings,
    /// How all of them are balanced.
    pub balancing: BalancingSettings,
}

/// How requests are spread over a service's backends.
#[derive(Clone, Copy, Debug)]
pub struct BalancingSettings {
    /// Otherwise the first backend of each list takes all requests.
    pub enabled: bool,
    /// How a backend is chosen.
    pub strategy: Strategy,
    /// Probes, ejections and slow starts.
    pub roster: RosterSettings,
    /// Each backend's places, breaker and passive health.
    pub member: MemberSettings,
    /// How long a request waits for a place.
    pub queue: Duration,
    /// How many retries a service bears.
    pub budget: BudgetSettings,
}

impl Default for BalancingSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            strategy: Strategy::default(),
            roster: RosterSettings::default(),
            member: MemberSettings::default(),
            queue: Duration::from_secs(1),
            budget: BudgetSettings::default(),
        }
    }
}
