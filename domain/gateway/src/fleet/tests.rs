use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{Backend, Service, Weight, balancing::Strategy, member::Limits};

fn backend(text: &str) -> Backend {
    Backend::parse(text).unwrap()
}

fn base() -> Vec<Backend> {
    ["http://a:1;weight=2", "http://b:1"].map(backend).into()
}

fn shown(overrides: &ServiceOverrides, base: &[Backend]) -> Vec<String> {
    let show = |listed: &Listed| format!("{} {} {listed}", listed.backend.authority(), listed.origin.name());
    overrides.listed(base).iter().map(show).collect()
}

#[test]
fn without_changes_the_base_is_the_list() {
    let none = ServiceOverrides::default();
    assert_eq!(shown(&none, &base()), ["a:1 configured weight 2", "b:1 configured weight 1"]);
}

#[test]
fn changes_lie_over_the_base_and_follow_it() {
    let mut changes = ServiceOverrides::default();
    changes.add(&base(), backend("http://c:1;weight=5")).unwrap();
    changes.adjust(&base(), "a:1", Edit::Set(Weight::new(7).unwrap()), Some(true)).unwrap();
    changes.force_open(&base(), "c:1", true).unwrap();
    changes.remove(&base(), "b:1").unwrap();
    assert_eq!(shown(&changes, &base()), ["a:1 configured weight 7, draining", "c:1 added weight 5"]);
    assert_eq!(
        changes.listed(&base()).iter().map(|listed| listed.forced_open).collect::<Vec<_>>(),
        [false, true]
    );
    // The base changes: what was changed stays so, what is new is as it is there.
    let later = ["http://d:1", "http://a:1", "http://b:1", "http://c:1;weight=9"].map(backend);
    assert_eq!(
        shown(&changes, &later),
        ["d:1 configured weight 1", "a:1 configured weight 7, draining", "c:1 configured weight 9",]
    );
}

#[test]
fn a_backend_that_was_removed_can_be_added_again() {
    let mut changes = ServiceOverrides::default();
    changes.adjust(&base(), "a:1", Edit::Keep, Some(true)).unwrap();
    changes.remove(&base(), "a:1").unwrap();
    assert_eq!(changes.adjust(&base(), "a:1", Edit::Keep, Some(false)), Err(Refusal::Unknown));
    changes.add(&base(), backend("http://a:1;weight=2")).unwrap();
    assert_eq!(changes, ServiceOverrides::default(), "nothing is left that differs from the base");
    changes.remove(&base(), "a:1").unwrap();
    changes.add(&base(), backend("http://a:1;weight=4")).unwrap();
    assert_eq!(shown(&changes, &base())[0], "a:1 configured weight 4");
    changes.adjust(&base(), "a:1", Edit::Reset, None).unwrap();
    assert_eq!(changes, ServiceOverrides::default());
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let mut changes = ServiceOverrides::default();
    assert_eq!(changes.add(&base(), backend("http://a:1")), Err(Refusal::Exists));
    assert_eq!(changes.remove(&base(), "z:1"), Err(Refusal::Unknown));
    assert_eq!(changes.force_open(&base(), "z:1", true), Err(Refusal::Unknown));
    changes.remove(&base(), "a:1").unwrap();
    let before = changes.clone();
    assert_eq!(changes.remove(&base(), "b:1"), Err(Refusal::Last));
    assert_eq!(changes, before);
    let many: Vec<_> = (1..=256).map(|port| backend(&format!("http://m:{port}"))).collect();
    assert_eq!(changes.add(&many, backend("http://c:1")), Err(Refusal::TooMany));
}

#[test]
fn settings_can_be_left_alone_changed_and_given_back() {
    let mut changes = ServiceOverrides::default();
    let few = Edit::Set(std::num::NonZeroU32::new(5).unwrap());
    changes.tune(Tuning {
        strategy: Edit::Set(Strategy::LeastConnections),
        in_flight: few,
        ..Tuning::default()
    });
    changes.tune(Tuning { waiting: Edit::Set(0), ..Tuning::default() });
    let configured = Limits { in_flight: 10, waiting: 20 };
    assert_eq!(changes.strategy(), Some(Strategy::LeastConnections));
    assert_eq!(changes.places().over(configured), Limits { in_flight: 5, waiting: 0 });
    changes.tune(Tuning { strategy: Edit::Reset, in_flight: Edit::Reset, waiting: Edit::Reset });
    assert_eq!(changes, ServiceOverrides::default());
    assert_eq!(changes.places().over(configured), configured);
}

#[test]
fn versions_grow() {
    let overrides = Overrides::none(7).succeeded();
    assert_eq!(overrides.version(), 8);
    let mut other =
        Overrides::restore(8, [(Fleet::Http(Service::Basket), ServiceOverrides::default())], None);
    assert_eq!(other, overrides);
    other.of_mut(Fleet::Http(Service::Basket)).add(&[], backend("http://a:1")).unwrap();
    assert_eq!(other.of(Fleet::Http(Service::Basket)).listed(&[]).len(), 1);
    assert!(other.of(Fleet::Http(Service::Product)).listed(&[]).is_empty());
}

proptest! {
    /// Whatever is done, lists have each backend once, never lose the last one, and say what was done last.
    #[test]
    fn lists_stay_sound(steps in vec((0..5_u8, 0..6_u16, 1..9_u16), 1..60)) {
        let base = base();
        let mut changes = ServiceOverrides::default();
        for (step, host, weight) in steps {
            let authority = format!("{}:1", ["a", "b", "c", "d", "e", "f"][usize::from(host)]);
            let listed = |changes: &ServiceOverrides| {
                changes.listed(&base).into_iter().find(|listed| listed.backend.authority() == authority)
            };
            let (before, was_there) = (changes.clone(), listed(&changes).is_some());
            let done = match step {
                0 => changes.add(&base, backend(&format!("http://{authority};weight={weight}"))),
                1 => changes.remove(&base, &authority),
                2 => changes.adjust(&base, &authority, Edit::Set(Weight::new(weight).unwrap()), None),
                3 => changes.adjust(&base, &authority, Edit::Keep, Some(weight % 2 == 0)),
                _ => changes.force_open(&base, &authority, weight % 2 == 0),
            };
            prop_assert_eq!(done.is_ok() && step == 0, !was_there && step == 0);
            if done.is_err() {
                prop_assert_eq!(&changes, &before);
            }
            let now = listed(&changes);
            match (done, step) {
                (Ok(()), 0 | 2) => prop_assert_eq!(now.unwrap().backend.weight().get(), weight),
                (Ok(()), 1) => prop_assert!(now.is_none()),
                (Ok(()), 3) => prop_assert_eq!(now.unwrap().draining, weight % 2 == 0),
                (Ok(()), _) => prop_assert_eq!(now.unwrap().forced_open, weight % 2 == 0),
                (Err(_), _) => {}
            }
            let all = changes.listed(&base);
            let mut names: Vec<_> = all.iter().map(|listed| listed.backend.authority().to_owned()).collect();
            names.sort();
            names.dedup();
            prop_assert!(!all.is_empty() && names.len() == all.len());
            let kept = ServiceOverrides::restore(changes.strategy(), changes.places(), changes.backends().to_vec());
            prop_assert_eq!(kept, changes.clone());
        }
    }
}
