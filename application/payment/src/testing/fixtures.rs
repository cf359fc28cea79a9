//! Small values for tests.

use std::collections::BTreeMap;

use kernel_application::IdGenerator;
use kernel_domain::{BasketId, Currency, Money, PaymentId, ProductId, Quantity, Timestamp, UserId};
use payment_domain::{BasketRef, NewPayment, Payment, PaymentItem, PaymentMethod};

use crate::{BasketLine, BasketQuote};

/// US dollars in cents.
pub const fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::USD)
}

/// A user.
///
/// # Panics
/// Where `name` is no user id.
#[expect(clippy::expect_used, reason = "fixtures are right or the test is wrong")]
pub fn user(name: &str) -> UserId {
    UserId::new(name).expect("a user id")
}

/// A product's id.
///
/// # Panics
/// Where `id` is not above 0.
#[expect(clippy::expect_used, reason = "fixtures are right or the test is wrong")]
pub fn product_id(id: i64) -> ProductId {
    ProductId::new(id).expect("a product id")
}

/// A line of `quantity` units at 10.00.
///
/// # Panics
/// Where an argument is out of range.
#[expect(clippy::expect_used, reason = "fixtures are right or the test is wrong")]
pub fn item(id: i64, quantity: i64) -> PaymentItem {
    let quantity = Quantity::new(quantity).expect("a quantity");
    PaymentItem::new(product_id(id), format!("product {id}"), usd(1_000), quantity, "things")
        .expect("a subtotal")
}

/// A basket with these items.
pub fn basket(id: BasketId, version: u64, items: &[PaymentItem]) -> BasketQuote {
    let line = |item: &PaymentItem| BasketLine {
        product_id: item.product_id(),
        name: item.name().to_owned(),
        price: item.price(),
        quantity: item.quantity(),
        category: item.category().to_owned(),
    };
    BasketQuote { id, version, lines: items.iter().map(line).collect() }
}

/// A pending payment of `user` for a basket of its own, with 2 units of product 1 and 1 of product 2.
///
/// # Panics
/// Never, for a user id that is right.
#[expect(clippy::expect_used, reason = "fixtures are right or the test is wrong")]
pub fn new_payment(ids: &dyn IdGenerator, name: &str, now: Timestamp) -> Payment {
    let new = NewPayment {
        id: PaymentId::from_uuid(ids.next()),
        user_id: user(name),
        basket: BasketRef { id: BasketId::from_uuid(ids.next()), version: 3 },
        items: vec![item(1, 2), item(2, 1)],
        currency: Currency::USD,
        method: PaymentMethod::Paypal,
        provider: Some("sandbox".to_owned()),
        description: Some("a gift".to_owned()),
        metadata: BTreeMap::from([("order".to_owned(), "7".to_owned())]),
    };
    Payment::create(new, now).expect("a payment")
}
