//! What a backend may take: time and requests at once.

use gateway_application::policy::{BreakerSettings, Limits, MemberSettings, OutlierSettings};
use gateway_proxy::Timeouts;
use platform_runtime::Settings;

use super::time;

pub(super) fn timeouts(settings: &mut Settings) -> Timeouts {
    let about = "until an answer is complete, or a client has read it; event streams excepted";
    Timeouts {
        connect: time(settings, "UPSTREAM_CONNECT_TIMEOUT", "2s", "until a backend accepts a connection"),
        first_byte: time(settings, "UPSTREAM_FIRST_BYTE_TIMEOUT", "20s", "until a backend begins to answer"),
        whole: time(settings, "UPSTREAM_TIMEOUT", "60s", about),
    }
}

pub(super) fn member(
    settings: &mut Settings,
    breaker: Option<BreakerSettings>,
    outliers: Option<OutlierSettings>,
) -> MemberSettings {
    let about = "requests at once at one backend";
    let in_flight = settings.number_in("UPSTREAM_MAX_IN_FLIGHT", 1_024, 1..=1_000_000, about);
    let about = "requests that wait for one backend; more are answered 503";
    let waiting = settings.number_in("UPSTREAM_MAX_WAITING", 1_024, 0..=1_000_000, about);
    MemberSettings { limits: Limits { in_flight, waiting }, breaker, outliers }
}
