//! A charge: decided once, refunded in parts.

use std::collections::BTreeMap;

use kernel_domain::{Currency, EventId, Money, Timestamp, Version};

use crate::{
    Callback, ChargeId, ChargeRequest, ChargeStatus, FirstAnswer, LedgerKey, Refund, RefundError, RefundId,
};

/// One attempt to take money, under one key. `refunded` never exceeds what was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    id: ChargeId,
    key: LedgerKey,
    request: ChargeRequest,
    status: ChargeStatus,
    refunded: Money,
    created_at: Timestamp,
    version: Version,
}

/// A charge as a store keeps it.
#[derive(Clone, Debug)]
pub struct ChargeParts {
    /// Its id.
    pub id: ChargeId,
    /// Its key.
    pub key: LedgerKey,
    /// What was asked for.
    pub request: ChargeRequest,
    /// What became of it.
    pub status: ChargeStatus,
    /// The sum of its refunds.
    pub refunded: Money,
    /// When it was made.
    pub created_at: Timestamp,
    /// How often it was saved.
    pub version: Version,
}

impl Charge {
    /// Decides a request as its token says.
    pub fn decide(id: ChargeId, key: LedgerKey, request: ChargeRequest, now: Timestamp) -> Self {
        let status = request.token.status();
        let refunded = Money::zero(request.amount().currency());
        Self { id, key, request, status, refunded, created_at: now, version: Version::NEW }
    }

    /// A charge from a store, which kept what this type decided.
    pub fn restore(parts: ChargeParts) -> Self {
        let ChargeParts { id, key, request, status, refunded, created_at, version } = parts;
        Self { id, key, request, status, refunded, created_at, version }
    }

    /// Takes `amount` off what is left of the capture. It is in the charge's currency.
    pub fn refund(
        &mut self,
        id: RefundId,
        key: LedgerKey,
        amount: Money,
        now: Timestamp,
    ) -> Result<Refund, RefundError> {
        if self.status != ChargeStatus::Captured {
            return Err(RefundError::NotCaptured);
        }
        let exceeds = RefundError::ExceedsCharge { left: self.left() };
        let refunded = self.refunded.checked_add(amount).map_err(|_| exceeds)?;
        if !amount.is_positive() || refunded.minor() > self.request.amount().minor() {
            return Err(exceeds);
        }
        self.refunded = refunded;
        let reference = self.request.reference.clone();
        Ok(Refund { id, key, charge_id: self.id, reference, amount, created_at: now })
    }

    /// Whether a repeated request under the key asks for the same thing.
    ///
    /// Token and method are left out: a merchant that recovers after a crash may not have kept them.
    pub fn answers(&self, request: &ChargeRequest) -> bool {
        self.request.amount() == request.amount() && self.request.reference == request.reference
    }

    /// The callbacks to send, in this order; none where the merchant named no address.
    pub fn callbacks(&self, mut next_event_id: impl FnMut() -> EventId) -> Vec<Callback> {
        let Some(url) = &self.request.callback_url else { return Vec::new() };
        let mut events = BTreeMap::new();
        let callback = |sequence: &u32| Callback {
            event_id: *events.entry(*sequence).or_insert_with(&mut next_event_id),
            key: self.key.clone(),
            charge_id: self.id,
            status: self.status,
            sequence: *sequence,
            url: url.clone(),
        };
        self.request.token.callback_sequences().iter().map(callback).collect()
    }

    /// What may still be refunded.
    pub fn left(&self) -> Money {
        match self.status {
            ChargeStatus::Captured => {
                self.request.amount().checked_sub(self.refunded).unwrap_or(Money::zero(self.currency()))
            }
            ChargeStatus::Declined(_) => Money::zero(self.currency()),
        }
    }

    /// How the first call is answered.
    pub const fn first_answer(&self) -> FirstAnswer {
        self.request.token.first_answer()
    }

    /// The id.
    pub const fn id(&self) -> ChargeId {
        self.id
    }

    /// The key.
    pub const fn key(&self) -> &LedgerKey {
        &self.key
    }

