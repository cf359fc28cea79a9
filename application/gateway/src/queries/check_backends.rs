//! Check the backends: which services there are, where they run, and whether each copy is ready now.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures_util::future::join_all;
use gateway_domain::Service;
use kernel_application::{CallContext, Permit, Query, QueryHandler};
use shaku::Component;

use crate::{
    BackendProbe, GatewayError, Upstreams,
    upstreams::{BackendState, Upstream},
};

/// Asks for the state of all services.
#[derive(Clone, Copy, Debug)]
pub struct CheckBackends;

impl Query for CheckBackends {
    const NAME: &'static str = "check_backends";
    type Output = Vec<ServiceView>;
    type Error = GatewayError;

    /// A health answer, as public as the others.
    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// A service and its backends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceView {
    /// The service's name.
    pub name: &'static str,
    /// Whether its routes are served; the backends of one that is switched off are not asked.
    pub enabled: bool,
    /// Its backends.
    pub backends: Vec<BackendView>,
}

/// A backend and its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendView {
    /// Its base URL.
    pub url: String,
    /// Its share of the requests.
    pub weight: u16,
    /// Whether the balancer sends it requests: `ready`, `warming`, `down`, `ejected`, `draining`.
    pub condition: &'static str,
    /// How long the probe took.
    pub latency: Duration,
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
}

/// Probes all backends at once.
#[derive(Component)]
#[shaku(interface = QueryHandler<CheckBackends>)]
pub struct CheckBackendsHandler {
    #[shaku(inject)]
    probe: Arc<dyn BackendProbe>,
    /// The services and their backends.
    upstreams: Arc<Upstreams>,
}

#[async_trait]
impl QueryHandler<CheckBackends> for CheckBackendsHandler {
    async fn handle(&self, _: &CallContext, _: CheckBackends) -> Result<Vec<ServiceView>, GatewayError> {
        Ok(join_all(Service::ALL.map(|service| self.service(service))).await)
    }
}

impl CheckBackendsHandler {
    async fn service(&self, service: Service) -> ServiceView {
        let states = self.upstreams.of(service).map(Upstream::states);
        let enabled = states.is_some();
        let backends = join_all(states.into_iter().flatten().map(|state| self.backend(state))).await;
        ServiceView { name: service.name(), enabled, backends }
    }

    async fn backend(&self, BackendState { backend, condition, .. }: BackendState) -> BackendView {
        let start = Instant::now();
        let problem = self.probe.probe(&backend).await.err();
        let (url, weight) = (backend.to_string(), backend.weight().get());
        BackendView { url, weight, condition, latency: start.elapsed(), problem }
    }
}

#[cfg(test)]
mod tests {
    use kernel_application::testing::context;

    use super::*;
    use crate::testing::{ScriptedBackends, settings};

    #[tokio::test]
    async fn every_backend_has_a_verdict_of_its_own() {
        let mut settings = settings("http://a:1,http://b:1;weight=3");
        settings.payment.enabled = false;
        let handler = CheckBackendsHandler {
            probe: Arc::new(ScriptedBackends::with_away(["b:1"])),
            upstreams: Arc::new(Upstreams::new(settings)),
        };
        let services = handler.handle(&context(), CheckBackends).await.unwrap();
        let product = &services[0].backends;
        assert_eq!((product[0].problem.is_none(), product[1].problem.is_some()), (true, true));
        assert_eq!((product[1].weight, product[1].condition), (3, "warming"));
        let payment = services.iter().find(|service| service.name == "payment").unwrap();
        assert!(!payment.enabled && payment.backends.is_empty());
    }
}
