//! A buyer whom no failure impresses: each step is repeated, with the same key, until it has an answer.

use std::sync::atomic::{AtomicI64, Ordering};

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
    buyer: String,
    surplus: Surplus,
}

/// Units that may be in the basket beside those that were asked for: attempts to add one whose answer never came, and
/// which may have been carried out after the next look, even after the next attempt.
#[derive(Clone, Copy, Debug, Default)]
struct Surplus {
    product: i64,
    later: i64,
}

/// What a buyer takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// One unit of this is paid for.
    pub(crate) product: i64,
    /// One unit of this comes into the basket once the payment is made, and stays there.
    pub(crate) later: i64,
}

/// A whole checkout, up to an answer to `process`, which may be that the payment is still processing.
pub(crate) async fn checkout(shop: &Shop, name: &str, wish: Wish, token: Option<&str>) -> Acknowledged {
    let product = fill_basket(shop, name, wish.product).await;
    let body = json!({"user_id": name, "method": "credit_card"});
    let create = Keyed { path: "/payments".into(), body, key: format!("{name}-create") };
    let created = create.insist(shop).await;
    let payment = id(&created.body);
    let later = fill_basket(shop, name, wish.later).await;
    let body = token.map_or_else(|| json!({}), |token| json!({"payment_token": token}));
    let path = format!("/payments/{payment}/process");
    let process = Keyed { path, body, key: format!("{name}-process") };
    let processed = process.insist(shop).await;
    let answers = vec![(create, created), (process, processed)];
    Acknowledged { payment, answers, buyer: name.to_owned(), surplus: Surplus { product, later } }
}

/// Waits until the baskets hold what was not paid for, all of it and nothing else: one unit of what came later.
pub(crate) async fn baskets_hold(shop: &Shop, checkouts: &[Acknowledged], wish: Wish) {
    for Acknowledged { buyer, surplus, .. } in checkouts {
        let left = || async {
            units(shop, buyer).await.is_some_and(|units| is_what_is_left(&units, wish, *surplus))
        };
        shop.until(&format!("{buyer} has only what was added later in the basket, {surplus:?}"), left).await;
    }
}

/// Whether a basket is as it has to be once the payment is made.
fn is_what_is_left(basket: &[(i64, i64)], wish: Wish, surplus: Surplus) -> bool {
    let of = |product| basket.iter().filter(|(id, _)| *id == product).map(|(_, units)| units).sum();
    let strangers = basket.iter().any(|(id, _)| ![wish.product, wish.later].contains(id));
    let (paid, later): (i64, i64) = (of(wish.product), of(wish.later));
    !strangers && (0..=surplus.product).contains(&paid) && (1..=1 + surplus.later).contains(&later)
}

/// Adds one unit, and answers how many more may come of attempts without an answer. Adding is no keyed request: looks
/// first whether such an attempt went through, and adds nothing where it cannot look.
async fn fill_basket(shop: &Shop, name: &str, product: i64) -> i64 {
    let items = format!("{}/api/baskets/{name}/items", shop.gateway());
    let item = json!({"quantity": 1, "product_id": product});
    let unanswered = AtomicI64::new(0);
    shop.wait_for(&format!("{name}: product {product} in the basket"), || async {
        let basket = units(shop, name).await?;
        if basket.iter().any(|(id, _)| *id == product) {
            let unanswered = unanswered.load(Ordering::Relaxed);
            assert!(unanswered > 0, "{name}: nobody has added product {product}");
            // One of them is the one that was asked for.
            return Some(unanswered - 1);
        }
        let maybe_added = match shop.send(Method::POST, &items, Some(item.clone()), &[]).await {
            Ok(reply) if reply.status.is_success() => return Some(unanswered.load(Ordering::Relaxed)),
            Ok(reply) => reply.status.is_server_error(),
            Err(error) => !error.is_connect(),
        };
        unanswered.fetch_add(maybe_added.into(), Ordering::Relaxed);
        None
    })
    .await
}

/// Products and units in the basket, none where there is no basket; `None` where nobody answers.
async fn units(shop: &Shop, name: &str) -> Option<Vec<(i64, i64)>> {
    let basket = format!("{}/api/baskets/{name}", shop.gateway());
    let looked = shop.send(Method::GET, &basket, None, &[]).await.ok()?;
    if looked.status == 404 {
        return Some(Vec::new());
    }
    let items = looked.body["items"].as_array()?.clone();
    items.iter().map(|item| Some((item["product_id"].as_i64()?, item["quantity"].as_i64()?))).collect()
}

#[test]
fn a_basket_holds_no_more_than_attempts_without_an_answer_explain() {
    let wish = Wish { product: 1, later: 2 };
    let (none, two) = (Surplus::default(), Surplus { product: 1, later: 2 });
    let fits = |basket: &[(i64, i64)], surplus| is_what_is_left(basket, wish, surplus);
    assert!(fits(&[(2, 1)], none));
    for wrong in [&[][..], &[(2, 2)], &[(2, 1), (2, 1)], &[(1, 1), (2, 1)], &[(2, 1), (3, 1)], &[(1, 1)]] {
        assert!(!fits(wrong, none), "{wrong:?}");
    }
    assert!(fits(&[(2, 1)], two) && fits(&[(1, 1), (2, 3)], two));
    for wrong in [&[][..], &[(1, 2), (2, 1)], &[(2, 4)], &[(1, 1)], &[(2, 1), (3, 1)]] {
        assert!(!fits(wrong, two), "{wrong:?}");
    }
}
