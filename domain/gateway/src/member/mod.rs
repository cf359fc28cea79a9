//! One backend at work: what changes with every request, in atomics.
//!
//! A [`Member`] outlives the pools it is in: a pool is replaced when anything else changes, while the members, with
//! their counts, go on. Nothing here takes a lock, except a breaker that is not closed.

mod gate;
mod slot;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

pub use gate::{Admission, Bell, Counts, Gate, Limits, NoBell};
pub use slot::{Findings, Place, Slot, Turn};

use crate::{
    Backend, Moment,
    balancing::PeakEwma,
    breaker::{Breaker, BreakerSettings},
    health::{OutlierDetector, OutlierSettings},
};

/// What a member is given at its start.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemberSettings {
    /// Its places.
    pub limits: Limits,
    /// Its breaker, if it has one.
    pub breaker: Option<BreakerSettings>,
    /// How it is watched, if it is.
    pub outliers: Option<OutlierSettings>,
}

/// A backend with its load, latency, breaker and record.
pub struct Member {
    backend: Backend,
    gate: Gate,
    latency: PeakEwma,
    breaker: Option<Breaker>,
    outliers: Option<OutlierDetector>,
    barred: AtomicBool,
}

impl Member {
    /// A backend without any requests. `bell` rings for those that wait for it.
    pub fn new(backend: Backend, settings: MemberSettings, bell: Arc<dyn Bell>, now: Moment) -> Self {
        Self {
            backend,
            gate: Gate::new(settings.limits, bell),
            latency: PeakEwma::new(now),
            breaker: settings.breaker.map(Breaker::new),
            outliers: settings.outliers.map(OutlierDetector::new),
            barred: AtomicBool::new(false),
        }
    }

    /// Where it listens, and the weight it was configured with.
    pub const fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Its places.
    pub const fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Its latency.
    pub const fn latency(&self) -> &PeakEwma {
        &self.latency
    }

    /// Its breaker, if it has one.
    pub const fn breaker(&self) -> Option<&Breaker> {
        self.breaker.as_ref()
    }

    /// Asks for a place, and for the breaker's leave.
    pub fn arrive(self: &Arc<Self>, now: Moment) -> Result<Arrival, Refused> {
        match self.gate.arrive() {
            Admission::Admitted => self.admit(now).map(Arrival::Admitted),
            Admission::Queued => Ok(Arrival::Queued(Place::new(Arc::clone(self)))),
            Admission::Shed => Err(Refused::Full),
        }
    }

    /// Lets no further request in. After that, as soon as [`Member::is_idle`], none is under way and none ever will be.
    pub fn bar(&self) {
        self.barred.store(true, SeqCst);
    }

    /// Whether it is barred.
    pub fn is_barred(&self) -> bool {
        self.barred.load(SeqCst)
    }

    /// Lets requests in again.
    pub fn unbar(&self) {
        self.barred.store(false, SeqCst);
    }

    /// Whether no request is under way.
    pub fn is_idle(&self) -> bool {
        self.gate.counts().in_flight == 0
    }

    /// Whether a request would probably get through, apart from the places.
    pub fn is_passable(&self, now: Moment) -> bool {
        !self.barred.load(SeqCst) && self.breaker.as_ref().is_none_or(|breaker| breaker.is_passable(now))
    }

    /// The last checks of a request that has a place in the gate, and so is seen by whoever waits for the member to be
    /// idle: either that one sees the request, or the request sees that the member is barred.
    fn admit(self: &Arc<Self>, now: Moment) -> Result<Slot, Refused> {
        let permit = self.permit(now);
        if permit.is_err() {
            self.gate.leave();
        }
        permit.map(|permit| Slot::new(Arc::clone(self), permit, now))
    }

    fn permit(&self, now: Moment) -> Result<Option<crate::breaker::Permit>, Refused> {
        if self.barred.load(SeqCst) {
            return Err(Refused::Barred);
        }
        let permit = self.breaker.as_ref().map(|breaker| breaker.admit(now)).transpose();
        permit.map_err(|_| Refused::Broken)
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("backend", &self.backend.id())
            .field("counts", &self.gate.counts())
            .finish_non_exhaustive()
    }
}

/// Answer to a request that a member can take.
#[derive(Debug)]
pub enum Arrival {
    /// It may go on.
    Admitted(Slot),
    /// It has to wait.
    Queued(Place),
}

/// Why a member takes no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// All places are taken, those in the queue too.
    #[error("backend has no room, not even to wait")]
    Full,
    /// It is drained or removed.
    #[error("backend takes no new requests")]
    Barred,
    /// Its breaker is open.
    #[error("circuit breaker of the backend is open")]
    Broken,
}

/// The members that a request has been sent to already.
#[derive(Clone, Debug, Default)]
pub struct Tried(Vec<Arc<Member>>);

impl Tried {
    /// None so far. Allocates nothing until there is one.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Remembers one.
    pub fn add(&mut self, member: &Arc<Member>) {
        self.0.push(Arc::clone(member));
    }

    /// Whether the request was sent to this one.
    pub fn contains(&self, member: &Arc<Member>) -> bool {
        self.0.iter().any(|tried| Arc::ptr_eq(tried, member))
    }

    /// How often the request was sent.
    pub const fn count(&self) -> usize {
        self.0.len()
    }
}
