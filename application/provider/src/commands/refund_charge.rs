//! Refund a charge, in whole or in part, once per key.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, IdGenerator, Permit, StoreError};
use kernel_domain::{Money, Violation, Violations};
use provider_domain::{ChargeId, LedgerKey, Refund, RefundId};
use shaku::Component;

use crate::{ChargeRepository, ProviderError, RefundView};

/// How often a refund is decided anew where others refund the same charge at the same time.
const ATTEMPTS: u32 = 8;

/// Asks for money back.
#[derive(Clone, Debug)]
pub struct RefundCharge {
    /// The idempotency key.
    pub key: String,
    /// The charge.
    pub charge_id: String,
    /// How much, in hundredths of the charge's currency.
    pub amount_minor: i64,
}

impl Command for RefundCharge {
    const NAME: &'static str = "refund_charge";
    type Output = RefundView;
    type Error = ProviderError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// Adds a refund to the ledger where the charge allows it.
#[derive(Component)]
#[shaku(interface = CommandHandler<RefundCharge>)]
pub struct RefundChargeHandler {
    #[shaku(inject)]
    charges: Arc<dyn ChargeRepository>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<RefundCharge> for RefundChargeHandler {
    async fn handle(&self, ctx: &CallContext, command: RefundCharge) -> Result<RefundView, ProviderError> {
        let (key, charge_id) = check(&command)?;
        for _ in 0..ATTEMPTS {
            if let Some(refund) = self.charges.find_refund(&key).await? {
                return repeat(&refund, charge_id, command.amount_minor);
            }
            match self.refund(ctx, &key, charge_id, command.amount_minor).await {
                Err(ProviderError::Store(StoreError::Conflict(_) | StoreError::Duplicate(_))) => {}
                result => return result,
            }
        }
        Err(StoreError::Conflict("charge").into())
    }
}

impl RefundChargeHandler {
    async fn refund(
        &self,
        ctx: &CallContext,
        key: &LedgerKey,
        charge_id: ChargeId,
        amount_minor: i64,
    ) -> Result<RefundView, ProviderError> {
        let mut charge = self.charges.find(charge_id).await?.ok_or(ProviderError::UnknownCharge)?;
        let amount = Money::from_minor(amount_minor, charge.currency());
        let id = RefundId::from_uuid(self.ids.next());
        let refund = charge.refund(id, key.clone(), amount, self.clock.now())?;
        self.charges.add_refund(ctx, &charge, &refund).await?;
        Ok(RefundView::from(&refund))
    }
}

fn repeat(refund: &Refund, charge_id: ChargeId, amount_minor: i64) -> Result<RefundView, ProviderError> {
    if refund.charge_id == charge_id && refund.amount.minor() == amount_minor {
        Ok(refund.into())
    } else {
        Err(ProviderError::KeyReused)
    }
}

fn check(command: &RefundCharge) -> Result<(LedgerKey, ChargeId), Violations> {
    let mut violations = Violations::default();
    let key = violations.check(LedgerKey::new(&command.key));
    let id = violations.check(ChargeId::parse(&command.charge_id));
    if command.amount_minor <= 0 {
        violations.check::<()>(Err(Violation::new("amount", "out_of_range", "must be above 0")));
    }
    violations.into_result()?;
    key.zip(id).ok_or_else(|| Violation::new("body", "invalid", "must be a refund").into())
}

#[cfg(test)]
mod tests {
    use kernel_application::{
        UseCaseError,
        testing::{ManualClock, SequenceIds, context},
    };

    use super::*;
    use crate::testing::{MemoryLedger, charge};

    async fn handler(token: &str) -> (RefundChargeHandler, String, Arc<MemoryLedger>) {
        let ledger = Arc::new(MemoryLedger::default());
        let charge = charge("k", 100, token);
        ledger.add(&context(), &charge, &[]).await.unwrap();
        let handler = RefundChargeHandler {
            charges: Arc::clone(&ledger) as _,
            ids: Arc::new(SequenceIds::default()),
            clock: Arc::new(ManualClock::default()),
        };
        (handler, charge.id().to_string(), ledger)
    }

    fn command(key: &str, charge_id: &str, amount_minor: i64) -> RefundCharge {
        RefundCharge { key: key.into(), charge_id: charge_id.into(), amount_minor }
    }

    #[tokio::test]
    async fn a_key_refunds_once() {
        let (handler, id, ledger) = handler("tok_success").await;
        let first = handler.handle(&context(), command("r", &id, 60)).await.unwrap();
        let second = handler.handle(&context(), command("r", &id, 60)).await.unwrap();
        assert_eq!((&first, ledger.lines()), (&second, 2));
        let reused = handler.handle(&context(), command("r", &id, 40)).await.unwrap_err();
        assert_eq!(reused.code(), "idempotency_key_reused");
    }

    #[tokio::test]
    async fn no_more_goes_back_than_was_taken() {
        let (handler, id, _) = handler("tok_success").await;
        handler.handle(&context(), command("r1", &id, 60)).await.unwrap();
        let error = handler.handle(&context(), command("r2", &id, 41)).await.unwrap_err();
        assert_eq!(error.code(), "amount_exceeds_charge");
        handler.handle(&context(), command("r3", &id, 40)).await.unwrap();
    }

    #[tokio::test]
    async fn bad_and_unknown_charges_are_refused() {
        let (handler, id, _) = handler("tok_declined").await;
        let missing = "ch_00000000-0000-0000-0000-000000000000";
        for (id, amount, code) in [
            (id.as_str(), 1, "charge_not_captured"),
            (missing, 1, "charge_not_found"),
            ("nonsense", 1, "validation_failed"),
            (id.as_str(), 0, "validation_failed"),
        ] {
            let error = handler.handle(&context(), command("r", id, amount)).await.unwrap_err();
            assert_eq!(error.code(), code);
        }
    }
}
