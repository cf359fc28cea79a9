//! Figures over all payments.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler, Role};
use shaku::Component;

use crate::{PaymentError, PaymentQueries, PaymentStats};

/// Count and sum payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetStats;

impl Query for GetStats {
    const NAME: &'static str = "get_payment_stats";
    type Output = PaymentStats;
    type Error = PaymentError;

    fn permit(&self) -> Permit<'_> {
        Permit::Role(Role::Admin)
    }
}

/// Handles [`GetStats`].
#[derive(Component)]
#[shaku(interface = QueryHandler<GetStats>)]
pub struct GetStatsHandler {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentQueries>,
}

#[async_trait]
impl QueryHandler<GetStats> for GetStatsHandler {
    async fn handle(&self, _: &CallContext, _: GetStats) -> Result<PaymentStats, PaymentError> {
        Ok(self.payments.stats().await?)
    }
}
