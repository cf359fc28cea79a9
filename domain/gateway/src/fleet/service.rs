//! What operators have changed of one service.

use std::{fmt, num::NonZeroU32};

use super::edit::Edit;
use crate::{
    Backend, Weight,
    balancing::{Roster, Strategy},
    member::Limits,
};

/// A service's changes. Without any, everything is as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceOverrides {
    strategy: Option<Strategy>,
    places: PlacesOverride,
    /// Sorted by id, each once; none that changes nothing.
    backends: Vec<BackendOverride>,
}

/// The changes to the places of a service's backends; what is `None` is as configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlacesOverride {
    /// Requests at once at one backend.
    pub in_flight: Option<NonZeroU32>,
    /// Requests that wait for one backend.
    pub waiting: Option<u32>,
}

/// The changes to one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendOverride {
    /// The backend. Its own weight counts where it was added and `weight` does not say otherwise.
    pub backend: Backend,
    /// Whether it is there.
    pub presence: Presence,
    /// Its share.
    pub weight: Option<Weight>,
    /// Whether it gets no new requests.
    pub draining: bool,
    /// Whether its breaker is held open.
    pub forced_open: bool,
}

/// Whether a backend is in the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// As configured.
    #[default]
    Inherited,
    /// Also where it is not configured.
    Added,
    /// Not even where it is configured.
    Removed,
}

/// A backend that a service has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The backend, with the weight in force.
    pub backend: Backend,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether it gets no new requests.
    pub draining: bool,
    /// Whether its breaker is held open.
    pub forced_open: bool,
}

/// Where a backend comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From variables, the file or DNS.
    Configured,
    /// From an operator.
    Added,
}

impl Origin {
    /// The name in answers: `configured`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Added => "added",
        }
    }
}

/// A change to how a service is balanced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tuning {
    /// How backends are chosen.
    pub strategy: Edit<Strategy>,
    /// Requests at once at one backend.
    pub in_flight: Edit<NonZeroU32>,
    /// Requests that wait for one backend.
    pub waiting: Edit<u32>,
}

impl ServiceOverrides {
    /// Changes that were kept. Of several for one backend the last counts.
    pub fn restore(
        strategy: Option<Strategy>,
        places: PlacesOverride,
        backends: impl IntoIterator<Item = BackendOverride>,
    ) -> Self {
        let mut restored = Self { strategy, places, backends: Vec::new() };
        backends.into_iter().for_each(|backend| restored.put(backend));
        restored
    }

    /// The backends that the service has, in the order of `base`, those that were added after them.
    pub fn listed(&self, base: &[Backend]) -> Vec<Listed> {
        let inherited = base.iter().filter_map(|backend| match self.of(backend.id()) {
            None => Some(Listed::configured(backend)),
            Some(change) if change.presence == Presence::Removed => None,
            Some(change) => Some(change.listed(backend, Origin::Configured)),
        });
        let is_added = |change: &&BackendOverride| {
            change.presence == Presence::Added && !contains(base, change.backend.id())
        };
        let added =
            self.backends.iter().filter(is_added).map(|change| change.listed(&change.backend, Origin::Added));
        inherited.chain(added).take(Roster::MAX_MEMBERS).collect()
    }

    /// Takes a backend in, with its weight.
    pub fn add(&mut self, base: &[Backend], backend: Backend) -> Result<(), Refusal> {
        let listed = self.listed(base);
        if listed.iter().any(|listed| listed.backend.id() == backend.id()) {
            return Err(Refusal::Exists);
        }
        if listed.len() >= Roster::MAX_MEMBERS {
            return Err(Refusal::TooMany);
        }
        self.room_for(backend.id())?;
        let inherited = base.iter().find(|known| known.id() == backend.id());
        let weight = inherited.filter(|known| known.weight() != backend.weight()).map(|_| backend.weight());
        let presence = if inherited.is_some() { Presence::Inherited } else { Presence::Added };
        self.put(BackendOverride { presence, weight, ..BackendOverride::none(backend) });
        Ok(())
    }

    /// Takes a backend out. The last one stays: whoever wants none switches the service off.
    pub fn remove(&mut self, base: &[Backend], id: &str) -> Result<(), Refusal> {
        let listed = self.listed(base);
        let found = listed.iter().find(|listed| listed.backend.id() == id);
        let backend = found.ok_or(Refusal::Unknown)?.backend.clone();
        if listed.len() == 1 {
            return Err(Refusal::Last);
        }
        self.room_for(id)?;
        let presence = if contains(base, id) { Presence::Removed } else { Presence::Inherited };
        self.put(BackendOverride { presence, ..BackendOverride::none(backend) });
        Ok(())
    }

