//! The money goes back: a part, then the rest; with the last of it the goods come back too.

use super::checkout::{LEFT, STOCK, Sale, told};
use super::shop::Shop;
use crate::failure::Outcome;
use crate::http::Reply;
use serde_json::{Value, json};

pub(super) fn tell(shop: &mut Shop, sale: &Sale) -> Outcome {
    shop.sign_in(&sale.user, &[])?;
    refund(shop, sale, &json!({ "amount": "100.00", "reason": "a scratch" }))?;
    settled(shop, sale, "partially_refunded", "100.00")?;
    told(shop, "payment.refunded.v1", &sale.user, &sale.payment, 1)?;
    in_stock(shop, sale, LEFT, "a part of the money moves no stock")?;

    let beyond = refund(shop, sale, &json!({ "amount": "200.00" }))?;
    shop.check("more than is left is refused", matches!(beyond.status, 409 | 422));

    refund(shop, sale, &json!({ "reason": "sent back" }))?;
    settled(shop, sale, "refunded", "259.80")?;
    told(shop, "payment.refunded.v1", &sale.user, &sale.payment, 2)?;
    in_stock(shop, sale, STOCK, "stock.updated increase: all units are back")
}

fn refund(shop: &Shop, sale: &Sale, body: &Value) -> Outcome<Reply> {
    shop.post(&format!("/payments/{}/refund", sale.payment), body)
}

fn settled(shop: &mut Shop, sale: &Sale, status: &str, refunded: &str) -> Outcome {
    let effect = format!("the payment is {status}, {refunded} went back");
    shop.expect(&effect, &format!("/payments/{}", sale.payment), |reply| {
        reply.body["status"] == status && reply.body["refunded_amount"] == refunded
    })?;
    Ok(())
}

fn in_stock(shop: &mut Shop, sale: &Sale, stock: i64, effect: &str) -> Outcome {
    shop.expect(&format!("{effect}: {stock} in stock"), &format!("/products/{}", sale.product), |reply| {
        reply.body["stock_quantity"] == stock
    })?;
    Ok(())
}
