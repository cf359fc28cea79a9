//! Charges, refunds and callbacks to test with.
#![expect(clippy::expect_used, reason = "a sample that cannot be made is a broken test")]

use kernel_domain::{Currency, EventId, Money, Timestamp};
use provider_domain::{
    Callback, CallbackUrl, Charge, ChargeId, ChargeRequest, LedgerKey, Reference, Refund, RefundError,
    RefundId, Token,
};
use uuid::Uuid;

const AT: i64 = 1_767_225_599_123_456;

/// A charge of the last second of 2025 under `key`, with the key as reference and an id made from it.
///
/// # Panics
/// Where key or amount are not legal.
pub fn charge(key: &str, amount_minor: i64, token: &str) -> Charge {
    let amount = Money::from_minor(amount_minor, Currency::USD);
    let reference = Reference::new(key).expect("reference");
    let url = CallbackUrl::new("http://merchant.example/callbacks").ok();
    let request = ChargeRequest::new(amount, "credit_card".into(), Token::parse(token), reference, url);
    let key = LedgerKey::new(key).expect("key");
    Charge::decide(ChargeId::from_uuid(id(key.as_str())), key, request.expect("request"), at())
}

/// A refund that `charge` allows, under `key`, with an id made from it.
///
/// # Panics
/// Where the key is not legal.
pub fn refund(charge: &mut Charge, key: &str, amount_minor: i64) -> Result<Refund, RefundError> {
    let amount = Money::from_minor(amount_minor, charge.currency());
    let key = LedgerKey::new(key).expect("key");
    charge.refund(RefundId::from_uuid(id(key.as_str())), key, amount, at())
}

/// What is to be called back.
pub fn callbacks(charge: &Charge) -> Vec<Callback> {
    let mut number = 0;
    charge.callbacks(|| {
        number += 1;
        EventId::from_uuid(Uuid::from_u128(number))
    })
}

pub(super) fn at() -> Timestamp {
    Timestamp::from_timestamp_micros(AT).expect("timestamp")
}

/// The key's bytes, packed: short keys give distinct ids.
fn id(key: &str) -> Uuid {
    Uuid::from_u128(key.bytes().fold(1, |id: u128, byte| (id << 8) | u128::from(byte)))
}
