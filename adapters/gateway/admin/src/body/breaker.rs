//! Circuit breakers.

use gateway_application::{BackendStatus, BalancerView, BreakerStatus};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::millis;

/// The circuit breakers of a service.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CircuitBreakers)]
pub(crate) struct BreakersBody {
    #[schema(example = "product")]
    service: &'static str,
    /// Whether there are any.
    enabled: bool,
    breakers: Vec<BreakerBody>,
}

/// A circuit breaker.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CircuitBreaker)]
pub(crate) struct BreakerBody {
    /// The id of its backend.
    #[schema(example = "10.0.0.7:8080")]
    backend: String,
    /// `closed`, `open`, `half_open` or `forced_open`.
    #[schema(example = "closed")]
    state: &'static str,
    /// For how long it has been in this state.
    time_in_state_ms: u64,
    /// How often it has opened by itself.
    trips: u64,
    /// The calls of the rolling window.
    calls: u64,
    /// Those of them that failed.
    failures: u64,
    /// How long it stays open; `null` where it is not, or an operator holds it open.
    #[schema(required)]
    retry_after_ms: Option<u64>,
}

/// The state that a breaker is to have.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = CircuitBreakerState)]
pub(crate) struct BreakerStateBody {
    /// `forced_open` until somebody says otherwise, or `closed`, without the failures so far.
    #[schema(example = "closed")]
    pub(crate) state: String,
}

impl From<BalancerView> for BreakersBody {
    fn from(view: BalancerView) -> Self {
        let breakers: Vec<_> = view.backends.into_iter().filter_map(BreakerBody::of).collect();
        Self { service: view.service, enabled: view.enabled && !breakers.is_empty(), breakers }
    }
}

impl BreakerBody {
    /// The breaker of a backend, if it has one.
    pub(crate) fn of(backend: BackendStatus) -> Option<Self> {
        let BreakerStatus { state, time_in_state, trips, calls, failures, retry_after } = backend.breaker?;
        Some(Self {
            backend: backend.backend,
            state,
            time_in_state_ms: millis(time_in_state),
            trips,
            calls,
            failures,
            retry_after_ms: retry_after.map(millis),
        })
    }
}
