//! What must be true of a shop at rest, whatever happened to it.

use std::collections::HashMap;

use serde_json::Value;

use crate::shop::Shop;

/// All items of a paged list.
async fn all(shop: &Shop, base: &str, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let url = format!("{base}{path}?limit=100{after}");
        let page = shop.send(reqwest::Method::GET, &url, None, &[]).await.unwrap().expect(200);
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return items;
        }
    }
}

fn cents(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no decimal string"));
    text.replace('.', "").parse().unwrap()
}

/// The provider's ledger: per payment, what was captured less what was refunded, and how many captures there were.
async fn ledger(shop: &Shop) -> HashMap<String, (i64, u32)> {
    let mut money: HashMap<String, (i64, u32)> = HashMap::new();
    let entries = all(shop, &shop.http("provider-service"), "/ledger").await;
    for entry in &entries {
        let reference =
            entry["reference"].as_str().unwrap_or_else(|| panic!("no reference: {entry}")).to_owned();
        let sum = money.entry(reference).or_default();
        match (entry["type"].as_str().unwrap(), entry["status"].as_str().unwrap()) {
            ("charge", "captured") => {
                sum.0 += cents(&entry["amount"]);
                sum.1 += 1;
            }
            ("refund", _) => sum.0 -= cents(&entry["amount"]),
            _ => {}
        }
    }
    money
}

/// Waits until nothing moves any more, then checks stock and money. `initial` is the stock each product began with.
pub(crate) async fn check(shop: &Shop, initial: &HashMap<i64, i64>) {
    let payments_at = format!("{}/payments", shop.http("payment-service"));
    shop.until("no payment processing", || async {
        let list =
            shop.send(reqwest::Method::GET, &format!("{payments_at}?status=processing"), None, &[]).await;
        list.is_ok_and(|list| list.body["items"].as_array().is_some_and(Vec::is_empty))
    })
    .await;
    let payments = all(shop, &shop.http("payment-service"), "/payments").await;
    check_money(&payments, &ledger(shop).await);
    check_stock(shop, &payments, initial).await;
}

fn check_money(payments: &[Value], ledger: &HashMap<String, (i64, u32)>) {
    for payment in payments {
        let (id, status) = (payment["id"].as_str().unwrap(), payment["status"].as_str().unwrap());
        let (balance, captures) = ledger.get(id).copied().unwrap_or_default();
        assert!(captures <= 1, "payment {id} was captured {captures} times");
        let kept = cents(&payment["amount"]) - cents(&payment["refunded_amount"]);
        let expected = match status {
            "completed" | "partially_refunded" | "refunded" => kept,
            _ => 0,
        };
        assert_eq!(balance, expected, "{status} payment {id}");
    }
}

async fn check_stock(shop: &Shop, payments: &[Value], initial: &HashMap<i64, i64>) {
    for (&product, &began) in initial {
        let sold: i64 = payments
            .iter()
            .filter(|payment| matches!(payment["status"].as_str(), Some("completed" | "partially_refunded")))
            .flat_map(|payment| payment["items"].as_array().unwrap())
            .filter(|item| item["product_id"] == product)
            .map(|item| item["quantity"].as_i64().unwrap())
            .sum();
        let what = format!("product {product}: {began} units less {sold} sold, none reserved");
        shop.until(&what, || async { shop.stock(product).await == (began - sold, began - sold) }).await;
    }
}
