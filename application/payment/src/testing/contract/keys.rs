//! Idempotency keys: an answer is kept with its effect, and for its caller.

use std::time::Duration;

use kernel_application::{Begin, CallContext, Clock, IdempotencyKey, StoreError, testing::context};

use super::Bench;
use crate::{PaymentAnswer, PaymentView};

const LOCK: Duration = Duration::from_mins(1);

#[expect(clippy::unwrap_used, reason = "a broken contract fails the test")]
impl Bench {
    async fn claim(&self, key: &str) -> (IdempotencyKey, CallContext) {
        let key = IdempotencyKey { principal: "p".into(), route: "r", key: key.into() };
        let Begin::Started(claim) = self.stores.keys.begin(key.clone(), "hash", LOCK).await.unwrap() else {
            unreachable!("the key is fresh")
        };
        (key, context().with_claim(claim))
    }

    pub(super) async fn an_answer_is_kept_with_its_effect(&self) {
        let (key, ctx) = self.claim("effect").await;
        assert_eq!(self.stores.keys.begin(key.clone(), "hash", LOCK).await.unwrap(), Begin::Running);
        assert_eq!(self.stores.keys.begin(key.clone(), "other", LOCK).await.unwrap(), Begin::Mismatch);
        let mut payment = self.payment("answer");
        self.stores.payments.save(&ctx, &mut payment).await.unwrap();
        let answer = PaymentAnswer::Payment(Box::new(PaymentView::try_from(&payment).unwrap()));
        payment.cancel(self.clock.now()).unwrap();
        self.save(&mut payment).await.unwrap();
        let replay = self.stores.keys.begin(key, "hash", LOCK).await.unwrap();
        assert_eq!(replay, Begin::Replay(answer), "the answer of then, not the payment of now");

        let (key, ctx) = self.claim("rejected").await;
        let rejected =
            PaymentAnswer::Rejected { reason: crate::Rejection::BasketEmpty, detail: "nothing there".into() };
        self.stores.keys.finish(ctx.claim().unwrap(), rejected.clone()).await.unwrap();
        assert_eq!(self.stores.keys.begin(key, "hash", LOCK).await.unwrap(), Begin::Replay(rejected));

        let (key, ctx) = self.claim("suspended").await;
        self.stores.keys.suspend(ctx.claim().unwrap()).await.unwrap();
        assert_eq!(self.stores.keys.begin(key.clone(), "other", LOCK).await.unwrap(), Begin::Mismatch);
        assert!(matches!(
            self.stores.keys.begin(key.clone(), "hash", LOCK).await.unwrap(),
            Begin::Started(_)
        ));
        assert_eq!(self.stores.keys.begin(key, "hash", LOCK).await.unwrap(), Begin::Running);

        let (key, ctx) = self.claim("released").await;
        self.stores.keys.release(ctx.claim().unwrap()).await.unwrap();
        assert!(matches!(self.stores.keys.begin(key, "hash", LOCK).await.unwrap(), Begin::Started(_)));
    }

    /// Whoever chose the same key sees nothing of another's answer, not even that there is one.
    pub(super) async fn an_answer_is_its_callers_own(&self) {
        let (key, ctx) = self.claim("shared").await;
        let mut payment = self.payment("keys");
        self.stores.payments.save(&ctx, &mut payment).await.unwrap();
        let other = IdempotencyKey { principal: "other".into(), ..key.clone() };
        for hash in ["hash", "another hash"] {
            let begun = self.stores.keys.begin(other.clone(), hash, LOCK).await.unwrap();
            let Begin::Started(claim) = begun else { unreachable!("the other's key is fresh: {begun:?}") };
            self.stores.keys.release(&claim).await.unwrap();
        }
        let replay = self.stores.keys.begin(key, "hash", LOCK).await.unwrap();
        assert!(matches!(replay, Begin::Replay(PaymentAnswer::Payment(_))), "{replay:?}");
    }

    pub(super) async fn a_lost_key_rolls_the_effect_back(&self) {
        let (_, ctx) = self.claim("lost").await;
        self.stores.keys.release(ctx.claim().unwrap()).await.unwrap();
        let mut payment = self.payment("lost");
        let result = self.stores.payments.save(&ctx, &mut payment).await;
        assert!(matches!(result, Err(StoreError::Fenced)), "{result:?}");
        assert_eq!(self.stores.payments.find(payment.id(), None).await.unwrap(), None);
    }
}
