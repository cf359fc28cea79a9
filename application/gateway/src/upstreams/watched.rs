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
    records: Vec<Record>,
}

/// A backend, beside its entry in the roster.
struct Record {
    member: Arc<Member>,
    bell: Arc<QueueBell>,
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

impl Watched {
    pub(super) fn new(settings: &BalancingSettings) -> Self {
        Self { roster: Roster::new(settings.roster, settings.strategy), records: Vec::new() }
    }

    /// Takes a backend in. One that is listed twice, or one too many, is left out: settings are checked before.
    pub(super) fn add(&mut self, backend: &Backend, settings: &BalancingSettings, now: Moment) {
        let bell = Arc::new(QueueBell::default());
        let member = Member::new(backend.clone(), settings.member, Arc::clone(&bell) as _, now);
        let member = Arc::new(member);
        if self.roster.add(Arc::clone(&member), now).is_ok() {
            self.records.push(Record { member, bell, seen_well: false, problem: None });
        }
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
        self.roster.probed(member.backend().authority(), good, now)
    }

    pub(super) fn any_seen_well(&self) -> bool {
        self.records.iter().any(|record| record.seen_well)
    }

    pub(super) fn states(&self, now: Moment) -> Vec<BackendState> {
        let views = self.roster.views(now);
        let condition = |member: &Member| {
            let view = views.iter().find(|view| view.authority == member.backend().authority());
            view.map_or(Condition::Draining { drained: true }, |view| view.condition)
        };
        let state = |record: &Record| {
            let condition = condition(&record.member);
            let takes_requests = matches!(condition, Condition::Ready | Condition::Warming { .. });
            BackendState {
                backend: record.member.backend().clone(),
                condition: condition.name(),
                serves: takes_requests && record.seen_well,
                problem: record.problem.clone(),
            }
        };
        self.records.iter().map(state).collect()
    }
}
