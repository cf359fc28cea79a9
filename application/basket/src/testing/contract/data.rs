//! Baskets for the suite.

#![expect(clippy::unwrap_used, reason = "a test suite")]

use basket_domain::{Basket, Offer, Stamp};
use chrono::TimeDelta;
use kernel_domain::{BasketId, Currency, EventId, Money, PaymentId, ProductId, Quantity, Timestamp, UserId};
use uuid::Uuid;

pub(super) fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH
        + TimeDelta::seconds(1_767_225_600)
        + TimeDelta::hours(hours)
        + TimeDelta::microseconds(7)
}

pub(super) fn stamp(hours: i64) -> Stamp {
    Stamp::new(at(hours), TimeDelta::hours(24))
}

pub(super) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(super) fn basket(id: u128, name: &str) -> Basket {
    basket_at(id, name, 0)
}

pub(super) fn basket_at(id: u128, name: &str, hours: i64) -> Basket {
    Basket::open(BasketId::from_uuid(Uuid::from_u128(id)), user(name), Currency::USD, stamp(hours))
}

pub(super) fn payment(id: u128) -> PaymentId {
    PaymentId::from_uuid(Uuid::from_u128(id))
}

pub(super) fn event(id: u128) -> EventId {
    EventId::from_uuid(Uuid::from_u128(id))
}

pub(super) fn product(id: i64) -> ProductId {
    ProductId::new(id).unwrap()
}

pub(super) fn add(basket: &mut Basket, id: i64, quantity: i64) {
    let offer = Offer {
        product: product(id),
        name: format!("Größe {id} “ünïcode” 'quoted'"),
        price: Money::from_minor(1_999 + id % 10, Currency::USD),
        category: "Käse & Wein".to_owned(),
        available: u64::MAX,
    };
    let _ = basket.add(&offer, Quantity::new(quantity).unwrap(), stamp(1)).unwrap();
}

pub(super) fn clear(basket: &mut Basket) {
    let _ = basket.clear(stamp(2)).unwrap();
}
