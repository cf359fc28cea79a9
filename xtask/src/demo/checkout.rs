//! Product, basket, payment, processed: stock decreased, basket emptied, customer told.

use super::shop::Shop;
use crate::failure::{Failure, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What was sold, for the stories that follow.
pub(super) struct Sale {
    pub(super) product: i64,
    pub(super) user: String,
    pub(super) payment: String,
}

/// What is there before the first sale.
pub(super) const STOCK: i64 = 10;
const BOUGHT: i64 = 2;
/// What is left after it.
pub(super) const LEFT: i64 = STOCK - BOUGHT;

pub(super) fn tell(shop: &mut Shop) -> Outcome<Sale> {
    shop.sign_in("keeper", &["admin"])?;
    let product = create_product(shop)?;
    let user = shop.name("ada");
    shop.sign_in(&user, &[])?;
    fill_basket(shop, &user, product)?;
    let payment = create_payment(shop, &user)?;
    process(shop, &payment)?;
    let sale = Sale { product, user, payment };
    see_effects(shop, &sale)?;
    Ok(sale)
}

fn create_product(shop: &mut Shop) -> Outcome<i64> {
    let reply = shop.post(
        "/products",
        &json!({
            "name": shop.name("teapot"),
            "description": "Made for a demo",
            "price": "129.90",
            "stock_quantity": STOCK,
            "category": "demo",
            "image_url": "https://images.example.com/teapot.jpg",
        }),
    )?;
    shop.check("the product is created", reply.status == 201);
    reply.body["id"].as_i64().ok_or_else(|| Failure::new("without a product there is nothing to sell"))
}

fn fill_basket(shop: &mut Shop, user: &str, product: i64) -> Outcome {
    let items = format!("/baskets/{user}/items");
    let reply = shop.post(&items, &json!({ "product_id": product, "quantity": BOUGHT }))?;
    shop.check_field(&reply.body, "total", "259.80");
    Ok(())
}

fn create_payment(shop: &mut Shop, user: &str) -> Outcome<String> {
    let key = shop.name("payment");
    let order = json!({ "user_id": user, "method": "credit_card" });
    let reply = shop.post_once("/payments", &key, &order)?;
    shop.check_field(&reply.body, "status", "pending");
    shop.check_field(&reply.body, "amount", "259.80");
    let again = shop.post_once("/payments", &key, &order)?;
    let same = again.replayed && again.body["id"] == reply.body["id"];
    shop.check("the same key gives the same payment, not a second one", same);
    let id = reply.body["id"].as_str().map(str::to_owned);
    id.ok_or_else(|| Failure::new("without a payment there is nothing to process"))
}

/// With no token, the provider says yes.
fn process(shop: &mut Shop, payment: &str) -> Outcome {
    shop.post(&format!("/payments/{payment}/process"), &json!({}))?;
    shop.expect("the payment is completed", &format!("/payments/{payment}"), |reply| {
        reply.body["status"] == "completed"
    })?;
    Ok(())
}

fn see_effects(shop: &mut Shop, sale: &Sale) -> Outcome {
    let Sale { product, user, payment } = sale;
    shop.expect(
        &format!("stock.updated decrease {BOUGHT}: stock went from {STOCK} to {LEFT}, nothing reserved"),
        &format!("/products/{product}"),
        |reply| reply.body["stock_quantity"] == LEFT && reply.body["available_quantity"] == LEFT,
    )?;
    shop.expect("basket.cleared: the paid lines left the basket", &format!("/baskets/{user}"), |reply| {
        reply.status == 404 || reply.body["items"].as_array().is_some_and(Vec::is_empty)
    })?;
    told(shop, "payment.completed.v1", user, payment, 1)
}

/// The customer was told of so many events of that type about that payment, over whatever channels.
pub(super) fn told(shop: &mut Shop, event_type: &str, user: &str, payment: &str, count: usize) -> Outcome {
    let effect = format!("{event_type}: the customer was told, of {count}");
    shop.expect(&effect, &format!("/notifications?user_id={user}"), |reply| {
        let items = reply.body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let about = |item: &&Value| item["event_type"] == event_type && item["payment_id"] == payment;
        let events: BTreeSet<String> =
            items.iter().filter(about).map(|item| item["event_id"].to_string()).collect();
        events.len() == count
    })?;
    Ok(())
}
