//! The quota that clients have, which may change while the gateway runs.

use std::sync::{Arc, PoisonError, RwLock};

use gateway_domain::limit::Quota;

/// What each client may send to each class of routes; clones share it. Limiters look at it with every request.
#[derive(Clone, Debug, Default)]
pub struct RateQuota(Arc<RwLock<(Option<Quota>, u64)>>);

impl RateQuota {
    /// The quota, where there is one, and its epoch: what was counted in another one MUST NOT count.
    pub fn current(&self) -> (Option<Quota>, u64) {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the quota, which begins another epoch where it is another one.
    pub fn replace(&self, quota: Option<Quota>) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if current.0 != quota {
            *current = (quota, current.1 + 1);
        }
    }
}

impl From<Option<Quota>> for RateQuota {
    fn from(quota: Option<Quota>) -> Self {
        Self(Arc::new(RwLock::new((quota, 0))))
    }
}
