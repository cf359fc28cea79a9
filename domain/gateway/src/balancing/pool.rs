//! The backends of one service as requests see them: a snapshot that never changes.
//!
//! Share it in an [`Arc`] and replace it as a whole when the [`Roster`](super::Roster) says so; what changes with every
//! request is in the members' atomics. Load it anew for every attempt: an old one may hold a member that is being
//! drained, which then refuses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use super::{
    choice::{Choice, Ready},
    strategy::Strategy,
    wheel::Wheel,
};
use crate::{
    Moment,
    member::{Arrival, Member, Slot, Tried},
};

/// The backends that are ready, and how one of them is chosen.
#[derive(Clone, Debug)]
pub struct Pool {
    pub(super) strategy: Strategy,
    pub(super) ready: Box<[Ready]>,
    pub(super) wheel: Wheel,
    /// Shared by all snapshots of a service, so that turns go on where they were.
    pub(super) turns: Arc<AtomicUsize>,
    /// When a backend may be ready again, where none is.
    pub(super) resumes: Option<Moment>,
}

/// One attempt of one request.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The time.
    pub now: Moment,
    /// Any number, evenly distributed over all 64 bits.
    pub random: u64,
    /// Where the request has been before.
    pub tried: &'a Tried,
}

impl Pool {
    /// Chooses a backend and takes a place there; one in a queue only where no other backend has room.
    pub fn enter(&self, attempt: Attempt<'_>) -> Result<Arrival, Unavailable> {
        let position = self.turn();
        let arrival = [true, false].into_iter().find_map(|room| self.arrive(attempt, position, room));
        arrival.ok_or_else(|| self.why_not(attempt))
    }

    /// Chooses a backend that has room, and takes a place there.
    pub fn enter_now(&self, attempt: Attempt<'_>) -> Result<Slot, Unavailable> {
        match self.arrive(attempt, self.turn(), true) {
            Some(Arrival::Admitted(slot)) => Ok(slot),
            // Somebody was faster, and the place in the queue is given up again.
            Some(Arrival::Queued(_)) | None => Err(self.why_not(attempt)),
        }
    }

    /// Chooses a backend without taking a place.
    pub fn pick(&self, attempt: Attempt<'_>) -> Option<&Arc<Member>> {
        self.choose(attempt, self.turn(), false)
    }

    /// The backends that are ready, with their weights in force.
    pub fn ready(&self) -> impl ExactSizeIterator<Item = (&Arc<Member>, u32)> {
        self.ready.iter().map(|ready| (&ready.member, ready.weight))
    }

    /// How backends are chosen.
    pub const fn strategy(&self) -> Strategy {
        self.strategy
    }

    fn arrive(&self, attempt: Attempt<'_>, position: usize, needs_room: bool) -> Option<Arrival> {
        // A member may refuse what it seemed to allow a moment ago; then it no longer seems to.
        let mut choices = (0..self.ready.len()).map_while(|_| self.choose(attempt, position, needs_room));
        choices.find_map(|member| member.arrive(attempt.now).ok())
    }

    /// One for each request that looks for a place, whether it finds one or has to wait. Only the drawing strategy needs
    /// none, and is spared the counter that all threads share.
    fn turn(&self) -> usize {
        match self.strategy {
            Strategy::PowerOfTwoChoices => 0,
            _ => self.turns.fetch_add(1, Relaxed),
        }
    }

    fn choose(&self, attempt: Attempt<'_>, position: usize, needs_room: bool) -> Option<&Arc<Member>> {
        let Attempt { now, random, tried } = attempt;
        let eligible = |member: &Arc<Member>| {
            !tried.contains(member) && member.is_passable(now) && (!needs_room || member.gate().has_room())
        };
        let choice = Choice { ready: &self.ready, wheel: &self.wheel, position, random, now, eligible };
        choice.make(self.strategy).map(|index| &self.ready[index].member)
    }

    fn why_not(&self, Attempt { now, tried, .. }: Attempt<'_>) -> Unavailable {
        if self.ready.is_empty() {
            return Unavailable::NoneReady { retry_after: self.resumes.map(|moment| moment.since(now)) };
        }
        let mut left = self.ready.iter().map(|ready| &ready.member).filter(|member| !tried.contains(member));
        let Some(first) = left.next() else { return Unavailable::AllTried };
        let mut left = std::iter::once(first).chain(left);
        if left.clone().any(|member| member.is_passable(now)) {
            return Unavailable::Full;
        }
        let waits = left.by_ref().filter_map(|member| member.breaker()?.view(now).retry_after);
        Unavailable::Broken { retry_after: waits.min() }
    }
}

/// Why no backend takes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// All are down, ejected or drained.
    #[error("no backend is ready")]
    NoneReady {
        /// When one may be again; `None` where that is an operator's.
        retry_after: Option<Duration>,
    },
    /// Those that are ready have open breakers.
    #[error("circuit breakers of all backends are open")]
    Broken {
        /// When the first one tries again; `None` where that depends on trials under way or on an operator.
        retry_after: Option<Duration>,
    },
    /// No backend has room, not even to wait.
    #[error("all backends are at their limit")]
    Full,
    /// The request has been sent to all that are ready.
    #[error("all backends have been tried")]
    AllTried,
}
