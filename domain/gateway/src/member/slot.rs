//! The places of single requests. Dropping one gives it back, however the request ends.

use std::sync::Arc;

use super::{Member, Refused};
use crate::{
    Moment,
    breaker::{Permit, State},
    health::Suspicion,
    outcome::{Outcome, Verdict},
};

/// A request under way at a member. Keep it until the last byte of the answer has been passed on.
#[derive(Debug)]
pub struct Slot {
    member: Arc<Member>,
    permit: Option<Permit>,
    started: Moment,
    /// Whether its latency has been observed.
    begun: bool,
    answered: bool,
    left: bool,
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The breaker's new state.
    pub breaker: Option<State>,
    /// A reason to leave the member out: tell [`Roster::suspected`](crate::balancing::Roster::suspected).
    pub suspicion: Option<Suspicion>,
}

impl Slot {
    pub(super) const fn new(member: Arc<Member>, permit: Option<Permit>, started: Moment) -> Self {
        Self { member, permit, started, begun: false, answered: false, left: false }
    }

    /// The member.
    pub const fn member(&self) -> &Arc<Member> {
        &self.member
    }

    /// When the request was let in.
    pub const fn started(&self) -> Moment {
        self.started
    }

    /// The answer has begun, and its outcome comes with its end: only what the backend took until now is its latency.
    pub fn began(&mut self, now: Moment) {
        if !std::mem::replace(&mut self.begun, true) {
            self.member.latency.observe(now.since(self.started), now);
        }
    }

    /// Says what became of the request, as soon as the head of the answer is there or never will be. Only the first
    /// outcome counts; a slot that is dropped without any counts as [`Outcome::Cancelled`].
    pub fn answered(&mut self, outcome: Outcome, now: Moment) -> Findings {
        if std::mem::replace(&mut self.answered, true) {
            return Findings::default();
        }
        let verdict = outcome.verdict();
        // A backend that fails at once is not fast: only its answers and its slowness count as latency.
        if verdict == Verdict::Good || outcome == Outcome::TimedOut {
            self.began(now);
        }
        Findings {
            breaker: self.give_back(outcome, now),
            suspicion: self.member.outliers.as_ref().and_then(|outliers| outliers.record(verdict, now)),
        }
    }

    /// Gives the place back before the slot is dropped: nothing of the request is under way at the member any more.
    pub fn leave(&mut self) {
        if !std::mem::replace(&mut self.left, true) {
            self.member.gate.leave();
        }
    }

    fn give_back(&mut self, outcome: Outcome, now: Moment) -> Option<State> {
        self.member.breaker()?.record(self.permit.take()?, outcome, now)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // A cancelled trial changes no state, so it does not matter that its time is an old one.
        self.give_back(Outcome::Cancelled, self.started);
        self.leave();
    }
}

/// A request that waits for a member.
#[derive(Debug)]
pub struct Place {
    member: Arc<Member>,
    waiting: bool,
}

/// Answer to a request that has waited.
#[derive(Debug)]
pub enum Turn {
    /// It may go on.
    Admitted(Slot),
    /// Somebody else was faster: wait for the next ring.
    Wait(Place),
    /// The member takes no request any more: try another one.
    Refused(Refused),
}

impl Place {
    pub(super) const fn new(member: Arc<Member>) -> Self {
        Self { member, waiting: true }
    }

    /// The member.
    pub const fn member(&self) -> &Arc<Member> {
        &self.member
    }

