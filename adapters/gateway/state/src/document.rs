//! What is in the file.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use gateway_domain::{
    Backend, Weight,
    balancing::Strategy,
    fleet::{BackendOverride, Fleet, Overrides, PlacesOverride, Presence, RateRule, ServiceOverrides},
    limit::Quota,
};
use serde::{Deserialize, Serialize};

use crate::error::Damage;

/// The shape below. Another one gets another number, and code that reads all of them.
pub(crate) const FORMAT: u64 = 2;
/// The same without names of servers in URLs. It is written where there are none, so that an older gateway that takes over
/// can read it.
const NAMELESS: u64 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    format: u64,
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_limit: Option<Rate>,
    #[serde(default)]
    services: BTreeMap<String, ServiceChanges>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
enum Rate {
    Unlimited,
    Limited { requests: NonZeroU32, window_ms: u64, burst: NonZeroU32 },
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ServiceChanges {
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_in_flight: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_waiting: Option<u32>,
    backends: Vec<BackendChanges>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackendChanges {
    /// With the weight it was configured or added with, and the name of its server.
    url: String,
    #[serde(default)]
    listed: Listed,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weight: Option<u16>,
    #[serde(default)]
    draining: bool,
    #[serde(default)]
    forced_open: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Listed {
    #[default]
    AsConfigured,
    Added,
    Removed,
}

impl Document {
    /// The format is looked at first: what another version has written may have any shape.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Damage> {
        #[derive(Deserialize)]
        struct Head {
            format: u64,
        }
        let Head { format } = serde_json::from_slice(text)?;
        if !(NAMELESS..=FORMAT).contains(&format) {
            return Err(Damage::Format { found: format, known: FORMAT });
        }
        Ok(serde_json::from_slice(text)?)
    }

    pub(crate) fn text(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

impl From<&Overrides> for Document {
    fn from(overrides: &Overrides) -> Self {
        let is_changed = |fleet: &Fleet| *overrides.of(*fleet) != ServiceOverrides::default();
        let changes = |fleet: Fleet| (fleet.name().to_owned(), overrides.of(fleet).into());
        let is_named = |change: &BackendOverride| change.backend.server_name().is_some();
        let any_named = Fleet::ALL.iter().any(|fleet| overrides.of(*fleet).backends().iter().any(is_named));
        Self {
            format: if any_named { FORMAT } else { NAMELESS },
            version: overrides.version(),
            rate_limit: overrides.rate().map(Rate::from),
            services: Fleet::ALL.into_iter().filter(is_changed).map(changes).collect(),
        }
    }
}

impl TryFrom<Document> for Overrides {
    type Error = Damage;

    fn try_from(document: Document) -> Result<Self, Damage> {
        let services = document.services.into_iter().map(|(name, changes)| {
            let fleet =
                Fleet::named(&name).ok_or_else(|| value(format!("services.{name}"), "no such service"))?;
            Ok((fleet, changes.restore(&format!("services.{name}"))?))
        });
        let services = services.collect::<Result<Vec<_>, Damage>>()?;
        let rate = document.rate_limit.map(RateRule::try_from).transpose()?;
        Ok(Self::restore(document.version, services, rate))
    }
}

impl From<RateRule> for Rate {
    fn from(rule: RateRule) -> Self {
        match rule {
            RateRule::Unlimited => Self::Unlimited,
            RateRule::Limited(quota) => Self::Limited {
                requests: NonZeroU32::new(quota.requests()).unwrap_or(NonZeroU32::MIN),
                window_ms: u64::try_from(quota.window().as_millis()).unwrap_or(u64::MAX),
                burst: NonZeroU32::new(quota.burst()).unwrap_or(NonZeroU32::MIN),
            },
        }
    }
}

impl TryFrom<Rate> for RateRule {
    type Error = Damage;

    fn try_from(rate: Rate) -> Result<Self, Damage> {
        match rate {
            Rate::Unlimited => Ok(Self::Unlimited),
            Rate::Limited { requests, window_ms, burst } => {
                let quota = Quota::new(requests, Duration::from_millis(window_ms), burst);
                quota.map(Self::Limited).map_err(|violation| value("rate_limit", violation.message()))
            }
        }
    }
}

impl From<&ServiceOverrides> for ServiceChanges {
    fn from(overrides: &ServiceOverrides) -> Self {
        let PlacesOverride { in_flight, waiting } = overrides.places();
        Self {
            strategy: overrides.strategy().map(|strategy| strategy.name().to_owned()),
            max_in_flight: in_flight,
            max_waiting: waiting,
            backends: overrides.backends().iter().map(BackendChanges::from).collect(),
        }
    }
}

impl ServiceChanges {
    fn restore(self, place: &str) -> Result<ServiceOverrides, Damage> {
        let named = |name: String| {
            Strategy::named(&name).ok_or_else(|| value(format!("{place}.strategy"), "no such strategy"))
        };
        let strategy = self.strategy.map(named).transpose()?;
        let places = PlacesOverride { in_flight: self.max_in_flight, waiting: self.max_waiting };
        let backends = self.backends.into_iter().map(|backend| backend.restore(place));
        Ok(ServiceOverrides::restore(strategy, places, backends.collect::<Result<Vec<_>, _>>()?))
    }
}

impl From<&BackendOverride> for BackendChanges {
    fn from(change: &BackendOverride) -> Self {
        Self {
            url: format!("{};weight={}", change.backend, change.backend.weight().get()),
            listed: match change.presence {
                Presence::Inherited => Listed::AsConfigured,
                Presence::Added => Listed::Added,
                Presence::Removed => Listed::Removed,
            },
            weight: change.weight.map(Weight::get),
            draining: change.draining,
            forced_open: change.forced_open,
        }
    }
}

impl BackendChanges {
    fn restore(self, place: &str) -> Result<BackendOverride, Damage> {
        let place = format!("{place}.backends {}", self.url);
        let backend =
            Backend::parse(&self.url).map_err(|violation| value(place.as_str(), violation.message()))?;
        let weight = self.weight.map(Weight::new).transpose();
        Ok(BackendOverride {
            backend,
            presence: match self.listed {
                Listed::AsConfigured => Presence::Inherited,
                Listed::Added => Presence::Added,
                Listed::Removed => Presence::Removed,
            },
            weight: weight.map_err(|violation| value(place.as_str(), violation.message()))?,
            draining: self.draining,
            forced_open: self.forced_open,
        })
    }
}

fn value(place: impl Into<String>, rule: impl Into<String>) -> Damage {
    Damage::Value { place: place.into(), rule: rule.into() }
}
