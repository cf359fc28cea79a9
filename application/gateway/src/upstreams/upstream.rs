//! One service at work.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use gateway_domain::{
    Backend, Moment, Outcome, Service,
    balancing::{Attempt, MemberView, Pool, Unavailable},
    breaker::State,
    fleet::Fleet,
    health::Suspicion,
    member::{Arrival, Findings, Member, Place, Slot, Tried, Turn},
    retry::RetryBudget,
};
use kernel_application::CallContext;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::{
    plan::Plan,
    settings::{BackendList, BalancingSettings},
    watched::{BackendState, Watched},
};
use crate::{random, uptime::Uptime};

/// One service's backends.
pub(crate) struct Upstream {
    fleet: Fleet,
    /// Read for an instant by each attempt, replaced as a whole when the roster changes.
    pool: RwLock<Pool>,
    watched: Mutex<Watched>,
    changed: Notify,
    budget: RetryBudget,
    queue: Duration,
    uptime: Uptime,
}

/// What a request has behind it.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// Where it has been sent.
    pub(crate) tried: Tried,
    /// Whether it has waited for a place. Nobody waits twice: who is to be sent once more when everybody waits would only
    /// make all others wait longer.
    waited: bool,
}

/// Why no backend takes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// None is there for it.
    Unavailable(Unavailable),
    /// It has waited as long as it may.
    Waited,
}

/// What an outcome changed, for whoever watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) breaker: Option<State>,
    pub(crate) ejected: Option<Suspicion>,
}

impl Upstream {
    pub(super) fn new(
        fleet: Fleet,
        backends: &BackendList,
        settings: &BalancingSettings,
        uptime: Uptime,
    ) -> Self {
        let now = uptime.now();
        let most = if settings.enabled { usize::MAX } else { 1 };
        let mut watched = Watched::new(settings);
        for backend in backends.fixed().iter().take(most) {
            watched.add(backend, now);
        }
        let pool = RwLock::new(watched.roster.refresh(now));
        let (watched, changed) = (Mutex::new(watched), Notify::new());
        let budget = RetryBudget::new(settings.budget);
        Self { fleet, pool, watched, changed, budget, queue: settings.queue, uptime }
    }

    pub(crate) const fn fleet(&self) -> Fleet {
        self.fleet
    }

    pub(crate) const fn service(&self) -> Service {
        self.fleet.service()
    }

    pub(crate) const fn budget(&self) -> &RetryBudget {
        &self.budget
    }

    /// Takes a place at a backend, waiting for one if need be, once for each request, but not beyond the call's deadline.
    pub(crate) async fn enter(&self, past: &mut Past, ctx: &CallContext) -> Result<Slot, Refusal> {
        if past.waited {
            return self.enter_now(past).map_err(Refusal::Unavailable);
        }
        match self.arrive(past).map_err(Refusal::Unavailable)? {
            Arrival::Admitted(slot) => Ok(slot),
            // In a box of its own: most requests never wait, and would carry it about.
            Arrival::Queued(place) => Box::pin(self.queue(place, past, ctx)).await,
        }
    }

    /// Waits for the place, or for one at another backend where this one has become unable meanwhile.
    async fn queue(&self, mut place: Place, past: &mut Past, ctx: &CallContext) -> Result<Slot, Refusal> {
        past.waited = true;
        let longest = ctx.remaining().map_or(self.queue, |remaining| remaining.min(self.queue));
        let until = Instant::now() + longest;
        loop {
            let turn = timeout_at(until, self.wait(place)).await.map_err(|_| Refusal::Waited)?;
            if let Some(slot) = turn {
                return Ok(slot);
            }
            match self.arrive(past).map_err(Refusal::Unavailable)? {
                Arrival::Admitted(slot) => return Ok(slot),
                Arrival::Queued(again) => place = again,
            }
        }
    }

    /// Takes the outcome of an attempt into account, as soon as it is known.
    pub(crate) fn settle(&self, slot: &mut Slot, outcome: Outcome, now: Moment) -> Settled {
        let Findings { breaker, suspicion } = slot.answered(outcome, now);
        let id = slot.member().backend().id();
        let ejected = suspicion.filter(|_| self.change(|watched, now| watched.roster.suspected(id, now)));
        Settled { breaker, ejected }
    }

