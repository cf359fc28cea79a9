//! Create a charge: the first call under a key decides, and may misbehave; all others learn what it decided.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel_application::{CallContext, Clock, Command, CommandHandler, IdGenerator, Permit, StoreError};
use kernel_domain::{Currency, EventId, Money, Violation, Violations, text};
use provider_domain::{
    CallbackUrl, Charge, ChargeId, ChargeRequest, FirstAnswer, LedgerKey, Reference, Token,
};
use shaku::Component;

use crate::{ChargeRepository, ChargeView, ProviderError};

/// Asks for money.
#[derive(Clone, Debug)]
pub struct CreateCharge {
    /// The idempotency key.
    pub key: String,
    /// How much, in hundredths.
    pub amount_minor: i64,
    /// The currency's code.
    pub currency: String,
    /// How the customer pays.
    pub method: String,
    /// How the charge is to go; see [`Token`].
    pub token: String,
    /// What is paid for.
    pub reference: String,
    /// Where to report to.
    pub callback_url: Option<String>,
}

impl Command for CreateCharge {
    const NAME: &'static str = "create_charge";
    type Output = ChargeAnswer;
    type Error = ProviderError;

    fn permit(&self) -> Permit<'_> {
        Permit::Anyone
    }
}

/// How the call is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChargeAnswer {
    /// With the charge, held back for a while.
    Given {
        /// The charge.
        charge: ChargeView,
        /// How long to wait before answering.
        hold: Duration,
    },
    /// With an error of the server, whether or not a charge was made.
    Lost,
}

/// How long the tokens that answer late hold their answers back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// `tok_slow`.
    pub slow: Duration,
    /// `tok_timeout_after_charge`.
    pub held: Duration,
}

impl Default for Holds {
    fn default() -> Self {
        Self { slow: Duration::from_secs(2), held: Duration::from_secs(30) }
    }
}

/// Decides a charge and adds it to the ledger.
#[derive(Component)]
#[shaku(interface = CommandHandler<CreateCharge>)]
pub struct CreateChargeHandler {
    #[shaku(inject)]
    charges: Arc<dyn ChargeRepository>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
    /// How long late answers are held back.
    #[shaku(default)]
    holds: Holds,
}

#[async_trait]
impl CommandHandler<CreateCharge> for CreateChargeHandler {
    async fn handle(&self, ctx: &CallContext, command: CreateCharge) -> Result<ChargeAnswer, ProviderError> {
        let (key, request) = check(&command)?;
        if let Some(charge) = self.charges.find_by_key(&key).await? {
            return repeat(&charge, &request);
        }
        let before = request.token.first_answer() == FirstAnswer::ErrorBeforeCharge;
        if before && self.charges.turn_away(ctx, &key).await? {
            return Ok(ChargeAnswer::Lost);
        }
        self.charge(ctx, key, request).await
    }
}

