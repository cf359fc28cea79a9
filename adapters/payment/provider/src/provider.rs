//! What the payment context asks of the provider.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::CallContext;
use payment_application::{
    Charge, ChargeOutcome, PaymentProvider, ProviderFailure, RefundOrder, RefundOutcome,
};
use reqwest::Method;
use shaku::Component;

use crate::{
    ProviderClient,
    wire::{ChargeRequest, RefundRequest},
};

/// Charges and refunds over HTTP. Only an answer that is understood and says so counts as a verdict; everything else
/// leaves the outcome unknown.
#[derive(Component)]
#[shaku(interface = PaymentProvider)]
pub struct HttpPaymentProvider {
    /// The connection.
    client: Arc<ProviderClient>,
}

impl HttpPaymentProvider {
    /// Asks through `client`.
    pub const fn new(client: Arc<ProviderClient>) -> Self {
        Self { client }
    }
}

#[async_trait]
impl PaymentProvider for HttpPaymentProvider {
    async fn charge(&self, ctx: &CallContext, charge: &Charge) -> Result<ChargeOutcome, ProviderFailure> {
        let body = ChargeRequest::new(charge, self.client.callback_url());
        let request = self.client.request(Method::POST, &["charges"]).header(KEY, &charge.key).json(&body);
        let outcome = self.client.send(ctx, request).await.and_then(|answer| answer.charge(&charge.key));
        self.client.settle(ctx, "charge", outcome)
    }

    async fn find_charge(
        &self,
        ctx: &CallContext,
        key: &str,
    ) -> Result<Option<ChargeOutcome>, ProviderFailure> {
        let request = self.client.request(Method::GET, &["charges", "by-key", key]);
        let outcome = self.client.send(ctx, request).await.and_then(|answer| answer.found_charge(key));
        self.client.settle(ctx, "find_charge", outcome)
    }

    async fn refund(
        &self,
        ctx: &CallContext,
        refund: &RefundOrder,
    ) -> Result<RefundOutcome, ProviderFailure> {
        let body = RefundRequest::new(refund);
        let request = self.client.request(Method::POST, &["refunds"]).header(KEY, &refund.key).json(&body);
        let outcome = self.client.send(ctx, request).await.and_then(|answer| answer.refund());
        self.client.settle(ctx, "refund", outcome)
    }
}

const KEY: &str = "Idempotency-Key";
