//! The backends of one service as they are looked after: health, weights, drains. It decides who is in the pool.
//!
//! One per service, behind the adapter's lock: events (probes, suspicions, an operator's changes) are rare. Every method
//! that answers `true` has changed what the pool should be, which [`Roster::refresh`] then builds. Without any event,
//! the pool changes at [`Roster::due`], when an ejection ends or a backend that came back may take more.

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use super::{
    choice::Ready,
    entry::{Entry, RAMP_STEPS},
    pool::Pool,
    strategy::Strategy,
    view::MemberView,
    wheel::Wheel,
};
use crate::{
    Moment, Weight,
    health::{EjectionSettings, ProbeSettings},
    member::Member,
};

/// How a service's backends are looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RosterSettings {
    /// The probes.
    pub probes: ProbeSettings,
    /// The ejections.
    pub ejection: EjectionSettings,
    /// How long it takes a backend that comes back, or is new, to get its full weight.
    pub slow_start: Duration,
}

impl Default for RosterSettings {
    fn default() -> Self {
        let slow_start = Duration::from_secs(30);
        Self { probes: ProbeSettings::default(), ejection: EjectionSettings::default(), slow_start }
    }
}

/// The backends, in the order they were added.
#[derive(Debug)]
pub struct Roster {
    settings: RosterSettings,
    strategy: Strategy,
    entries: Vec<Entry>,
    turns: Arc<AtomicUsize>,
}

impl Roster {
    /// The most backends of one service.
    pub const MAX_MEMBERS: usize = 256;

    /// No backends yet.
    pub fn new(settings: RosterSettings, strategy: Strategy) -> Self {
        Self { settings, strategy, entries: Vec::new(), turns: Arc::default() }
    }

    /// Takes a backend in, with the weight it was configured with, starting slowly.
    pub fn add(&mut self, member: Arc<Member>, now: Moment) -> Result<(), RosterError> {
        if self.entries.len() >= Self::MAX_MEMBERS {
            return Err(RosterError::TooMany);
        }
        if self.find(member.backend().id()).is_ok() {
            return Err(RosterError::Duplicate);
        }
        self.entries.push(Entry::new(member, now));
        Ok(())
    }

    /// Takes a backend out at once. Requests under way go on; the member is barred and tells when it is idle.
    pub fn remove(&mut self, id: &str) -> Result<Arc<Member>, RosterError> {
        let index = self.position(id)?;
        let Entry { member, .. } = self.entries.remove(index);
        member.bar();
        Ok(member)
    }

    /// Sends it no further requests. It is drained when the member is idle.
    pub fn drain(&mut self, id: &str) -> Result<Arc<Member>, RosterError> {
        let entry = self.find_mut(id)?;
        entry.draining = true;
        entry.member.bar();
        Ok(Arc::clone(&entry.member))
    }

    /// Ends a drain; the backend starts slowly.
    pub fn resume(&mut self, id: &str, now: Moment) -> Result<(), RosterError> {
        let entry = self.find_mut(id)?;
        if entry.draining {
            entry.draining = false;
            entry.warming_since = Some(now);
            entry.member.unbar();
        }
        Ok(())
    }

    /// Changes a backend's share.
    pub fn set_weight(&mut self, id: &str, weight: Weight) -> Result<(), RosterError> {
        self.find_mut(id)?.weight = weight;
        Ok(())
    }

    /// Changes how backends are chosen.
    pub const fn set_strategy(&mut self, strategy: Strategy) {
        self.strategy = strategy;
    }

    /// Takes a probe into account; an unknown backend's is too late, and ignored.
    pub fn probed(&mut self, id: &str, good: bool, now: Moment) -> bool {
        let probes = self.settings.probes;
        let Ok(entry) = self.find_mut(id) else { return false };
        let turned = entry.probes.record(good, &probes);
        if turned && good {
            entry.warming_since = Some(now);
        }
        turned
    }

    /// Leaves a backend out for a while, unless so many are out already that it had better stay.
    pub fn suspected(&mut self, id: &str, now: Moment) -> bool {
        let settings = self.settings.ejection;
        let taking_part = self.entries.iter().filter(|entry| !entry.draining);
        let out = taking_part.clone().filter(|entry| !entry.is_ready()).count() as u64;
        let allowed = settings.max_ejected.of(taking_part.count() as u64);
        match self.find_mut(id) {
            Ok(entry) if entry.is_ready() && out < allowed => {
                entry.ejection.eject(&settings, now);
                true
            }
            _ => false,
        }
    }

    /// Lets those return whose time has come, and builds the pool.
    pub fn refresh(&mut self, now: Moment) -> Pool {
        for entry in &mut self.entries {
            entry.advance(self.settings.slow_start, now);
        }
        let weighted = self.strategy.is_weighted();
        let ready: Box<[_]> = self.ready().map(|entry| self.share(entry, weighted, now)).collect();
        let weights: Vec<_> = ready.iter().map(|ready| ready.weight).collect();
        let resumes = if ready.is_empty() { self.resumes(now) } else { None };
        let (strategy, turns) = (self.strategy, Arc::clone(&self.turns));
        Pool { strategy, ready, wheel: Wheel::new(&weights), turns, resumes }
    }

    /// When the pool is to be refreshed, if nothing happens before; `None` where it then stays.
    pub fn due(&self, now: Moment) -> Option<Moment> {
        self.entries.iter().filter_map(|entry| entry.due(self.settings.slow_start, now)).min()
    }

    /// How backends are chosen.
    pub const fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// The members, those left out too: all of them are to be probed.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Arc<Member>> {
        self.entries.iter().map(|entry| &entry.member)
    }

    /// Every backend as it is now.
    pub fn views(&self, now: Moment) -> Vec<MemberView> {
        self.entries.iter().map(|entry| entry.view(self.settings.slow_start, now)).collect()
    }

    fn ready(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_ready())
    }

    fn share(&self, entry: &Entry, weighted: bool, now: Moment) -> Ready {
        let weight = if weighted { u32::from(entry.weight.get()) } else { 1 };
        let step = entry.ramp_step(self.settings.slow_start, now);
        debug_assert!((1..=RAMP_STEPS).contains(&step), "a ready backend has a share");
        Ready { member: Arc::clone(&entry.member), weight: weight * step }
    }

    fn resumes(&self, now: Moment) -> Option<Moment> {
        let up = now.plus(self.settings.probes.time_to_come_up());
        let taking_part = self.entries.iter().filter(|entry| !entry.draining);
        taking_part.map(|entry| entry.returns(up).unwrap_or(now)).min()
    }

    fn position(&self, id: &str) -> Result<usize, RosterError> {
        let found = self.entries.iter().position(|entry| entry.member.backend().id() == id);
        found.ok_or(RosterError::Unknown)
    }

    fn find(&self, id: &str) -> Result<&Entry, RosterError> {
        self.position(id).map(|index| &self.entries[index])
    }

    fn find_mut(&mut self, id: &str) -> Result<&mut Entry, RosterError> {
        self.position(id).map(|index| &mut self.entries[index])
    }
}

/// Why a change is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// No backend has this id.
    #[error("no such backend")]
    Unknown,
    /// There is one with this id already.
    #[error("backend is listed already")]
    Duplicate,
    /// There are [`Roster::MAX_MEMBERS`] already.
    #[error("service has as many backends as it can")]
    TooMany,
}
