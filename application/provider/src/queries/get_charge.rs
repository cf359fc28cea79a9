//! Get the charge made under a key.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler};
use kernel_domain::Violations;
use provider_domain::LedgerKey;
use shaku::Component;

use crate::{ChargeView, LedgerQueries, ProviderError};

/// Asks for one charge.
#[derive(Clone, Debug)]
pub struct GetCharge {
    /// The idempotency key it was made under.
    pub key: String,
}

impl Query for GetCharge {
    const NAME: &'static str = "get_charge";
    type Output = ChargeView;
    type Error = ProviderError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// Reads the ledger.
#[derive(Component)]
#[shaku(interface = QueryHandler<GetCharge>)]
pub struct GetChargeHandler {
    #[shaku(inject)]
    ledger: Arc<dyn LedgerQueries>,
}

#[async_trait]
impl QueryHandler<GetCharge> for GetChargeHandler {
    async fn handle(&self, _: &CallContext, query: GetCharge) -> Result<ChargeView, ProviderError> {
        let key = LedgerKey::new(&query.key).map_err(Violations::from)?;
        self.ledger.charge_by_key(&key).await?.ok_or(ProviderError::UnknownCharge)
    }
}