    /// What was asked for.
    pub const fn request(&self) -> &ChargeRequest {
        &self.request
    }

    /// What became of it.
    pub const fn status(&self) -> ChargeStatus {
        self.status
    }

    /// The sum of its refunds.
    pub const fn refunded(&self) -> Money {
        self.refunded
    }

    /// The currency of all its amounts.
    pub const fn currency(&self) -> Currency {
        self.request.amount().currency()
    }

    /// When it was made.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// How often it was saved.
    pub const fn version(&self) -> Version {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{CallbackUrl, Reference, Token};

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::USD)
    }

    fn request(amount: i64, token: &str) -> ChargeRequest {
        let url = CallbackUrl::new("http://merchant/callbacks").unwrap();
        let reference = Reference::new("p1").unwrap();
        ChargeRequest::new(usd(amount), "credit_card".into(), Token::parse(token), reference, Some(url))
            .unwrap()
    }

    fn charge(amount: i64, token: &str) -> Charge {
        let key = LedgerKey::new("k1").unwrap();
        Charge::decide(ChargeId::from_uuid(Uuid::nil()), key, request(amount, token), Timestamp::UNIX_EPOCH)
    }

    fn refund(charge: &mut Charge, amount: Money) -> Result<Refund, RefundError> {
        let key = LedgerKey::new("r1").unwrap();
        charge.refund(RefundId::from_uuid(Uuid::nil()), key, amount, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn partial_refunds_go_up_to_the_capture() {
        let mut charge = charge(100, "tok_success");
        assert_eq!(refund(&mut charge, usd(60)).unwrap().amount, usd(60));
        assert_eq!(refund(&mut charge, usd(41)), Err(RefundError::ExceedsCharge { left: usd(40) }));
        assert!(refund(&mut charge, usd(40)).is_ok());
        assert!(charge.left().is_zero());
    }

    #[test]
    fn a_declined_charge_has_nothing_to_give_back() {
        assert_eq!(refund(&mut charge(100, "tok_declined"), usd(1)), Err(RefundError::NotCaptured));
    }

    #[test]
    fn a_repeat_may_differ_in_token_but_not_in_amount() {
        let charge = charge(100, "tok_success");
        assert!(charge.answers(&request(100, "tok_declined")));
        assert!(!charge.answers(&request(101, "tok_success")));
    }

    #[test]
    fn callbacks_repeat_events_out_of_order() {
        let mut ids = 0;
        let callbacks = charge(100, "tok_callback_twice").callbacks(|| {
            ids += 1;
            EventId::from_uuid(Uuid::from_u128(ids))
        });
        let sequences: Vec<_> = callbacks.iter().map(|callback| callback.sequence).collect();
        assert_eq!(sequences, [2, 1, 2]);
        assert_eq!(callbacks[0].event_id, callbacks[2].event_id);
        assert_ne!(callbacks[0].event_id, callbacks[1].event_id);
    }

    proptest! {
        #[test]
        fn refunds_never_exceed_the_capture(amount in 1_i64.., refunds in prop::collection::vec(any::<i64>(), 0..20)) {
            let mut charge = charge(amount, "tok_success");
            let mut given = 0_i128;
            for wish in refunds {
                if let Ok(refund) = refund(&mut charge, usd(wish)) {
                    given += i128::from(refund.amount.minor());
                }
                prop_assert!(given >= 0 && given <= i128::from(amount));
                prop_assert_eq!(i128::from(charge.refunded().minor()), given);
                prop_assert_eq!(i128::from(charge.left().minor()), i128::from(amount) - given);
            }
        }

        #[test]
        fn small_refunds_add_up_exactly(amount in 1_i64..1_000, parts in prop::collection::vec(1_i64..300, 0..20)) {
            let mut charge = charge(amount, "tok_success");
            let mut left = amount;
            for part in parts {
                prop_assert_eq!(refund(&mut charge, usd(part)).is_ok(), part <= left);
                left -= if part <= left { part } else { 0 };
            }
        }
    }
}
