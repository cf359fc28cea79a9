//! The limits of clients.

use gateway_application::{RateFigures, RateView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::millis;

/// The limits of clients.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub(crate) struct LimitsBody {
    rate: RateBody,
}

/// How many requests each client may send to each kind of routes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RateLimit)]
struct RateBody {
    /// Whether clients are limited.
    enabled: bool,
    /// Whether an operator has changed it.
    changed: bool,
    /// Requests that are earned in a window; `null` where clients are not limited.
    #[schema(required)]
    requests: Option<u32>,
    #[schema(required)]
    window_ms: Option<u64>,
    /// Requests at once.
    #[schema(required)]
    burst: Option<u32>,
}

/// How many requests each client may send to each kind of routes; without `enabled: false`, all three numbers are needed.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = RateLimitChange)]
pub(crate) struct RateChangeBody {
    /// `false` for no limit.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// Requests that are earned in a window.
    #[schema(minimum = 1, maximum = 1_000_000, example = 100)]
    pub(crate) requests: Option<u32>,
    #[schema(minimum = 1, example = 60_000)]
    pub(crate) window_ms: Option<u64>,
    /// Requests at once.
    #[schema(minimum = 1, maximum = 1_000_000, example = 10)]
    pub(crate) burst: Option<u32>,
}

const fn yes() -> bool {
    true
}

impl From<RateView> for LimitsBody {
    fn from(RateView { changed, limit, .. }: RateView) -> Self {
        let figure = |read: fn(RateFigures) -> u32| limit.map(read);
        let rate = RateBody {
            enabled: limit.is_some(),
            changed,
            requests: figure(|limit| limit.requests),
            window_ms: limit.map(|limit| millis(limit.window)),
            burst: figure(|limit| limit.burst),
        };
        Self { rate }
    }
}
