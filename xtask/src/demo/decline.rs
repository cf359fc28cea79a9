//! A card that is declined: the payment fails with a code, and neither stock nor basket has changed.

use super::checkout::{LEFT, Sale, told};
use super::shop::Shop;
use crate::failure::{Failure, Outcome};
use serde_json::json;

pub(super) fn tell(shop: &mut Shop, sale: &Sale) -> Outcome {
    let user = shop.name("bob");
    shop.sign_in(&user, &[])?;
    shop.post(&format!("/baskets/{user}/items"), &json!({ "product_id": sale.product, "quantity": 1 }))?;
    let created = shop.post("/payments", &json!({ "user_id": user, "method": "credit_card" }))?;
    let none = || Failure::new("without a payment there is nothing to decline");
    let payment = created.body["id"].as_str().ok_or_else(none)?.to_owned();
    shop.post(&format!("/payments/{payment}/process"), &json!({ "payment_token": "tok_declined" }))?;
    let failed =
        shop.expect("the payment is failed, with a code", &format!("/payments/{payment}"), |reply| {
            reply.body["status"] == "failed" && reply.body["failure_code"].is_string()
        })?;
    shop.check(
        &format!("failure_code is {}", failed.body["failure_code"]),
        failed.body["failure_code"].is_string(),
    );
    shop.expect(
        &format!("the reservation is released: {LEFT} in stock, {LEFT} available"),
        &format!("/products/{}", sale.product),
        |reply| reply.body["stock_quantity"] == LEFT && reply.body["available_quantity"] == LEFT,
    )?;
    told(shop, "payment.failed.v1", &user, &payment, 1)?;
    let basket = shop.get(&format!("/baskets/{user}"))?;
    shop.check("the basket still holds the line, for another try", basket.body["items"][0]["quantity"] == 1);
    Ok(())
}
