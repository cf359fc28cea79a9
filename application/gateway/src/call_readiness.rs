//! Whether gRPC services can be called, for whoever asks the gateway itself.

use std::sync::Arc;

use gateway_domain::{Service, call::CallRoute};

use crate::{Upstreams, upstreams::Upstream};

/// What `grpc.health.v1` answers for the services behind the gateway. Nobody is asked: it is what the balancer goes by.
#[derive(Clone)]
pub struct CallReadiness(Arc<Upstreams>);

impl CallReadiness {
    /// The readiness of these backends.
    pub const fn new(upstreams: Arc<Upstreams>) -> Self {
        Self(upstreams)
    }

    /// Whether `name`, such as `product.v1.ProductService`, can be called; the empty name stands for all services.
    /// `None` where no service that is switched on has this name.
    pub fn of(&self, name: &str) -> Option<bool> {
        if name.is_empty() {
            return Some(self.0.enabled().all(serves));
        }
        let service = Service::ALL.into_iter().find(|service| CallRoute::name_of(*service) == Some(name))?;
        self.0.of(service).map(serves)
    }

    /// The names of all services that are switched on.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.enabled().filter_map(|upstream| CallRoute::name_of(upstream.service())).collect()
    }
}

fn serves(upstream: &Upstream) -> bool {
    upstream.states().iter().any(|state| state.serves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    #[test]
    fn a_service_is_ready_with_its_first_backend_and_all_are_with_the_last_service() {
        let mut settings = settings("http://a:1,http://b:1");
        (settings.payment.enabled, settings.notification.enabled) = (false, false);
        let upstreams = Arc::new(Upstreams::new(settings));
        let readiness = CallReadiness::new(Arc::clone(&upstreams));
        let (product, basket) = ("product.v1.ProductService", "basket.v1.BasketService");
        assert_eq!(readiness.names(), [product, basket]);
        assert_eq!([readiness.of(product), readiness.of("")], [Some(false); 2]);
        assert_eq!([readiness.of("payment.v1.PaymentService"), readiness.of("product")], [None; 2]);
        let well = |service| {
            let upstream = upstreams.of(service).unwrap();
            upstream.probed(&upstream.members()[0], None);
        };
        well(Service::Product);
        assert_eq!(
            [product, basket, ""].map(|name| readiness.of(name)),
            [Some(true), Some(false), Some(false)]
        );
        well(Service::Basket);
        assert_eq!(readiness.of(""), Some(true));
    }
}
