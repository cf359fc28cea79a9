//! What is behind a service's lock: its roster, and what is known of each backend besides.

use std::sync::Arc;

use gateway_domain::{
    Backend, Moment,
    balancing::{Condition, Roster},
    member::Member,
};

use super::{bell::QueueBell, settings::BalancingSettings};

pub(super) struct Watched {
    pub(super) roster: Roster,
    pub(super) settings: BalancingSettings,
    pub(super) records: Vec<Record>,
    /// Those that were taken out while requests were under way.
    pub(super) leaving: Vec<Record>,
}

/// A backend, beside its entry in the roster.
pub(super) struct Record {
    pub(super) member: Arc<Member>,
    pub(super) bell: Arc<QueueBell>,
    /// Whether any probe has found it ready yet.
    seen_well: bool,
    /// What the last probe found wrong.
    problem: Option<String>,
}

/// A backend as health answers show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackendState {
    pub(crate) backend: Backend,
    /// `ready`, `warming`, `down`, `ejected`, `draining`.
    pub(crate) condition: &'static str,
    /// Whether it takes requests and has been found ready at least once.
    pub(crate) serves: bool,
    pub(crate) problem: Option<String>,
}

impl Record {
    fn new(backend: Backend, settings: &BalancingSettings, now: Moment) -> Self {
        let bell = Arc::new(QueueBell::default());
        let member = Arc::new(Member::new(backend, settings.member, Arc::clone(&bell) as _, now));
        Self { member, bell, seen_well: false, problem: None }
    }
}

impl Watched {
    pub(super) fn new(settings: &BalancingSettings) -> Self {
        let roster = Roster::new(settings.roster, settings.strategy);
        Self { roster, settings: *settings, records: Vec::new(), leaving: Vec::new() }
    }

    /// Takes a backend in. One that is listed twice, or one too many, is left out: settings are checked before. One that
    /// is still leaving comes back as it is, with its breaker and the requests that are under way.
    pub(super) fn add(&mut self, backend: &Backend, now: Moment) {
        let leaving = self.leaving.iter().position(|record| record.member.backend().is_same_place(backend));
        let record = match leaving {
            Some(place) => self.leaving.remove(place),
            None => Record::new(backend.clone(), &self.settings, now),
        };
        record.member.unbar();
        if self.roster.add(Arc::clone(&record.member), now).is_ok() {
            self.records.push(record);
        }
    }

    /// Takes a backend out at once; those that wait for it go elsewhere.
    pub(super) fn remove(&mut self, id: &str) {
        let Ok(member) = self.roster.remove(id) else { return };
        let Some(place) = self.records.iter().position(|record| Arc::ptr_eq(&record.member, &member)) else {
            return;
        };
        let record = self.records.remove(place);
        record.bell.ring_for_all();
        self.leaving.retain(|record| !record.member.is_idle());
        if !record.member.is_idle() {
            self.leaving.push(record);
        }
    }

    pub(super) fn record(&self, id: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.member.backend().id() == id)
    }

    pub(super) fn bell(&self, member: &Arc<Member>) -> Option<Arc<QueueBell>> {
        let record = self.records.iter().find(|record| Arc::ptr_eq(&record.member, member))?;
        Some(Arc::clone(&record.bell))
    }

    /// Takes a probe into account; whether it brought the backend up or down.
    pub(super) fn probed(&mut self, member: &Arc<Member>, problem: Option<String>, now: Moment) -> bool {
        let good = problem.is_none();
        if let Some(record) = self.records.iter_mut().find(|record| Arc::ptr_eq(&record.member, member)) {
            record.seen_well |= good;
            record.problem = problem;
        }
        self.roster.probed(member.backend().id(), good, now)
    }

    /// Those that were taken out and still have requests under way, with how many.
    pub(super) fn leaving(&self) -> Vec<(Backend, u32)> {
        let in_flight = |record: &Record| record.member.gate().counts().in_flight;
        let busy = self.leaving.iter().map(|record| (record.member.backend().clone(), in_flight(record)));
        busy.filter(|(_, in_flight)| *in_flight > 0).collect()
    }

    pub(super) fn any_seen_well(&self) -> bool {
        self.records.iter().any(|record| record.seen_well)
    }

    pub(super) fn states(&self, now: Moment) -> Vec<BackendState> {
        let views = self.roster.views(now);
        let state = |record: &Record| {
            let backend = record.member.backend();
            let view = views.iter().find(|view| view.id == backend.id());
            let condition = view.map_or(Condition::Draining { drained: true }, |view| view.condition);
            let weight = view.map_or_else(|| backend.weight(), |view| view.weight);
            let takes_requests = matches!(condition, Condition::Ready | Condition::Warming { .. });
            BackendState {
                backend: backend.clone().with_weight(weight),
                condition: condition.name(),
                serves: takes_requests && record.seen_well,
                problem: record.problem.clone(),
            }
        };
        self.records.iter().map(state).collect()
    }
}