    /// Tries to get in. Call it when the bell rings, and once after the place was taken, in case it rang before.
    pub fn enter(mut self, now: Moment) -> Turn {
        // Nobody waits for a place that is not to be had any more, however long those before it take.
        if self.member.is_barred() {
            return Turn::Refused(Refused::Barred);
        }
        if !self.member.gate.enter() {
            return Turn::Wait(self);
        }
        self.waiting = false;
        self.member.admit(now).map_or_else(Turn::Refused, Turn::Admitted)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.waiting {
            self.member.gate.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use super::*;
    use crate::{
        Backend,
        breaker::BreakerSettings,
        health::OutlierSettings,
        member::{Arrival, Counts, Limits, MemberSettings, NoBell},
    };

    const NOW: Moment = Moment::START;

    fn member(limits: Limits) -> Arc<Member> {
        let settings = MemberSettings {
            limits,
            breaker: Some(BreakerSettings {
                max_requests: NonZeroU32::MIN,
                minimum_calls: 2,
                ..Default::default()
            }),
            outliers: Some(OutlierSettings { consecutive: NonZeroU32::MIN, ..Default::default() }),
        };
        Arc::new(Member::new(Backend::parse("http://a:1").unwrap(), settings, Arc::new(NoBell), NOW))
    }

    fn admitted(member: &Arc<Member>, now: Moment) -> Slot {
        match member.arrive(now).unwrap() {
            Arrival::Admitted(slot) => slot,
            Arrival::Queued(_) => panic!("queued"),
        }
    }

    #[test]
    fn a_slot_counts_until_it_is_dropped() {
        let member = member(Limits::default());
        let mut slot = admitted(&member, NOW);
        slot.answered(Outcome::Answered(200), NOW);
        assert!(!member.is_idle());
        drop(slot);
        assert!(member.is_idle());
    }

    #[test]
    fn a_place_that_was_given_back_is_not_given_back_again() {
        let member = member(Limits { in_flight: 2, waiting: 0 });
        let (mut early, _late) = (admitted(&member, NOW), admitted(&member, NOW));
        early.answered(Outcome::Answered(503), NOW);
        early.leave();
        assert_eq!(member.gate().counts().in_flight, 1);
        drop(early);
        assert_eq!(member.gate().counts().in_flight, 1);
    }

    #[test]
    fn outcomes_reach_breaker_record_and_latency_once() {
        let member = member(Limits::default());
        let mut slots = [(); 2].map(|()| admitted(&member, NOW));
        let first = slots[0].answered(Outcome::Answered(503), NOW);
        assert_eq!(first, Findings { breaker: None, suspicion: Some(Suspicion::Consecutive(1)) });
        assert_eq!(slots[0].answered(Outcome::Answered(503), NOW), Findings::default());
        let late = NOW.plus(Duration::from_secs(2));
        assert_eq!(slots[1].answered(Outcome::TimedOut, late).breaker, Some(State::Open));
        assert!((member.latency().seconds(late) - 2.0).abs() < 0.01);
        assert_eq!(member.arrive(NOW).unwrap_err(), Refused::Broken);
        drop(slots);
        assert!(member.is_idle(), "who is refused leaves no trace");
    }

    #[test]
    fn the_latency_of_a_long_answer_is_that_of_its_beginning() {
        let member = member(Limits::default());
        let mut slot = admitted(&member, NOW);
        let (begun, ended) = (NOW.plus(Duration::from_millis(20)), NOW.plus(Duration::from_hours(1)));
        slot.began(begun);
        let seconds = member.latency().seconds(begun);
        assert!((0.02..0.05).contains(&seconds), "{seconds}");
        slot.answered(Outcome::Answered(200), ended);
        assert!(member.latency().seconds(ended) <= seconds);
    }

    #[test]
    fn a_dropped_trial_makes_room_for_another() {
        let member = member(Limits::default());
        for _ in 0..2 {
            admitted(&member, NOW).answered(Outcome::Broken, NOW);
        }
        let later = NOW.plus(Duration::from_mins(1));
        drop(admitted(&member, later));
        let state = admitted(&member, later).answered(Outcome::Answered(200), later).breaker;
        assert_eq!(state, Some(State::Closed));
    }

    #[test]
    fn a_place_becomes_a_slot_or_is_given_up() {
        let member = member(Limits { in_flight: 1, waiting: 2 });
        let slot = admitted(&member, NOW);
        let mut places = [(); 2].map(|()| match member.arrive(NOW).unwrap() {
            Arrival::Queued(place) => Some(place),
            Arrival::Admitted(_) => None,
        });
        assert_eq!(member.arrive(NOW).unwrap_err(), Refused::Full);
        let Turn::Wait(first) = places[0].take().unwrap().enter(NOW) else { panic!("there is no room yet") };
        drop((slot, places));
        assert_eq!(member.gate().counts(), Counts { in_flight: 0, waiting: 1 });
        let Turn::Admitted(_slot) = first.enter(NOW) else { panic!("there is room") };
        assert_eq!(member.gate().counts(), Counts { in_flight: 1, waiting: 0 });
    }

    #[test]
    fn a_barred_member_lets_nobody_in_who_waited() {
        let member = member(Limits { in_flight: 1, waiting: 1 });
        let slot = admitted(&member, NOW);
        let Arrival::Queued(place) = member.arrive(NOW).unwrap() else { panic!("there is no room") };
        member.bar();
        assert!(matches!(place.enter(NOW), Turn::Refused(Refused::Barred)), "it need not wait for a place");
        assert_eq!(member.gate().counts(), Counts { in_flight: 1, waiting: 0 });
        drop(slot);
        assert!(member.is_idle());
    }

    /// Once a barred member was seen idle, no thread is ever inside again.
    #[test]
    fn nobody_slips_in_after_a_drain() {
        for _ in 0..200 {
            let member = member(Limits::default());
            let stopped = std::sync::atomic::AtomicBool::new(false);
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        while let Ok(arrival) = member.arrive(NOW) {
                            assert!(
                                !stopped.load(std::sync::atomic::Ordering::SeqCst),
                                "inside a stopped backend"
                            );
                            drop(arrival);
                        }
                    });
                }
                member.bar();
                while !member.is_idle() {
                    std::hint::spin_loop();
                }
                stopped.store(true, std::sync::atomic::Ordering::SeqCst);
            });
        }
    }
}