impl CreateChargeHandler {
    async fn charge(
        &self,
        ctx: &CallContext,
        key: LedgerKey,
        request: ChargeRequest,
    ) -> Result<ChargeAnswer, ProviderError> {
        let id = ChargeId::from_uuid(self.ids.next());
        let charge = Charge::decide(id, key, request, self.clock.now());
        let callbacks = charge.callbacks(|| EventId::from_uuid(self.ids.next()));
        match self.charges.add(ctx, &charge, &callbacks).await {
            Ok(()) => Ok(self.first_answer(&charge)),
            // Another call under the key was faster: its charge is the one.
            Err(StoreError::Duplicate(_)) => {
                let first = self.charges.find_by_key(charge.key()).await?;
                first.map_or(Err(ProviderError::UnknownCharge), |first| repeat(&first, charge.request()))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn first_answer(&self, charge: &Charge) -> ChargeAnswer {
        let given = |hold| ChargeAnswer::Given { charge: charge.into(), hold };
        match charge.first_answer() {
            FirstAnswer::Prompt | FirstAnswer::ErrorBeforeCharge => given(Duration::ZERO),
            FirstAnswer::Slow => given(self.holds.slow),
            FirstAnswer::Held => given(self.holds.held),
            FirstAnswer::ErrorAfterCharge => ChargeAnswer::Lost,
        }
    }
}

fn repeat(charge: &Charge, request: &ChargeRequest) -> Result<ChargeAnswer, ProviderError> {
    if charge.answers(request) {
        Ok(ChargeAnswer::Given { charge: charge.into(), hold: Duration::ZERO })
    } else {
        Err(ProviderError::KeyReused)
    }
}

fn check(command: &CreateCharge) -> Result<(LedgerKey, ChargeRequest), Violations> {
    let mut violations = Violations::default();
    let key = violations.check(LedgerKey::new(&command.key));
    let currency = violations.check(command.currency.parse::<Currency>());
    let method = violations.check(text("method", &command.method, 1..=32));
    let token = violations.check(text("token", &command.token, 1..=64));
    let reference = violations.check(Reference::new(&command.reference));
    let url = violations.check(command.callback_url.as_deref().map(CallbackUrl::new).transpose());
    let amount = violations.check(positive(command.amount_minor));
    violations.into_result()?;
    let parts = (|| {
        let amount = Money::from_minor(amount?, currency?);
        Some((key?, ChargeRequest::new(amount, method?, Token::parse(&token?), reference?, url?)))
    })();
    match parts {
        Some((key, request)) => Ok((key, request?)),
        None => Err(Violation::new("body", "invalid", "must be a charge").into()),
    }
}

fn positive(minor: i64) -> Result<i64, Violation> {
    if minor > 0 { Ok(minor) } else { Err(Violation::new("amount", "out_of_range", "must be above 0")) }
}

#[cfg(test)]
mod tests {
    use kernel_application::{
        UseCaseError,
        testing::{ManualClock, SequenceIds, context},
    };

    use super::*;
    use crate::testing::MemoryLedger;

    fn handler(ledger: &Arc<MemoryLedger>) -> CreateChargeHandler {
        CreateChargeHandler {
            charges: Arc::clone(ledger) as _,
            ids: Arc::new(SequenceIds::default()),
            clock: Arc::new(ManualClock::default()),
            holds: Holds::default(),
        }
    }

    fn command(key: &str, token: &str) -> CreateCharge {
        CreateCharge {
            key: key.into(),
            amount_minor: 12_990,
            currency: "USD".into(),
            method: "credit_card".into(),
            token: token.into(),
            reference: "p1".into(),
            callback_url: None,
        }
    }

    fn given(answer: ChargeAnswer) -> (ChargeView, Duration) {
        match answer {
            ChargeAnswer::Given { charge, hold } => (charge, hold),
            ChargeAnswer::Lost => panic!("the answer was lost"),
        }
    }

    #[tokio::test]
    async fn a_key_charges_once() {
        let ledger = Arc::new(MemoryLedger::default());
        let handler = handler(&ledger);
        let (first, _) = given(handler.handle(&context(), command("k", "tok_success")).await.unwrap());
        let (second, _) = given(handler.handle(&context(), command("k", "tok_success")).await.unwrap());
        assert_eq!(first, second);
        assert_eq!(ledger.lines(), 1);
        let other = CreateCharge { amount_minor: 1, ..command("k", "tok_success") };
        let error = handler.handle(&context(), other).await.unwrap_err();
        assert_eq!(error.code(), "idempotency_key_reused");
    }

    #[tokio::test]
    async fn declines_are_answers() {
        let ledger = Arc::new(MemoryLedger::default());
        let (charge, _) =
            given(handler(&ledger).handle(&context(), command("k", "tok_insufficient_funds")).await.unwrap());
        assert_eq!((charge.status, charge.failure_code), ("declined", Some("insufficient_funds")));
    }

    #[tokio::test]
    async fn late_and_lost_answers_come_after_the_charge_and_once() {
        for (token, first) in [
            ("tok_slow", Some(Holds::default().slow)),
            ("tok_timeout_after_charge", Some(Holds::default().held)),
            ("tok_error_after_charge", None),
        ] {
            let ledger = Arc::new(MemoryLedger::default());
            let handler = handler(&ledger);
            let answer = handler.handle(&context(), command("k", token)).await.unwrap();
            match first {
                Some(hold) => assert_eq!(given(answer).1, hold),
                None => assert_eq!(answer, ChargeAnswer::Lost),
            }
            assert_eq!(ledger.lines(), 1, "{token}");
            let (charge, hold) = given(handler.handle(&context(), command("k", token)).await.unwrap());
            assert_eq!((charge.status, hold), ("captured", Duration::ZERO));
            assert_eq!(ledger.lines(), 1, "{token}");
        }
    }

    #[tokio::test]
    async fn an_error_before_the_charge_charges_on_the_repeat() {
        let ledger = Arc::new(MemoryLedger::default());
        let handler = handler(&ledger);
        let lost = handler.handle(&context(), command("k", "tok_error_before_charge")).await.unwrap();
        assert_eq!((lost, ledger.lines()), (ChargeAnswer::Lost, 0));
        let answer = handler.handle(&context(), command("k", "tok_error_before_charge")).await.unwrap();
        assert_eq!((given(answer).0.status, ledger.lines()), ("captured", 1));
    }

    #[tokio::test]
    async fn everything_wrong_is_named_at_once() {
        let ledger = Arc::new(MemoryLedger::default());
        let bad = CreateCharge {
            key: String::new(),
            amount_minor: 0,
            currency: "usd".into(),
            method: String::new(),
            token: String::new(),
            reference: "a b".into(),
            callback_url: Some("ftp://x".into()),
        };
        let error = handler(&ledger).handle(&context(), bad).await.unwrap_err();
        let fields: Vec<_> = error.violations().iter().map(Violation::field).collect();
        let all = ["Idempotency-Key", "currency", "method", "token", "reference", "callback_url", "amount"];
        assert_eq!(fields, all);
        assert_eq!(ledger.lines(), 0);
    }
}
