//! Get the refund made under a key.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler};
use kernel_domain::Violations;
use provider_domain::LedgerKey;
use shaku::Component;

use crate::{LedgerQueries, ProviderError, RefundView};

/// Asks for one refund.
#[derive(Clone, Debug)]
pub struct GetRefund {
    /// The idempotency key it was made under.
    pub key: String,
}

impl Query for GetRefund {
    const NAME: &'static str = "get_refund";
    type Output = RefundView;
    type Error = ProviderError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// Reads the ledger.
#[derive(Component)]
#[shaku(interface = QueryHandler<GetRefund>)]
pub struct GetRefundHandler {
    #[shaku(inject)]
    ledger: Arc<dyn LedgerQueries>,
}

#[async_trait]
impl QueryHandler<GetRefund> for GetRefundHandler {
    async fn handle(&self, _: &CallContext, query: GetRefund) -> Result<RefundView, ProviderError> {
        let key = LedgerKey::new(&query.key).map_err(Violations::from)?;
        self.ledger.refund_by_key(&key).await?.ok_or(ProviderError::UnknownRefund)
    }
}
