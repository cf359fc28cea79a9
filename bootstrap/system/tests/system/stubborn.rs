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

/// A whole checkout of one unit, up to an answer to `process`, which may be that the payment is still processing.
pub(crate) async fn checkout(shop: &Shop, name: &str, product: i64, token: Option<&str>) -> Acknowledged {
    fill_basket(shop, name, product).await;
    let body = json!({"user_id": name, "method": "credit_card"});
    let create = Keyed { path: "/payments".into(), body, key: format!("{name}-create") };
    let created = create.insist(shop).await;
    let payment = id(&created.body);
    let body = token.map_or_else(|| json!({}), |token| json!({"payment_token": token}));
    let path = format!("/payments/{payment}/process");
    let process = Keyed { path, body, key: format!("{name}-process") };
    let processed = process.insist(shop).await;
    Acknowledged { payment, answers: vec![(create, created), (process, processed)] }
}

/// Adding is no keyed request: looks first whether an attempt without an answer went through.
async fn fill_basket(shop: &Shop, name: &str, product: i64) {
    let basket = format!("{}/api/baskets/{name}", shop.gateway());
    let item = json!({"quantity": 1, "product_id": product});
    shop.until(&format!("{name}: basket"), || async {
        let looked = shop.send(Method::GET, &basket, None, &[]).await;
        if looked.is_ok_and(|reply| reply.body["item_count"].as_i64().is_some_and(|count| count > 0)) {
            return true;
        }
        let added = shop.send(Method::POST, &format!("{basket}/items"), Some(item.clone()), &[]).await;
        added.is_ok_and(|reply| reply.status.is_success())
    })
    .await;
}
