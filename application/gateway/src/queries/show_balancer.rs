//! Show a balancer: one service, its backends and their breakers.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler, Role};
use shaku::Component;

use crate::{Administration, AdministrationError, BalancerView, administration::fleet_named};

/// Asks for a service.
#[derive(Clone, Debug)]
pub struct ShowBalancer {
    /// Its name, with `-grpc` for its backends that answer gRPC.
    pub service: String,
}

impl Query for ShowBalancer {
    const NAME: &'static str = "show_balancer";
    type Output = BalancerView;
    type Error = AdministrationError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Admin)
    }
}

/// Reads it from the administration.
#[derive(Component)]
#[shaku(interface = QueryHandler<ShowBalancer>)]
pub struct ShowBalancerHandler {
    /// What the gateway is told while it runs.
    administration: Arc<Administration>,
}

#[async_trait]
impl QueryHandler<ShowBalancer> for ShowBalancerHandler {
    async fn handle(
        &self,
        _: &CallContext,
        ShowBalancer { service }: ShowBalancer,
    ) -> Result<BalancerView, AdministrationError> {
        Ok(self.administration.balancer(fleet_named(&service)?).await)
    }
}
