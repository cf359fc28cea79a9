//! One payment.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Permit, Query, QueryHandler};
use kernel_domain::PaymentId;
use shaku::Component;

use crate::{PaymentError, PaymentQueries, PaymentView};

/// Show a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetPayment {
    /// The payment.
    pub id: String,
}

impl Query for GetPayment {
    const NAME: &'static str = "get_payment";
    type Output = PaymentView;
    type Error = PaymentError;

    fn permit(&self) -> Permit<'_> {
        Permit::Known
    }
}

/// Handles [`GetPayment`].
#[derive(Component)]
#[shaku(interface = QueryHandler<GetPayment>)]
pub struct GetPaymentHandler {
    #[shaku(inject)]
    pub(crate) payments: Arc<dyn PaymentQueries>,
}

#[async_trait]
impl QueryHandler<GetPayment> for GetPaymentHandler {
    async fn handle(&self, ctx: &CallContext, query: GetPayment) -> Result<PaymentView, PaymentError> {
        let not_found = || PaymentError::NotFound(query.id.clone());
        let id = PaymentId::parse(&query.id).map_err(|_| not_found())?;
        self.payments.get(id, ctx.caller().scope()?).await?.ok_or_else(not_found)
    }
}
