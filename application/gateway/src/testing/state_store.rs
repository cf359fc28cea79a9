//! A state store in memory, and what every state store promises.

use std::{
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use gateway_domain::{
    Backend, Service, Weight,
    balancing::Strategy,
    fleet::{Edit, Fleet, Overrides, RateRule, Tuning},
    limit::Quota,
};
use kernel_application::StoreError;

use crate::StateStore;

/// Keeps the last state, unless it is told to fail.
#[derive(Default)]
pub struct MemoryState {
    kept: Mutex<Option<Overrides>>,
    failing: Mutex<bool>,
}

impl MemoryState {
    /// Whether saving fails from now on.
    pub fn set_failing(&self, failing: bool) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = failing;
    }
}

#[async_trait]
impl StateStore for MemoryState {
    async fn load(&self) -> Result<Option<Overrides>, StoreError> {
        Ok(self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn save(&self, overrides: &Overrides) -> Result<(), StoreError> {
        if *self.failing.lock().unwrap_or_else(PoisonError::into_inner) {
            let source = "disk is full".into();
            return Err(StoreError::Unavailable { store: "gateway state", operation: "save", source });
        }
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(overrides.clone());
        Ok(())
    }
}

/// Changes of every kind, at the given version.
///
/// # Panics
/// Never: all of them make sense.
#[expect(clippy::expect_used, reason = "a test whose changes make no sense cannot go on")]
pub fn every_change(version: u64) -> Overrides {
    let backend = |text: &str| Backend::parse(text).expect("backend");
    let base = ["http://a:1", "http://b:1", "http://c:1"].map(backend);
    let mut overrides = Overrides::none(version);
    let product = overrides.of_mut(Fleet::Http(Service::Product));
    product.add(&base, backend("http://[::1]:9;weight=5")).expect("add");
    product.add(&base, backend("https://10.0.0.7:8443;server_name=products.internal")).expect("add");
    product.remove(&base, "b:1").expect("remove");
    product.adjust(&base, "a:1", Edit::Set(Weight::new(7).expect("weight")), Some(true)).expect("adjust");
    product.force_open(&base, "c:1", true).expect("force open");
    overrides.of_mut(Fleet::Grpc(Service::Payment)).tune(Tuning {
        strategy: Edit::Set(Strategy::PowerOfTwoChoices),
        in_flight: Edit::Set(NonZeroU32::new(9).expect("places")),
        waiting: Edit::Set(0),
    });
    let (requests, burst) = (NonZeroU32::MIN, NonZeroU32::MIN);
    let quota = Quota::new(requests, Duration::from_millis(1_500), burst).expect("quota");
    overrides.set_rate(Some(RateRule::Limited(quota)));
    overrides
}

/// A new store has nothing; then it has what was saved last, also for one that is `open`ed anew.
///
/// # Panics
/// Where the store breaks its promise.
#[expect(clippy::expect_used, reason = "a suite fails by panicking")]
pub async fn keeps_what_was_saved_last<S: StateStore>(open: impl Fn() -> S) {
    let store = open();
    assert_eq!(store.load().await.expect("load"), None);
    let mut unlimited = Overrides::none(u64::MAX);
    unlimited.set_rate(Some(RateRule::Unlimited));
    for overrides in [every_change(1), Overrides::none(2), unlimited, every_change(3)] {
        store.save(&overrides).await.expect("save");
        assert_eq!(store.load().await.expect("load"), Some(overrides));
    }
    drop(store);
    assert_eq!(open().load().await.expect("load"), Some(every_change(3)));
}