    /// Takes a probe into account; whether it brought the backend up or down.
    pub(crate) fn probed(&self, member: &Arc<Member>, problem: Option<String>) -> bool {
        let up = problem.is_none();
        let turned = self.change(|watched, now| watched.probed(member, problem, now));
        if turned && up {
            self.forgive(member);
        }
        turned
    }

    /// What opened the breaker of a backend that was down is over now that it is up: it need not wait for its time.
    fn forgive(&self, member: &Member) {
        let now = self.uptime.now();
        if let Some(breaker) = member.breaker()
            && matches!(breaker.view(now).state, State::Open | State::HalfOpen)
        {
            breaker.reset(now);
        }
    }

    /// All backends, those left out too.
    pub(crate) fn members(&self) -> Vec<Arc<Member>> {
        self.lock().roster.members().map(Arc::clone).collect()
    }

    pub(crate) fn views(&self) -> Vec<MemberView> {
        self.lock().roster.views(self.uptime.now())
    }

    pub(crate) fn states(&self) -> Vec<BackendState> {
        self.lock().states(self.uptime.now())
    }

    /// Backends, weights, drains, strategy and places as `plan` says, all at once: no request sees a part of it. What
    /// stays keeps its requests, breaker, health and latency.
    pub(crate) fn follow(&self, plan: &Plan) {
        self.change(|watched, now| {
            plan.carry_out(watched, now);
            true
        });
    }

    /// Closes a backend's breaker and forgets its failures.
    pub(crate) fn reset_breaker(&self, id: &str) {
        let now = self.uptime.now();
        let members = self.members();
        let member = members.iter().find(|member| member.backend().id() == id);
        if let Some(breaker) = member.and_then(|member| member.breaker()) {
            breaker.reset(now);
        }
    }

    /// Those that were taken out and still have requests under way, with how many.
    pub(crate) fn leaving(&self) -> Vec<(Backend, u32)> {
        self.lock().leaving()
    }

    /// What is configured of balancing.
    pub(crate) fn settings(&self) -> BalancingSettings {
        self.lock().settings
    }

    /// Whether any backend has been found ready since the start.
    pub(crate) fn has_been_well(&self) -> bool {
        self.lock().any_seen_well()
    }

    /// Waits until time alone changes the pool, and changes it.
    pub(crate) async fn refresh_when_due(&self) {
        let due = self.due();
        let wait = async {
            match due {
                Some(due) => tokio::time::sleep(due.since(self.uptime.now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wait => self.refresh(&mut self.lock(), self.uptime.now()),
            () = self.changed.notified() => {}
        }
    }

    fn due(&self) -> Option<Moment> {
        self.lock().roster.due(self.uptime.now())
    }

    fn arrive(&self, past: &Past) -> Result<Arrival, Unavailable> {
        let pool = self.pool.read().unwrap_or_else(PoisonError::into_inner);
        pool.enter(self.attempt(past))
    }

    fn enter_now(&self, past: &Past) -> Result<Slot, Unavailable> {
        let pool = self.pool.read().unwrap_or_else(PoisonError::into_inner);
        pool.enter_now(self.attempt(past))
    }

    fn attempt<'a>(&self, past: &'a Past) -> Attempt<'a> {
        Attempt { now: self.uptime.now(), random: random::next(), tried: &past.tried }
    }

    /// `None` where the backend has become unable meanwhile: then another one may do.
    async fn wait(&self, mut place: Place) -> Option<Slot> {
        let bell = self.lock().bell(place.member())?;
        let _front = bell.front().await;
        loop {
            // Before the look at the place: a backend may be taken out between the two.
            let heard = bell.heard();
            match place.enter(self.uptime.now()) {
                Turn::Admitted(slot) => return Some(slot),
                Turn::Refused(_) => return None,
                Turn::Wait(again) => place = again,
            }
            heard.await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut Watched, Moment) -> bool) -> bool {
        let mut watched = self.lock();
        let now = self.uptime.now();
        let changed = change(&mut watched, now);
        if changed {
            self.refresh(&mut watched, now);
            self.changed.notify_one();
        }
        changed
    }

    /// Builds the pool anew; under the roster's lock, so that no older one replaces a newer one.
    fn refresh(&self, watched: &mut Watched, now: Moment) {
        let pool = watched.roster.refresh(now);
        let old = std::mem::replace(&mut *self.pool.write().unwrap_or_else(PoisonError::into_inner), pool);
        drop(old);
    }

    /// A thread that panicked here left whole values behind.
    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
