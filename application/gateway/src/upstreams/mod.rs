//! The services behind this gateway, each with its backends at work.
//!
//! [`Upstream`] puts the domain's parts together for one service: the roster behind a lock for rare events, the pool that
//! requests choose from, the queue where they wait. The [`Caretaker`](crate::Caretaker) keeps it up to date, and the
//! [`Administration`](crate::Administration) gives it another [`Plan`] when backends or settings change.

mod bell;
mod plan;
mod settings;
mod upstream;
mod watched;

use gateway_domain::{Service, balancing::MemberView, fleet::Fleet};
pub(crate) use plan::Plan;
pub use settings::{BackendList, BalancingSettings, ServiceSettings, Settings};
pub(crate) use upstream::{Past, Refusal, Upstream};
pub(crate) use watched::BackendState;

use crate::uptime::Uptime;

/// Every service's backends and how one of them is chosen. Shared by all requests.
pub struct Upstreams {
    services: [Option<Upstream>; Service::ALL.len()],
    uptime: Uptime,
}

impl Upstreams {
    /// Backends for HTTP. All of them take part until their probes say otherwise.
    pub fn new(settings: Settings) -> Self {
        Self::of_fleets(Fleet::Http, settings)
    }

    /// The same for gRPC.
    pub fn for_grpc(settings: Settings) -> Self {
        Self::of_fleets(Fleet::Grpc, settings)
    }

    #[expect(clippy::needless_pass_by_value, reason = "settings are taken at the start, once")]
    fn of_fleets(fleet: fn(Service) -> Fleet, settings: Settings) -> Self {
        let uptime = Uptime::start();
        let services = Service::ALL.map(|service| {
            let ServiceSettings { enabled, backends } = settings.of(service);
            enabled.then(|| Upstream::new(fleet(service), backends, &settings.balancing, uptime))
        });
        Self { services, uptime }
    }

    /// Every backend of every service that is switched on, as it is now.
    pub fn views(&self) -> Vec<(Service, Vec<MemberView>)> {
        self.enabled().map(|upstream| (upstream.service(), upstream.views())).collect()
    }

    /// The service's backends; `None` where it is switched off.
    pub(crate) const fn of(&self, service: Service) -> Option<&Upstream> {
        self.services[service as usize].as_ref()
    }

    pub(crate) fn enabled(&self) -> impl Iterator<Item = &Upstream> {
        self.services.iter().flatten()
    }

    pub(crate) const fn uptime(&self) -> Uptime {
        self.uptime
    }
}
