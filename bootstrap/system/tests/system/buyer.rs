//! What a buyer does, step by step.

use serde_json::{Value, json};

use crate::shop::{Reply, Shop};

/// A user with a basket.
#[derive(Clone, Debug)]
pub(crate) struct Buyer {
    pub(crate) name: String,
}

impl Buyer {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    pub(crate) async fn add(&self, shop: &Shop, product: i64, quantity: u32) -> Reply {
        let item = json!({"product_id": product, "quantity": quantity});
        shop.post(&format!("/baskets/{}/items", self.name), item).await
    }

    pub(crate) async fn basket(&self, shop: &Shop) -> Reply {
        shop.get(&format!("/baskets/{}", self.name)).await
    }

    /// The product ids in the basket.
    pub(crate) async fn lines(&self, shop: &Shop) -> Vec<i64> {
        let basket = self.basket(shop).await;
        let items = basket.body["items"].as_array().cloned().unwrap_or_default();
        items.iter().filter_map(|item| item["product_id"].as_i64()).collect()
    }

    pub(crate) async fn pay(&self, shop: &Shop) -> Reply {
        shop.post("/payments", json!({"user_id": self.name, "method": "credit_card"})).await
    }

    /// A pending payment for units of a product; answers its id.
    pub(crate) async fn pending(&self, shop: &Shop, product: i64, quantity: u32) -> String {
        self.add(shop, product, quantity).await.expect(200);
        id(&self.pay(shop).await.expect(201))
    }

    /// A completed payment for units of a product; answers its id.
    pub(crate) async fn buy(&self, shop: &Shop, product: i64, quantity: u32) -> String {
        let id = self.pending(shop, product, quantity).await;
        let payment = process(shop, &id, None).await.expect(200);
        assert_eq!(payment["status"], "completed", "{payment}");
        id
    }

    /// Payment ids the user was notified about with this event type.
    pub(crate) async fn notified(&self, shop: &Shop, event_type: &str) -> usize {
        let page = shop.get(&format!("/notifications?user_id={}&limit=100", self.name)).await.expect(200);
        page["items"].as_array().unwrap().iter().filter(|item| item["event_type"] == event_type).count()
    }
}

pub(crate) fn id(payment: &Value) -> String {
    payment["id"].as_str().unwrap().to_owned()
}

pub(crate) async fn process(shop: &Shop, id: &str, token: Option<&str>) -> Reply {
    let body = token.map_or_else(|| json!({}), |token| json!({"payment_token": token}));
    shop.post(&format!("/payments/{id}/process"), body).await
}

pub(crate) async fn payment(shop: &Shop, id: &str) -> Value {
    shop.get(&format!("/payments/{id}")).await.expect(200)
}

/// How many payments of users whose names begin so are processing, as the payment service has it.
pub(crate) async fn processing(shop: &Shop, users: &str) -> usize {
    let url = format!("{}/payments?status=processing&limit=100", shop.http("payment-service"));
    let page = shop.send(reqwest::Method::GET, &url, None, &[]).await.unwrap().expect(200);
    let payments = page["items"].as_array().unwrap().iter();
    payments.filter(|payment| payment["user_id"].as_str().unwrap().starts_with(users)).count()
}

/// Waits for the payment's status.
pub(crate) async fn reaches(shop: &Shop, id: &str, status: &str) {
    let what = format!("payment {id} {status}");
    shop.until(&what, || async { payment(shop, id).await["status"] == status }).await;
}
