//! A buyer whom no failure impresses: each step is repeated, with the same key, until it has an answer.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    buyer::id,
    shop::{Reply, Shop},
};

/// A request under a key. The same one gets the same answer, whatever happened in between.
pub(crate) struct Keyed {
    pub(crate) path: String,
    body: Value,
    key: String,
}

impl Keyed {
    /// Sends it until it succeeds.
    pub(crate) async fn insist(&self, shop: &Shop) -> Reply {
        let url = format!("{}/api{}", shop.gateway(), self.path);
        shop.wait_for(&format!("{}: {}", self.key, self.path), || async {
            let key = [("idempotency-key", &*self.key)];
            let reply = shop.send(Method::POST, &url, Some(self.body.clone()), &key).await.ok()?;
            reply.status.is_success().then_some(reply)
        })
        .await
    }
}

/// What a checkout was told.
pub(crate) struct Acknowledged {
    pub(crate) payment: String,
    /// Each keyed request with its answer.
    pub(crate) answers: Vec<(Keyed, Reply)>,
}

/// What a buyer takes.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    /// One unit of this is paid for.
    pub(crate) product: i64,
    /// One unit of this comes into the basket once the payment is made, and stays there.
    pub(crate) later: i64,
}

/// A whole checkout, up to an answer to `process`, which may be that the payment is still processing.
pub(crate) async fn checkout(shop: &Shop, name: &str, wish: Wish, token: Option<&str>) -> Acknowledged {
    fill_basket(shop, name, wish.product).await;
    let body = json!({"user_id": name, "method": "credit_card"});
    let create = Keyed { path: "/payments".into(), body, key: format!("{name}-create") };
    let created = create.insist(shop).await;
    let payment = id(&created.body);
    fill_basket(shop, name, wish.later).await;
    let body = token.map_or_else(|| json!({}), |token| json!({"payment_token": token}));
    let path = format!("/payments/{payment}/process");
    let process = Keyed { path, body, key: format!("{name}-process") };
    let processed = process.insist(shop).await;
    Acknowledged { payment, answers: vec![(create, created), (process, processed)] }
}

/// Waits until the baskets hold what was not paid for, all of it and nothing else: one unit of `later`.
pub(crate) async fn baskets_hold(shop: &Shop, names: impl IntoIterator<Item = String>, later: i64) {
    for name in names {
        let left = || async { units(shop, &name).await.is_some_and(|units| units == [(later, 1)]) };
        shop.until(&format!("{name} has only what was added later in the basket"), left).await;
    }
}

/// Adding is no keyed request: looks first whether an attempt without an answer went through.
async fn fill_basket(shop: &Shop, name: &str, product: i64) {
    let items = format!("{}/api/baskets/{name}/items", shop.gateway());
    let item = json!({"quantity": 1, "product_id": product});
    shop.until(&format!("{name}: product {product} in the basket"), || async {
        if units(shop, name).await.is_some_and(|units| units.iter().any(|(id, _)| *id == product)) {
            return true;
        }
        let added = shop.send(Method::POST, &items, Some(item.clone()), &[]).await;
        added.is_ok_and(|reply| reply.status.is_success())
    })
    .await;
}

/// Products and units in the basket; `None` where nobody answers.
async fn units(shop: &Shop, name: &str) -> Option<Vec<(i64, i64)>> {
    let basket = format!("{}/api/baskets/{name}", shop.gateway());
    let looked = shop.send(Method::GET, &basket, None, &[]).await.ok()?;
    let items = looked.body["items"].as_array()?.clone();
    items.iter().map(|item| Some((item["product_id"].as_i64()?, item["quantity"].as_i64()?))).collect()
}
