//! Who takes part, and since when.

use super::*;
use crate::breaker::State;

const PAIR: &str = "http://a,http://b";

fn pair() -> Roster {
    let mut roster = roster(Strategy::RoundRobin, PAIR, settings());
    roster.refresh(at(NOW));
    roster
}

fn conditions(roster: &Roster, seconds: u64) -> Vec<&'static str> {
    roster.views(at(seconds)).iter().map(|view| view.condition.name()).collect()
}

/// So many probes of `a` in a row; whether the last one turned it.
fn probe(roster: &mut Roster, good: bool, times: u32, seconds: u64) -> bool {
    (0..times).map(|_| roster.probed("a", good, at(seconds))).last().unwrap()
}

#[test]
fn who_is_down_gets_nothing_and_comes_back_slowly() {
    let mut roster = pair();
    assert!(!probe(&mut roster, false, 2, NOW) && probe(&mut roster, false, 1, NOW));
    assert_counts(&counts(&roster.refresh(at(NOW)), 100, NOW), &[("b", 100)], 0);
    assert_eq!(conditions(&roster, NOW), ["down", "ready"]);

    assert!(probe(&mut roster, true, 2, NOW));
    assert_eq!(conditions(&roster, NOW), ["warming", "ready"]);
    let pool = roster.refresh(at(NOW));
    assert_counts(&counts(&pool, 11_000, NOW), &[("a", 1_000), ("b", 10_000)], 0);
    let half = roster.refresh(at(NOW + 15));
    assert_counts(&counts(&half, 15_000, NOW + 15), &[("a", 5_000), ("b", 10_000)], 0);
    let whole = roster.refresh(at(NOW + 30));
    assert_counts(&counts(&whole, 10_000, NOW + 30), &[("a", 5_000), ("b", 5_000)], 0);
    assert_eq!(conditions(&roster, NOW + 30), ["ready", "ready"]);
}

