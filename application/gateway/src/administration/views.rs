//! The gateway as an operator sees it.

use std::time::Duration;

use gateway_domain::{
    balancing::{Condition, MemberView},
    breaker::BreakerView,
    fleet::{Fleet, Listed},
};
use kernel_domain::Timestamp;

use super::{Administration, AdministrationError, Change, Desk};
use crate::upstreams::{BackendState, Upstream};

/// The gateway as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusView {
    /// The version of what operators have changed.
    pub version: u64,
    /// When the process started.
    pub started_at: Timestamp,
    /// For how long it has been running.
    pub uptime: Duration,
    /// Whether changes outlast the process.
    pub kept: bool,
    /// How many requests clients may send.
    pub rate: RateView,
    /// Every service.
    pub services: Vec<BalancerView>,
}

/// How many requests each client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateView {
    /// The version of what operators have changed.
    pub version: u64,
    /// Whether an operator has changed it.
    pub changed: bool,
    /// The limit; `None` for none.
    pub limit: Option<RateFigures>,
}

/// A limit's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateFigures {
    /// So many requests are earned in a window.
    pub requests: u32,
    /// The window.
    pub window: Duration,
    /// So many can be used at once.
    pub burst: u32,
}

/// One service and its backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalancerView {
    /// The version of what operators have changed.
    pub version: u64,
    /// The service, with `-grpc` for its backends that answer gRPC.
    pub service: &'static str,
    /// Whether its routes are served; one that is switched off has no backends.
    pub enabled: bool,
    /// How backends are chosen.
    pub strategy: &'static str,
    /// How they are chosen where no operator says otherwise.
    pub configured_strategy: &'static str,
    /// Requests at once at each backend.
    pub max_in_flight: u32,
    /// Requests that wait for each backend.
    pub max_waiting: u32,
    /// The backends.
    pub backends: Vec<BackendStatus>,
    /// Those that were taken out and still have requests under way.
    pub leaving: Vec<LeavingView>,
}

/// One backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendStatus {
    /// Its name in paths: host and port, and before them the name of its certificate where it has one of its own.
    pub backend: String,
    /// Its base URL.
    pub url: String,
    /// The name that its certificate is for, where that is not the host of its URL.
    pub server_name: Option<String>,
    /// `configured` or `added`.
    pub origin: &'static str,
    /// Its share.
    pub weight: u16,
    /// `ready`, `warming`, `down`, `ejected`, `draining`.
    pub condition: &'static str,
    /// Whether it gets no new requests, as an operator wishes.
    pub draining: bool,
    /// Whether its last request has ended, too.
    pub drained: bool,
    /// Requests under way.
    pub in_flight: u32,
    /// Requests that wait for it.
    pub waiting: u32,
    /// Its latency, an average that follows peaks.
    pub latency: Duration,
    /// What the last probe found wrong.
    pub problem: Option<String>,
    /// Its breaker, where there are any.
    pub breaker: Option<BreakerStatus>,
}

/// One breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerStatus {
    /// `closed`, `open`, `half_open`, `forced_open`.
    pub state: &'static str,
    /// For how long.
    pub time_in_state: Duration,
    /// How often it has opened by itself.
    pub trips: u64,
    /// The calls of the window.
    pub calls: u64,
    /// Those that failed.
    pub failures: u64,
    /// How long it stays open.
    pub retry_after: Option<Duration>,
}

/// A backend that was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeavingView {
    /// Its base URL.
    pub url: String,
    /// The name that its certificate is for, where that is not the host of its URL.
    pub server_name: Option<String>,
    /// Requests under way.
    pub in_flight: u32,
}

/// What a change was about, as it was right after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// A service, or one of its backends.
    Balancer(BalancerView),
    /// How many requests clients may send.
    Rate(RateView),
}

impl Changed {
    /// The version that the change led to.
    pub const fn version(&self) -> u64 {
        match self {
            Self::Balancer(view) => view.version,
            Self::Rate(view) => view.version,
        }
    }
}

