//! Who gets how many of 10,000 requests.

use super::*;

const REQUESTS: u32 = 10_000;
const EQUAL: &str = "http://a,http://b,http://c,http://d";
const WEIGHTED: &str = "http://a;weight=5,http://b;weight=3,http://c;weight=2";

#[test]
fn round_robin_gives_each_the_same() {
    let counts = counts(&pool(Strategy::RoundRobin, EQUAL), REQUESTS, NOW);
    assert_counts(&counts, &[("a", 2_500), ("b", 2_500), ("c", 2_500), ("d", 2_500)], 0);
}

#[test]
fn round_robin_puts_weights_aside() {
    let counts = counts(&pool(Strategy::RoundRobin, WEIGHTED), 9_999, NOW);
    assert_counts(&counts, &[("a", 3_333), ("b", 3_333), ("c", 3_333)], 0);
}

#[test]
fn weighted_round_robin_gives_each_its_share() {
    let counts = counts(&pool(Strategy::WeightedRoundRobin, WEIGHTED), REQUESTS, NOW);
    assert_counts(&counts, &[("a", 5_000), ("b", 3_000), ("c", 2_000)], 0);
}

#[test]
fn least_connections_gives_idle_ones_their_share() {
    let counts = counts(&pool(Strategy::LeastConnections, WEIGHTED), REQUESTS, NOW);
    assert_counts(&counts, &[("a", 5_000), ("b", 3_000), ("c", 2_000)], 0);
}

#[test]
fn least_connections_fills_in_proportion_to_the_weights() {
    let pool = pool(Strategy::LeastConnections, WEIGHTED);
    let mut random = Random(7);
    let slots: Vec<_> = (0..1_000).map(|_| enter(&pool, &mut random, &Tried::none(), NOW).unwrap()).collect();
    let mut counts = HashMap::new();
    for slot in &slots {
        *counts.entry(name(slot)).or_default() += 1;
    }
    assert_counts(&counts, &[("a", 500), ("b", 300), ("c", 200)], 1);
}

#[test]
fn least_connections_spares_who_is_slow_to_answer() {
    let pool = pool(Strategy::LeastConnections, EQUAL);
    let mut random = Random(7);
    let mut held = Vec::new();
    let mut counts = HashMap::new();
    for _ in 0..REQUESTS {
        let slot = enter(&pool, &mut random, &Tried::none(), NOW).unwrap();
        *counts.entry(name(&slot)).or_default() += 1;
        if name(&slot) == "a" {
            held.push(slot);
        }
    }
    assert_counts(&counts, &[("a", 1), ("b", 3_333), ("c", 3_333), ("d", 3_333)], 100);
}

#[test]
fn two_choices_give_equal_ones_the_same() {
    let counts = counts(&pool(Strategy::PowerOfTwoChoices, EQUAL), REQUESTS, NOW);
    assert_counts(&counts, &[("a", 2_500), ("b", 2_500), ("c", 2_500), ("d", 2_500)], 150);
}

#[test]
fn two_choices_give_idle_ones_their_share() {
    let counts = counts(&pool(Strategy::PowerOfTwoChoices, "http://a;weight=3,http://b"), REQUESTS, NOW);
    assert_counts(&counts, &[("a", 7_500), ("b", 2_500)], 150);
}

/// Requests arrive every millisecond; three backends take 10 ms, one takes 100 ms.
#[test]
fn two_choices_send_little_to_who_is_slow() {
    let pool = pool(Strategy::PowerOfTwoChoices, EQUAL);
    let mut random = Random(7);
    let mut under_way: Vec<(u64, Slot)> = Vec::new();
    let mut counts: HashMap<String, u32> = HashMap::new();
    let moment = |millis: u64| at(NOW).plus(Duration::from_millis(millis));
    for millis in 0..u64::from(REQUESTS) {
        let (ended, rest) = under_way.into_iter().partition(|(end, _)| *end <= millis);
        under_way = rest;
        for (_, mut slot) in ended {
            slot.answered(Outcome::Answered(200), moment(millis));
        }
        let attempt = Attempt { now: moment(millis), random: random.next(), tried: &Tried::none() };
        let Arrival::Admitted(slot) = pool.enter(attempt).unwrap() else { panic!("there is room") };
        let takes = if name(&slot) == "a" { 100 } else { 10 };
        *counts.entry(name(&slot)).or_default() += 1;
        under_way.push((millis + takes, slot));
    }
    assert!(counts["a"] < REQUESTS / 20, "{counts:?}");
    let fast = ["b", "c", "d"].map(|name| counts[name]);
    assert!(fast.iter().all(|count| count.abs_diff(3_250) < 300), "{counts:?}");
}

/// Runs `work` in four threads and adds up whom they chose.
fn by_threads(work: impl Fn(&mut Random) -> HashMap<String, u32> + Sync) -> HashMap<String, u32> {
    let mut total: HashMap<String, u32> = HashMap::new();
    std::thread::scope(|scope| {
        let work = &work;
        let threads = [1, 2, 3, 4].map(|seed| scope.spawn(move || work(&mut Random(seed))));
        for (name, count) in threads.into_iter().flat_map(|thread| thread.join().unwrap()) {
            *total.entry(name).or_default() += count;
        }
    });
    total
}

