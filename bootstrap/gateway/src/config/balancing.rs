//! How requests are spread over backends, and how their health is known.

use std::num::NonZeroU32;

use gateway_application::{
    BalancingSettings,
    policy::{
        BreakerSettings, BudgetSettings, EjectionSettings, OutlierSettings, ProbeSettings, RosterSettings,
        Share, Strategy,
    },
};
use gateway_proxy::{ProbePath, ProbeTarget};
use platform_runtime::Settings;

use super::{time, upstream};

pub(super) fn declare(settings: &mut Settings) -> BalancingSettings {
    let about = "whether requests are spread; otherwise the first backend of each list takes all of them";
    let enabled = settings.flag("LOAD_BALANCER_ENABLED", true, about);
    let strategies = Strategy::ALL.map(|strategy| (strategy.name(), strategy));
    let about = "how a backend is chosen";
    let strategy = settings.choice("LOAD_BALANCER_STRATEGY", "round_robin", &strategies, about);
    let about = "how long a backend that comes back takes to get its full share";
    let slow_start = settings.duration("LOAD_BALANCER_SLOW_START", "30s", about);
    let probes = probes(settings);
    let (outliers, ejection) = outliers(settings);
    let breaker = breaker(settings);
    let member = upstream::member(settings, breaker, outliers);
    BalancingSettings {
        enabled,
        strategy: strategy.unwrap_or_default(),
        roster: RosterSettings { probes, ejection, slow_start },
        member,
        queue: time(
            settings,
            "UPSTREAM_QUEUE_TIMEOUT",
            "1s",
            "how long a request waits for a place at a backend",
        ),
        budget: BudgetSettings {
            share: percent(
                settings,
                "RETRY_BUDGET",
                20,
                "how many of the requests may be sent again, in percent",
            ),
            ..BudgetSettings::default()
        },
    }
}

pub(super) fn probe(settings: &mut Settings) -> ProbeTarget {
    let about = "what backends are asked; 200 means ready";
    let path = settings.parsed::<ProbePath>(
        "HEALTH_CHECK_PATH",
        "/health/ready",
        "a path such as /health/ready",
        about,
    );
    let timeout = time(settings, "HEALTH_CHECK_TIMEOUT", "1s", "how long a probe may take");
    ProbeTarget { path: path.unwrap_or_default(), timeout }
}

fn probes(settings: &mut Settings) -> ProbeSettings {
    ProbeSettings {
        interval: time(settings, "HEALTH_CHECK_INTERVAL", "2s", "between two probes of a backend"),
        up_after: count(settings, "HEALTH_CHECK_UP", 2, "good probes in a row that bring a backend up"),
        down_after: count(settings, "HEALTH_CHECK_DOWN", 3, "bad probes in a row that take a backend down"),
    }
}

fn breaker(settings: &mut Settings) -> Option<BreakerSettings> {
    let enabled =
        settings.flag("CIRCUIT_BREAKER_ENABLED", true, "whether each backend has a circuit breaker");
    let breaker = BreakerSettings {
        max_requests: count(settings, "CIRCUIT_BREAKER_MAX_REQUESTS", 10, "trials while it is half open"),
        interval: time(
            settings,
            "CIRCUIT_BREAKER_INTERVAL",
            "60",
            "the rolling window in which failures count",
        ),
        timeout: time(settings, "CIRCUIT_BREAKER_TIMEOUT", "30", "how long it stays open"),
        failure_rate: percent(
            settings,
            "CIRCUIT_BREAKER_FAILURE_RATE",
            50,
            "the share of failed calls at which it opens, in percent",
        ),
        minimum_calls: count(
            settings,
            "CIRCUIT_BREAKER_MIN_CALLS",
            20,
            "calls in the window below which it does not open",
        )
        .get(),
    };
    enabled.then_some(breaker)
}

fn outliers(settings: &mut Settings) -> (Option<OutlierSettings>, EjectionSettings) {
    let about = "whether a backend whose requests fail is left out for a while";
    let enabled = settings.flag("OUTLIER_ENABLED", true, about);
    let about = "failures in a row at which a backend is left out";
    let consecutive = count(settings, "OUTLIER_FAILURES", 5, about);
    let outliers = OutlierSettings { consecutive, ..OutlierSettings::default() };
    let about = "how long it is left out at first; each further time twice as long, five minutes at most";
    let base = time(settings, "OUTLIER_EJECTION", "30s", about);
    (enabled.then_some(outliers), EjectionSettings { base, ..EjectionSettings::default() })
}

fn count(settings: &mut Settings, name: &'static str, default: u32, about: &'static str) -> NonZeroU32 {
    let count = settings.number_in(name, default, 1..=10_000, about);
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

fn percent(settings: &mut Settings, name: &'static str, default: u16, about: &'static str) -> Share {
    let percent = settings.number_in(name, default, 1..=100, about);
    u8::try_from(percent).ok().and_then(|percent| Share::new(percent).ok()).unwrap_or(Share::HALF)
}