impl Administration {
    pub(super) fn changed_view(&self, desk: &Desk, change: &Change) -> Changed {
        match change.fleet() {
            Some(fleet) => Changed::Balancer(self.balancer_view(desk, fleet)),
            None => Changed::Rate(self.rate_view(desk)),
        }
    }

    pub(crate) async fn status(&self) -> StatusView {
        let desk = self.desk.lock().await;
        StatusView {
            version: desk.overrides.version(),
            started_at: self.started,
            uptime: self.upstreams.uptime().now().since(gateway_domain::Moment::START),
            kept: self.store.is_some(),
            rate: self.rate_view(&desk),
            services: Fleet::ALL.map(|fleet| self.balancer_view(&desk, fleet)).into(),
        }
    }

    pub(crate) async fn rate(&self) -> RateView {
        self.rate_view(&*self.desk.lock().await)
    }

    pub(crate) async fn balancer(&self, fleet: Fleet) -> BalancerView {
        self.balancer_view(&*self.desk.lock().await, fleet)
    }

    fn rate_view(&self, desk: &Desk) -> RateView {
        let figures = |quota: gateway_domain::limit::Quota| RateFigures {
            requests: quota.requests(),
            window: quota.window(),
            burst: quota.burst(),
        };
        RateView {
            version: desk.overrides.version(),
            changed: desk.overrides.rate().is_some(),
            limit: self.quota.current().0.map(figures),
        }
    }

    fn balancer_view(&self, desk: &Desk, fleet: Fleet) -> BalancerView {
        let upstream = self.upstream(fleet);
        let configured = upstream.map(Upstream::settings).unwrap_or_default();
        let (strategy, limits) = self.balancing_of(desk, fleet);
        BalancerView {
            version: desk.overrides.version(),
            service: fleet.name(),
            enabled: upstream.is_some(),
            strategy: strategy.name(),
            configured_strategy: configured.strategy.name(),
            max_in_flight: limits.in_flight,
            max_waiting: limits.waiting,
            backends: upstream.map(|upstream| backends(upstream, &desk.listed(fleet))).unwrap_or_default(),
            leaving: upstream.map(leaving).unwrap_or_default(),
        }
    }
}

fn backends(upstream: &Upstream, listed: &[Listed]) -> Vec<BackendStatus> {
    let (views, states) = (upstream.views(), upstream.states());
    let shown = |listed: &Listed| {
        let id = listed.backend.id();
        let view = views.iter().find(|view| view.id == id)?;
        let state = states.iter().find(|state| state.backend.id() == id);
        Some(BackendStatus::new(listed, view, state))
    };
    listed.iter().filter_map(shown).collect()
}

fn leaving(upstream: &Upstream) -> Vec<LeavingView> {
    let view = |(backend, in_flight): (gateway_domain::Backend, u32)| LeavingView {
        url: backend.url(),
        server_name: backend.server_name().map(str::to_owned),
        in_flight,
    };
    upstream.leaving().into_iter().map(view).collect()
}

impl BackendStatus {
    fn new(listed: &Listed, view: &MemberView, state: Option<&BackendState>) -> Self {
        Self {
            backend: view.id.clone(),
            url: listed.backend.url(),
            server_name: listed.backend.server_name().map(str::to_owned),
            origin: listed.origin.name(),
            weight: view.weight.get(),
            condition: view.condition.name(),
            draining: matches!(view.condition, Condition::Draining { .. }),
            drained: view.condition == Condition::Draining { drained: true },
            in_flight: view.counts.in_flight,
            waiting: view.counts.waiting,
            latency: view.latency,
            problem: state.and_then(|state| state.problem.clone()),
            breaker: view.breaker.map(BreakerStatus::from),
        }
    }
}

impl From<BreakerView> for BreakerStatus {
    fn from(view: BreakerView) -> Self {
        Self {
            state: view.state.name(),
            time_in_state: view.time_in_state,
            trips: view.trips,
            calls: view.window.calls,
            failures: view.window.marked,
            retry_after: view.retry_after,
        }
    }
}

/// The fleet with this name.
pub(crate) fn fleet_named(name: &str) -> Result<Fleet, AdministrationError> {
    Fleet::named(name).ok_or_else(|| AdministrationError::UnknownService(name.to_owned()))
}
