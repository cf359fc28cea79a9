//! The gateway as a whole, and what was changed.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use gateway_application::{AuditEntry, BackendStatus, BalancerView, StatusView};
use serde::Serialize;
use utoipa::ToSchema;

use super::{BalancerBody, LimitsBody};

/// The gateway as a whole.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GatewayStatus)]
pub(crate) struct StatusBody {
    #[schema(example = "gateway-service")]
    name: &'static str,
    /// The version of the binary.
    #[schema(example = "0.1.0")]
    version: &'static str,
    #[schema(format = DateTime, example = "2026-01-01T12:00:00Z")]
    started_at: String,
    uptime_seconds: u64,
    /// Grows with every change of an operator; the number in `ETag`.
    config_version: u64,
    /// Whether changes outlast the process.
    kept: bool,
    /// How backends are chosen where no operator says otherwise.
    #[schema(example = "round_robin")]
    strategy: &'static str,
    /// Requests at backends now.
    in_flight: u32,
    /// Requests that wait for a backend now.
    waiting: u32,
    limits: LimitsBody,
    services: Vec<SummaryBody>,
    /// What the gateway was started with, by variable, without secrets.
    configuration: BTreeMap<&'static str, String>,
}

/// A service in short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceSummary)]
struct SummaryBody {
    #[schema(example = "product")]
    service: &'static str,
    /// Whether its routes are served.
    enabled: bool,
    backends: usize,
    /// Backends that get requests.
    taking_requests: usize,
    in_flight: u32,
    waiting: u32,
}

/// Every service with its backends.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Services)]
pub(crate) struct ServicesBody {
    services: Vec<BalancerBody>,
}

/// The last changes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Audit)]
pub(crate) struct AuditBody {
    /// The newest first.
    changes: Vec<ChangeBody>,
}

/// A change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
struct ChangeBody {
    /// The version that it led to.
    version: u64,
    #[schema(format = DateTime, example = "2026-01-01T12:00:00Z")]
    at: String,
    /// The subject of the token.
    #[schema(example = "ada")]
    who: String,
    #[schema(example = "adjust_backend")]
    what: &'static str,
    #[schema(example = "product 10.0.0.7:8080")]
    target: String,
    #[schema(example = "weight 1")]
    before: String,
    #[schema(example = "weight 1, draining")]
    after: String,
    request_id: String,
}

impl StatusBody {
    pub(crate) fn new(
        view: &StatusView,
        (name, version): (&'static str, &'static str),
        configuration: &BTreeMap<&'static str, String>,
    ) -> Self {
        let backends = || view.services.iter().flat_map(|service| &service.backends);
        let leaving = view.services.iter().flat_map(|service| &service.leaving);
        Self {
            name,
            version,
            started_at: view.started_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            uptime_seconds: view.uptime.as_secs(),
            config_version: view.version,
            kept: view.kept,
            strategy: view.services.first().map_or("", |service| service.configured_strategy),
            in_flight: backends().map(|backend| backend.in_flight).sum::<u32>()
                + leaving.map(|backend| backend.in_flight).sum::<u32>(),
            waiting: backends().map(|backend| backend.waiting).sum(),
            limits: LimitsBody::from(view.rate),
            services: view.services.iter().map(SummaryBody::from).collect(),
            configuration: configuration.clone(),
        }
    }
}

impl From<&BalancerView> for SummaryBody {
    fn from(view: &BalancerView) -> Self {
        let takes_requests = |backend: &&BackendStatus| matches!(backend.condition, "ready" | "warming");
        Self {
            service: view.service,
            enabled: view.enabled,
            backends: view.backends.len(),
            taking_requests: view.backends.iter().filter(takes_requests).count(),
            in_flight: view.backends.iter().map(|backend| backend.in_flight).sum(),
            waiting: view.backends.iter().map(|backend| backend.waiting).sum(),
        }
    }
}

impl From<StatusView> for ServicesBody {
    fn from(view: StatusView) -> Self {
        Self { services: view.services.into_iter().map(BalancerBody::from).collect() }
    }
}

impl From<Vec<AuditEntry>> for AuditBody {
    fn from(entries: Vec<AuditEntry>) -> Self {
        Self { changes: entries.into_iter().map(ChangeBody::from).collect() }
    }
}

impl From<AuditEntry> for ChangeBody {
    fn from(entry: AuditEntry) -> Self {
        Self {
            version: entry.version,
            at: entry.at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            who: entry.who,
            what: entry.what,
            target: entry.target,
            before: entry.before,
            after: entry.after,
            request_id: entry.request_id,
        }
    }
}
