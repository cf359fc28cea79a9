//! The services behind the gateway, as dependencies of its readiness.

use std::sync::Arc;

use async_trait::async_trait;
use gateway_domain::Service;
use kernel_application::HealthCheck;

use crate::{
    Upstreams,
    upstreams::{BackendState, Upstream},
};

/// One check per service that is switched on: at least one of its backends takes requests.
///
/// Nobody is asked: the answer is what the balancer goes by, so a gateway that is ready does serve.
pub fn service_checks(upstreams: &Arc<Upstreams>) -> Vec<Arc<dyn HealthCheck>> {
    let check = |upstream: &Upstream| {
        let check = ServiceCheck { service: upstream.service(), upstreams: Arc::clone(upstreams) };
        Arc::new(check) as Arc<dyn HealthCheck>
    };
    upstreams.enabled().map(check).collect()
}

struct ServiceCheck {
    service: Service,
    upstreams: Arc<Upstreams>,
}

#[async_trait]
impl HealthCheck for ServiceCheck {
    fn name(&self) -> &'static str {
        self.service.dependency()
    }

    async fn check(&self) -> Result<(), String> {
        let states = self.upstreams.of(self.service).map(Upstream::states).unwrap_or_default();
        if states.iter().any(|state| state.serves) {
            return Ok(());
        }
        if states.is_empty() {
            return Err("no backend is known yet".to_owned());
        }
        Err(states.iter().map(missing).collect::<Vec<_>>().join("; "))
    }
}

fn missing(BackendState { backend, condition, problem, .. }: &BackendState) -> String {
    match problem {
        Some(problem) => format!("{backend}: {problem}"),
        None if matches!(*condition, "ready" | "warming") => format!("{backend}: not asked yet"),
        None => format!("{backend}: {condition}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    fn probed(upstream: &Upstream, problems: [Option<&str>; 2]) {
        for (member, problem) in upstream.members().iter().zip(problems) {
            upstream.probed(member, problem.map(str::to_owned));
        }
    }

    #[tokio::test]
    async fn a_service_whose_names_are_not_found_yet_is_not_ready() {
        let checks = service_checks(&Arc::new(Upstreams::new(settings("dns://products.test:1"))));
        assert_eq!(checks[0].check().await.unwrap_err(), "no backend is known yet");
    }

    #[tokio::test]
    async fn one_backend_is_enough_and_none_is_named() {
        let mut settings = settings("http://a:1,http://b:1");
        settings.basket.enabled = false;
        let upstreams = Arc::new(Upstreams::new(settings));
        let checks = service_checks(&upstreams);
        let names: Vec<_> = checks.iter().map(|check| check.name()).collect();
        assert_eq!(names, ["product-service", "payment-service", "notification-service"]);

        let product = upstreams.of(Service::Product).unwrap();
        assert_eq!(
            checks[0].check().await.unwrap_err(),
            "http://a:1: not asked yet; http://b:1: not asked yet"
        );
        probed(product, [Some("refused"), Some("late")]);
        assert_eq!(checks[0].check().await.unwrap_err(), "http://a:1: refused; http://b:1: late");
        probed(product, [Some("refused"), None]);
        assert_eq!(checks[0].check().await, Ok(()));
        // One probe that fails takes nobody down, three do.
        probed(product, [Some("refused"), Some("late")]);
        assert_eq!(checks[0].check().await, Ok(()));
        (0..2).for_each(|_| probed(product, [Some("refused"), Some("late")]));
        assert_eq!(checks[0].check().await.unwrap_err(), "http://a:1: refused; http://b:1: late");
    }
}