#[test]
fn threads_share_the_turns() {
    for strategy in Strategy::ALL {
        let pool = pool(strategy, WEIGHTED);
        let counts = by_threads(|random| {
            let mut counts = HashMap::new();
            for _ in 0..REQUESTS / 4 {
                let attempt = Attempt { now: at(NOW), random: random.next(), tried: &Tried::none() };
                let member = pool.pick(attempt).unwrap();
                *counts.entry(member.backend().authority().to_owned()).or_default() += 1;
            }
            counts
        });
        match strategy {
            Strategy::RoundRobin => assert_counts(&counts, &[("a", 3_333), ("b", 3_333), ("c", 3_333)], 1),
            Strategy::PowerOfTwoChoices => {
                assert_counts(&counts, &[("a", 5_000), ("b", 3_000), ("c", 2_000)], 200);
            }
            _ => assert_counts(&counts, &[("a", 5_000), ("b", 3_000), ("c", 2_000)], 0),
        }
    }
}

#[test]
fn threads_fill_the_least_connected() {
    let pool = pool(Strategy::LeastConnections, EQUAL);
    let held = std::sync::Mutex::new(Vec::new());
    let counts = by_threads(|random| {
        let slots = [(); 250].map(|()| enter(&pool, random, &Tried::none(), NOW).unwrap());
        let mut counts = HashMap::new();
        for slot in &slots {
            *counts.entry(name(slot)).or_default() += 1;
        }
        held.lock().unwrap().extend(slots);
        counts
    });
    // Threads that choose at the same time see the same counts, so one backend may be ahead by as many.
    assert_counts(&counts, &[("a", 250), ("b", 250), ("c", 250), ("d", 250)], 4);
    drop(held);
    assert!(pool.ready().all(|(member, _)| member.is_idle()));
}

#[test]
fn a_retry_goes_where_the_request_has_not_been() {
    for strategy in Strategy::ALL {
        let pool = pool(strategy, EQUAL);
        let mut random = Random(3);
        for _ in 0..100 {
            let mut tried = Tried::none();
            for _ in 0..4 {
                let slot = enter(&pool, &mut random, &tried, NOW).unwrap();
                assert!(!tried.contains(slot.member()), "{strategy}");
                tried.add(slot.member());
            }
            assert_eq!(enter(&pool, &mut random, &tried, NOW).unwrap_err(), Unavailable::AllTried);
        }
    }
}

/// Were the next one on the wheel the replacement, it would get the whole share of the one that is broken.
#[test]
fn the_share_of_an_open_breaker_goes_to_all_others() {
    for strategy in Strategy::ALL {
        let pool = pool(strategy, EQUAL);
        let (broken, _) = pool.ready().next().unwrap();
        broken.breaker().unwrap().force_open(at(NOW));
        let counts = counts(&pool, REQUESTS, NOW);
        assert_counts(&counts, &[("b", 3_333), ("c", 3_333), ("d", 3_333)], 250);
    }
}

/// Who looks for a place and finds none has had one turn, not two: with an even number of backends, every other one would
/// never be waited for.
#[test]
fn those_that_wait_are_spread_like_those_that_need_not() {
    let limits = Limits { in_flight: 1, waiting: 100 };
    let pool = roster(Strategy::RoundRobin, EQUAL, MemberSettings { limits, ..settings() }).refresh(at(NOW));
    let (mut random, tried) = (Random(5), Tried::none());
    let mut arrive = || pool.enter(Attempt { now: at(NOW), random: random.next(), tried: &tried }).unwrap();
    let _held: Vec<_> = (0..44).map(|_| arrive()).collect();
    let waiting: Vec<_> = pool.ready().map(|(member, _)| member.gate().counts().waiting).collect();
    assert_eq!(waiting, [10; 4]);
}

#[test]
fn turns_go_on_when_the_pool_is_replaced() {
    let mut roster = roster(Strategy::RoundRobin, "http://a,http://b", settings());
    let mut random = Random(1);
    let names: String = (0..4)
        .map(|_| name(&enter(&roster.refresh(at(NOW)), &mut random, &Tried::none(), NOW).unwrap()))
        .collect();
    assert_eq!(names, "abab");
}

mod properties {
    use proptest::{collection::vec, prelude::*};

    use super::{Strategy, *};

    proptest! {
        /// Whatever is tried, full or broken: a choice is made exactly where there is one, and it is a legal one.
        #[test]
        fn a_choice_is_found_where_there_is_one(
            members in vec((1_u16..50, any::<bool>(), any::<bool>(), any::<bool>()), 1..12),
            strategy in prop::sample::select(&Strategy::ALL[..]),
            seed in any::<u64>(),
        ) {
            let list: Vec<_> = members.iter().enumerate()
                .map(|(index, (weight, ..))| format!("http://m{index};weight={weight}")).collect();
            let limits = Limits { in_flight: 1, waiting: 0 };
            let pool = roster(strategy, &list.join(","), MemberSettings { limits, ..settings() }).refresh(at(NOW));
            let (mut tried, mut held) = (Tried::none(), Vec::new());
            let mut free = 0;
            for ((member, _), (_, is_tried, is_full, is_broken)) in pool.ready().zip(&members) {
                if *is_tried { tried.add(member); }
                if *is_full { held.push(member.arrive(at(NOW)).unwrap()); }
                if *is_broken { member.breaker().unwrap().force_open(at(NOW)); }
                free += u32::from(!is_tried && !is_full && !is_broken);
            }
            let mut random = Random(seed);
            for _ in 0..free {
                let slot = enter(&pool, &mut random, &tried, NOW).unwrap();
                prop_assert!(!tried.contains(slot.member()));
                held.push(Arrival::Admitted(slot));
            }
            prop_assert!(enter(&pool, &mut random, &tried, NOW).is_err());
        }
    }
}