    /// Changes a backend's share, or begins or ends its drain; `None` leaves that as it is.
    pub fn adjust(
        &mut self,
        base: &[Backend],
        id: &str,
        weight: Edit<Weight>,
        draining: Option<bool>,
    ) -> Result<(), Refusal> {
        let mut change = self.change_of(base, id)?;
        change.weight = weight.over(change.weight);
        change.draining = draining.unwrap_or(change.draining);
        self.put(change);
        Ok(())
    }

    /// Holds a backend's breaker open, or no longer.
    pub fn force_open(&mut self, base: &[Backend], id: &str, open: bool) -> Result<(), Refusal> {
        let mut change = self.change_of(base, id)?;
        change.forced_open = open;
        self.put(change);
        Ok(())
    }

    /// Changes how the service is balanced.
    pub fn tune(&mut self, tuning: Tuning) {
        self.strategy = tuning.strategy.over(self.strategy);
        self.places.in_flight = tuning.in_flight.over(self.places.in_flight);
        self.places.waiting = tuning.waiting.over(self.places.waiting);
    }

    /// How backends are chosen, where that was changed.
    pub const fn strategy(&self) -> Option<Strategy> {
        self.strategy
    }

    /// The changes to the places.
    pub const fn places(&self) -> PlacesOverride {
        self.places
    }

    /// The changes to backends, by id.
    pub fn backends(&self) -> &[BackendOverride] {
        &self.backends
    }

    /// So many backends can be changed: those of DNS come and go, and what was changed of them stays.
    const MOST: usize = 4 * Roster::MAX_MEMBERS;

    fn change_of(&self, base: &[Backend], id: &str) -> Result<BackendOverride, Refusal> {
        if let Some(change) = self.of(id).filter(|change| change.presence != Presence::Removed) {
            return Ok(change.clone());
        }
        let inherited = base.iter().find(|backend| backend.id() == id);
        let inherited = inherited.filter(|_| self.of(id).is_none()).ok_or(Refusal::Unknown)?;
        self.room_for(id)?;
        Ok(BackendOverride::none(inherited.clone()))
    }

    fn room_for(&self, id: &str) -> Result<(), Refusal> {
        let full = self.backends.len() >= Self::MOST && self.of(id).is_none();
        if full { Err(Refusal::TooMany) } else { Ok(()) }
    }

    fn of(&self, id: &str) -> Option<&BackendOverride> {
        self.place_of(id).ok().map(|place| &self.backends[place])
    }

    fn put(&mut self, change: BackendOverride) {
        let place = self.place_of(change.backend.id());
        match (place, change.changes_nothing()) {
            (Ok(place), false) => self.backends[place] = change,
            (Ok(place), true) => drop(self.backends.remove(place)),
            (Err(place), false) => self.backends.insert(place, change),
            (Err(_), true) => {}
        }
    }

    fn place_of(&self, id: &str) -> Result<usize, usize> {
        self.backends.binary_search_by(|change| change.backend.id().cmp(id))
    }
}

impl PlacesOverride {
    /// The places in force where `configured` are configured.
    pub fn over(self, configured: Limits) -> Limits {
        Limits {
            in_flight: self.in_flight.map_or(configured.in_flight, NonZeroU32::get),
            waiting: self.waiting.unwrap_or(configured.waiting),
        }
    }
}

impl BackendOverride {
    /// No change to this backend.
    pub const fn none(backend: Backend) -> Self {
        Self { backend, presence: Presence::Inherited, weight: None, draining: false, forced_open: false }
    }

    fn changes_nothing(&self) -> bool {
        self.presence == Presence::Inherited && self.weight.is_none() && !self.draining && !self.forced_open
    }

    fn listed(&self, backend: &Backend, origin: Origin) -> Listed {
        let weight = self.weight.unwrap_or_else(|| backend.weight());
        let backend = backend.clone().with_weight(weight);
        Listed { backend, origin, draining: self.draining, forced_open: self.forced_open }
    }
}

impl Listed {
    fn configured(backend: &Backend) -> Self {
        let backend = backend.clone();
        Self { backend, origin: Origin::Configured, draining: false, forced_open: false }
    }
}

/// As the audit shows it.
impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "weight {}", self.backend.weight().get())?;
        f.write_str(if self.draining { ", draining" } else { "" })
    }
}

fn contains(base: &[Backend], id: &str) -> bool {
    base.iter().any(|backend| backend.id() == id)
}

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The service has no such backend.
    #[error("the service has no such backend")]
    Unknown,
    /// The service has it already.
    #[error("the service has this backend already")]
    Exists,
    /// It is the only one.
    #[error("it is the only backend of the service; add another one first")]
    Last,
    /// There are as many as there can be.
    #[error("the service has as many backends, or changes to them, as it can")]
    TooMany,
}
