//! A balancer and its backends.

use gateway_application::{BackendStatus, BalancerView, LeavingView, commands::administer::Edit};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use validator::Validate;

/// How a service is balanced, and over which backends.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LoadBalancer)]
pub(crate) struct BalancerBody {
    #[schema(example = "product")]
    service: &'static str,
    /// Whether its routes are served; one that is switched off shows no backends.
    enabled: bool,
    #[schema(example = "least_connections")]
    strategy: &'static str,
    /// The strategy where no operator says otherwise.
    #[schema(example = "round_robin")]
    configured_strategy: &'static str,
    /// Requests at once at each backend.
    max_in_flight: u32,
    /// Requests that wait for each backend.
    max_waiting: u32,
    backends: Vec<BackendBody>,
    /// Backends that were taken out and still have requests under way.
    leaving: Vec<LeavingBody>,
}

/// A backend.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backend)]
pub(crate) struct BackendBody {
    /// Its id, which is its name in paths: host and port, behind `server_name` and an `@` where it has one.
    #[schema(example = "10.0.0.7:8080")]
    backend: String,
    #[schema(example = "http://10.0.0.7:8080")]
    url: String,
    /// The name that its certificate is for; `null` where that is the host of the URL.
    #[schema(required)]
    server_name: Option<String>,
    /// `configured` (variables, file, DNS) or `added` (by an operator).
    #[schema(example = "configured")]
    origin: &'static str,
    /// Its share of the requests.
    weight: u16,
    /// `ready`, `warming`, `down`, `ejected` or `draining`.
    #[schema(example = "ready")]
    condition: &'static str,
    /// Whether it gets no new requests, because an operator wants that.
    draining: bool,
    /// Whether it is draining and its last request has ended: it can be switched off.
    drained: bool,
    /// Requests under way.
    in_flight: u32,
    /// Requests that wait for it.
    waiting: u32,
    /// Its latency in microseconds: an average that follows peaks.
    latency_us: u64,
    /// What the last probe found wrong.
    #[schema(required)]
    problem: Option<String>,
    /// The state of its circuit breaker; `null` where there are none.
    #[schema(required, example = "closed")]
    breaker: Option<&'static str>,
}

/// A backend that was taken out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeavingBackend)]
struct LeavingBody {
    url: String,
    /// The name that its certificate is for; `null` where that is the host of the URL.
    #[schema(required)]
    server_name: Option<String>,
    in_flight: u32,
}

/// A new backend.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = NewBackend)]
pub(crate) struct NewBackendBody {
    /// Scheme, host and port, without a path.
    #[schema(example = "http://10.0.0.7:8080")]
    pub(crate) url: String,
    /// The name that its certificate is for, with a URL of `https`; the host of the URL where nothing is said.
    pub(crate) server_name: Option<String>,
    /// Its share of the requests; 1 where nothing is said.
    #[schema(minimum = 1, maximum = 1000)]
    pub(crate) weight: Option<u16>,
}

/// What to change of a backend; what is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = BackendChange)]
pub(crate) struct BackendChangeBody {
    /// Its share of the requests; `null` for that it was configured or added with.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u16>, minimum = 1, maximum = 1000)]
    pub(crate) weight: Edit<u16>,
    /// `true` sends it no new requests, `false` sends it some again.
    pub(crate) draining: Option<bool>,
}

/// What to change of a balancer; what is left out stays as it is, `null` gives back to what is configured.
#[derive(Debug, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schema(as = LoadBalancerChange)]
pub(crate) struct BalancerChangeBody {
    /// `round_robin`, `weighted_round_robin`, `least_connections` or `power_of_two_choices`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "least_connections")]
    pub(crate) strategy: Edit<String>,
    /// Requests at once at each backend.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 1_000_000)]
    pub(crate) max_in_flight: Edit<u32>,
    /// Requests that wait for each backend.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 1_000_000)]
    pub(crate) max_waiting: Edit<u32>,
}

/// Tells `null` from a field that is left out.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Edit<T>, D::Error> {
    Option::deserialize(value).map(|value| value.map_or(Edit::Reset, Edit::Set))
}

impl From<BalancerView> for BalancerBody {
    fn from(view: BalancerView) -> Self {
        Self {
            service: view.service,
            enabled: view.enabled,
            strategy: view.strategy,
            configured_strategy: view.configured_strategy,
            max_in_flight: view.max_in_flight,
            max_waiting: view.max_waiting,
            backends: view.backends.into_iter().map(BackendBody::from).collect(),
            leaving: view.leaving.into_iter().map(LeavingBody::from).collect(),
        }
    }
}

impl From<BackendStatus> for BackendBody {
    fn from(status: BackendStatus) -> Self {
        Self {
            backend: status.backend,
            url: status.url,
            server_name: status.server_name,
            origin: status.origin,
            weight: status.weight,
            condition: status.condition,
            draining: status.draining,
            drained: status.drained,
            in_flight: status.in_flight,
            waiting: status.waiting,
            latency_us: u64::try_from(status.latency.as_micros()).unwrap_or(u64::MAX),
            problem: status.problem,
            breaker: status.breaker.map(|breaker| breaker.state),
        }
    }
}

impl From<LeavingView> for LeavingBody {
    fn from(LeavingView { url, server_name, in_flight }: LeavingView) -> Self {
        Self { url, server_name, in_flight }
    }
}
