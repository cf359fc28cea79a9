//! The services behind the gateway, as dependencies of its readiness.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;
use gateway_domain::Service;
use kernel_application::HealthCheck;

use crate::{BackendProbe, Upstreams};

/// One check per service that is switched on: each of its backends must be ready.
pub fn service_checks(
    upstreams: &Arc<Upstreams>,
    probe: &Arc<dyn BackendProbe>,
) -> Vec<Arc<dyn HealthCheck>> {
    Service::ALL
        .into_iter()
        .filter(|service| upstreams.of(*service).enabled)
        .map(|service| {
            let check = ServiceCheck { service, upstreams: Arc::clone(upstreams), probe: Arc::clone(probe) };
            Arc::new(check) as Arc<dyn HealthCheck>
        })
        .collect()
}

struct ServiceCheck {
    service: Service,
    upstreams: Arc<Upstreams>,
    probe: Arc<dyn BackendProbe>,
}

#[async_trait]
impl HealthCheck for ServiceCheck {
    fn name(&self) -> &'static str {
        self.service.dependency()
    }

    async fn check(&self) -> Result<(), String> {
        let backends = &self.upstreams.of(self.service).backends;
        let probes = backends.iter().map(|backend| async move {
            let result = self.probe.probe(backend).await;
            result.err().map(|problem| format!("{backend}: {problem}"))
        });
        let away: Vec<_> = join_all(probes).await.into_iter().flatten().collect();
        if away.is_empty() { Ok(()) } else { Err(away.join("; ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ScriptedBackends, settings};

    #[tokio::test]
    async fn the_backends_away_are_named() {
        let backends = ScriptedBackends::with_away(["b:1"]);
        let mut settings = settings("http://a:1,http://b:1");
        settings.basket.enabled = false;
        let upstreams = Arc::new(Upstreams::new(settings));
        let checks = service_checks(&upstreams, &(Arc::new(backends) as Arc<dyn BackendProbe>));
        let names: Vec<_> = checks.iter().map(|check| check.name()).collect();
        assert_eq!(names, ["product-service", "payment-service", "notification-service"]);
        let problem = checks[0].check().await.unwrap_err();
        assert!(problem.contains("http://b:1") && !problem.contains("http://a:1"), "{problem}");
    }
}
