//! What is configured of services and backends.

use std::{fmt, str::FromStr, time::Duration};

use gateway_domain::{
    Backend,
    balancing::{RosterSettings, Strategy},
    member::MemberSettings,
    parse_backends,
    retry::BudgetSettings,
};
use kernel_domain::Violations;

/// Backends read from a setting: `http://a:8080,http://b:8080;weight=3`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackendList(pub(super) Vec<Backend>);

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
