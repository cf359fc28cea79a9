//! The kinds of changes.

use gateway_domain::{
    Backend, Weight,
    balancing::Strategy,
    fleet::{Edit, Fleet, Overrides, RateRule, Refusal, Tuning},
    member::Limits,
};

use super::{Administration, Desk};
use crate::upstreams::Upstream;

/// A change that is well formed; whether it makes sense, the domain decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Takes a backend in.
    Add { fleet: Fleet, backend: Backend },
    /// Takes a backend out.
    Remove { fleet: Fleet, id: String },
    /// Changes a backend's weight, or begins or ends its drain.
    Adjust { fleet: Fleet, id: String, weight: Edit<Weight>, draining: Option<bool> },
    /// Holds a backend's breaker open, or closes it and forgets its failures.
    Breaker { fleet: Fleet, id: String, open: bool },
    /// Changes how a service is balanced.
    Tune { fleet: Fleet, tuning: Tuning },
    /// Changes how many requests clients may send; `None` is as configured.
    Rate(Option<RateRule>),
}

impl Change {
    /// The name in the audit.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add_backend",
            Self::Remove { .. } => "remove_backend",
            Self::Adjust { .. } => "adjust_backend",
            Self::Breaker { open: true, .. } => "force_breaker_open",
            Self::Breaker { open: false, .. } => "reset_breaker",
            Self::Tune { .. } => "tune_service",
            Self::Rate(_) => "limit_rate",
        }
    }

    /// The fleet it is about, where it is about one.
    pub(super) const fn fleet(&self) -> Option<Fleet> {
        match self {
            Self::Add { fleet, .. }
            | Self::Remove { fleet, .. }
            | Self::Adjust { fleet, .. }
            | Self::Breaker { fleet, .. }
            | Self::Tune { fleet, .. } => Some(*fleet),
            Self::Rate(_) => None,
        }
    }

    /// What it is about.
    pub(super) fn target(&self) -> String {
        match (self.fleet(), self.id()) {
            (Some(fleet), Some(id)) => format!("{fleet} {id}"),
            (Some(fleet), None) => fleet.to_string(),
            (None, _) => "clients".to_owned(),
        }
    }

    /// Whether it does something even where it changes nothing that is kept: a breaker has opened by itself.
    pub(super) const fn is_action(&self) -> bool {
        matches!(self, Self::Breaker { open: false, .. })
    }

    pub(super) fn apply(
        &self,
        overrides: &mut Overrides,
        base: &[Vec<Backend>; Fleet::INDEXES],
    ) -> Result<(), Refusal> {
        let base = self.fleet().map_or(&[][..], |fleet| &base[fleet.index()]);
        match self {
            Self::Add { fleet, backend } => overrides.of_mut(*fleet).add(base, backend.clone()),
            Self::Remove { fleet, id } => overrides.of_mut(*fleet).remove(base, id),
            Self::Adjust { fleet, id, weight, draining } => {
                overrides.of_mut(*fleet).adjust(base, id, *weight, *draining)
            }
            Self::Breaker { fleet, id, open } => overrides.of_mut(*fleet).force_open(base, id, *open),
            Self::Tune { fleet, tuning } => {
                overrides.of_mut(*fleet).tune(*tuning);
                Ok(())
            }
            Self::Rate(rule) => {
                overrides.set_rate(*rule);
                Ok(())
            }
        }
    }

    fn id(&self) -> Option<&str> {
        match self {
            Self::Add { backend, .. } => Some(backend.id()),
            Self::Remove { id, .. } | Self::Adjust { id, .. } | Self::Breaker { id, .. } => Some(id),
            Self::Tune { .. } | Self::Rate(_) => None,
        }
    }
}

impl Administration {
    /// In words, what a change is about, as it is at this moment.
    pub(super) fn state_of(&self, desk: &Desk, change: &Change) -> String {
        match (change.fleet(), change.id()) {
            (Some(fleet), Some(id)) => self.backend_in_words(desk, fleet, id),
            (Some(fleet), None) => {
                let (strategy, limits) = self.balancing_of(desk, fleet);
                format!(
                    "{strategy}, for each backend {} requests at once and {} waiting",
                    limits.in_flight, limits.waiting
                )
            }
            (None, _) => match self.quota.current().0 {
                None => "unlimited".to_owned(),
                Some(quota) => format!(
                    "{} requests in {} ms, {} at once",
                    quota.requests(),
                    quota.window().as_millis(),
                    quota.burst()
                ),
            },
        }
    }

    fn backend_in_words(&self, desk: &Desk, fleet: Fleet, id: &str) -> String {
        let listed = desk.listed(fleet);
        let Some(listed) = listed.iter().find(|listed| listed.backend.id() == id) else {
            return "absent".to_owned();
        };
        let views = self.upstream(fleet).map(Upstream::views).unwrap_or_default();
        let breaker = views.iter().find(|view| view.id == id).and_then(|view| view.breaker);
        match breaker {
            Some(breaker) => format!("{listed}, breaker {}", breaker.state),
            None => listed.to_string(),
        }
    }

    /// The strategy and the places in force.
    pub(super) fn balancing_of(&self, desk: &Desk, fleet: Fleet) -> (Strategy, Limits) {
        let settings = self.upstream(fleet).map(Upstream::settings).unwrap_or_default();
        let overrides = desk.overrides.of(fleet);
        let strategy = overrides.strategy().unwrap_or(settings.strategy);
        (strategy, overrides.places().over(settings.member.limits))
    }
}