/// Refreshing only when it is due misses no step, and ends.
#[test]
fn a_slow_start_tells_its_steps() {
    let mut roster = pair();
    probe(&mut roster, false, 3, NOW);
    probe(&mut roster, true, 2, NOW);
    let mut shares = Vec::new();
    let mut now = at(NOW);
    loop {
        let pool = roster.refresh(now);
        shares.push(pool.ready().next().unwrap().1);
        let Some(due) = roster.due(now) else { break };
        assert!(due > now && due <= at(NOW + 31));
        now = due;
    }
    assert_eq!(shares, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
}

#[test]
fn without_anybody_ready_it_is_said_when_to_come_again() {
    let mut roster = pair();
    for authority in ["a", "b"] {
        for _ in 0..3 {
            roster.probed(authority, false, at(NOW));
        }
    }
    let pool = roster.refresh(at(NOW));
    let error = enter(&pool, &mut Random(1), &Tried::none(), NOW).unwrap_err();
    // Two probes, one each five seconds.
    assert_eq!(error, Unavailable::NoneReady { retry_after: Some(10 * SECOND) });
    let none = Roster::new(RosterSettings::default(), Strategy::RoundRobin).refresh(at(NOW));
    let error = enter(&none, &mut Random(1), &Tried::none(), NOW).unwrap_err();
    assert_eq!(error, Unavailable::NoneReady { retry_after: None });
}

#[test]
fn suspects_are_left_out_for_a_time_but_never_too_many() {
    let mut roster = pair();
    assert!(roster.suspected("a", at(NOW)));
    assert!(!roster.suspected("a", at(NOW)), "it is out already");
    assert!(!roster.suspected("b", at(NOW)), "half of them is the most");
    assert!(!roster.suspected("nobody", at(NOW)));
    assert_eq!(conditions(&roster, NOW), ["ejected", "ready"]);
    assert_eq!(roster.due(at(NOW)), Some(at(NOW + 30)));
    assert_counts(&counts(&roster.refresh(at(NOW + 29)), 100, NOW), &[("b", 100)], 0);
    assert_eq!(roster.refresh(at(NOW + 30)).ready().len(), 2);
    assert_eq!(conditions(&roster, NOW + 30), ["warming", "ready"]);
}

#[test]
fn the_only_backend_is_never_ejected() {
    let mut roster = roster(Strategy::RoundRobin, "http://a", settings());
    assert!(!roster.suspected("a", at(NOW)));
}

#[test]
fn a_drain_loses_no_request() {
    let mut roster = pair();
    let old = roster.refresh(at(NOW));
    let mut random = Random(1);
    let slots = [(); 2].map(|()| enter(&old, &mut random, &Tried::none(), NOW).unwrap());
    let drained = roster.drain("a").unwrap();
    assert!(!drained.is_idle());
    // Those who still hold the old pool are turned to the other one.
    assert_counts(&counts(&old, 100, NOW), &[("b", 100)], 0);
    assert_counts(&counts(&roster.refresh(at(NOW)), 100, NOW), &[("b", 100)], 0);
    drop(slots);
    assert!(drained.is_idle());
    roster.resume("a", at(NOW)).unwrap();
    assert_eq!(conditions(&roster, NOW), ["warming", "ready"]);
    assert_eq!(roster.remove("a").unwrap().backend().authority(), "a");
    assert_eq!(roster.drain("a").unwrap_err(), RosterError::Unknown);
}

#[test]
fn changes_are_checked() {
    let mut roster = pair();
    let again = Backend::parse("http://a").unwrap();
    let again = Arc::new(Member::new(again, settings(), Arc::new(NoBell), at(NOW)));
    assert_eq!(roster.add(again, at(NOW)), Err(RosterError::Duplicate));
    roster.set_strategy(Strategy::WeightedRoundRobin);
    roster.set_weight("b", Weight::new(4).unwrap()).unwrap();
    assert_counts(&counts(&roster.refresh(at(NOW)), 1_000, NOW), &[("a", 200), ("b", 800)], 0);
}

#[test]
fn who_may_not_wait_takes_a_free_place_or_none() {
    let limits = Limits { in_flight: 1, waiting: 1 };
    let pool = roster(Strategy::RoundRobin, PAIR, MemberSettings { limits, ..settings() }).refresh(at(NOW));
    let tried = Tried::none();
    let attempt = |random| Attempt { now: at(NOW), random, tried: &tried };
    let slots = [1, 2].map(|random| pool.enter_now(attempt(random)).unwrap());
    assert_ne!(name(&slots[0]), name(&slots[1]));
    assert_eq!(pool.enter_now(attempt(3)).unwrap_err(), Unavailable::Full);
    let views = slots.each_ref().map(|slot| slot.member().gate().counts().waiting);
    assert_eq!(views, [0, 0], "nobody waits");
    drop(slots);
    assert!(pool.enter_now(attempt(4)).is_ok());
}

#[test]
fn open_breakers_and_full_backends_are_told_apart() {
    let limits = Limits { in_flight: 1, waiting: 1 };
    let breaker = BreakerSettings { minimum_calls: 1, ..BreakerSettings::default() };
    let settings = MemberSettings { limits, breaker: Some(breaker), outliers: None };
    let pool = roster(Strategy::LeastConnections, PAIR, settings).refresh(at(NOW));
    let mut random = Random(1);
    let tried = Tried::none();
    let attempt = |random| Attempt { now: at(NOW), random, tried: &tried };

    let slots = [(); 2].map(|()| enter(&pool, &mut random, &Tried::none(), NOW).unwrap());
    assert_ne!(name(&slots[0]), name(&slots[1]), "nobody waits while another one has room");
    let places: Vec<_> = (0..2).map(|_| pool.enter(attempt(random.next())).unwrap()).collect();
    assert!(places.iter().all(|arrival| matches!(arrival, Arrival::Queued(_))));
    assert_eq!(pool.enter(attempt(random.below(9))).unwrap_err(), Unavailable::Full);

    for mut slot in slots {
        assert_eq!(slot.answered(Outcome::Answered(500), at(NOW)).breaker, Some(State::Open));
    }
    let retry_after = Some(30 * SECOND);
    assert_eq!(pool.enter(attempt(1)).unwrap_err(), Unavailable::Broken { retry_after });
}
