//! What must be true of a shop at rest, whatever happened to it. A new invariant is a `check_…` here, or one in a file
//! below where it needs more than the payments and the ledger.

mod effects;

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

/// What the provider's ledger says of one payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Cents captured less cents refunded.
    pub(crate) balance: i64,
    pub(crate) captures: usize,
    pub(crate) refunds: usize,
}

/// The provider's ledger, by payment id.
pub(crate) async fn ledger(shop: &Shop) -> HashMap<String, Account> {
    let mut accounts: HashMap<String, Account> = HashMap::new();
    for entry in &all(shop, &shop.http("provider-service"), "/ledger").await {
        let reference = entry["reference"].as_str().unwrap_or_else(|| panic!("no reference: {entry}"));
        let account = accounts.entry(reference.to_owned()).or_default();
        match (entry["type"].as_str().unwrap(), entry["status"].as_str().unwrap()) {
            ("charge", "captured") => {
                account.balance += cents(&entry["amount"]);
                account.captures += 1;
            }
            ("refund", _) => {
                account.balance -= cents(&entry["amount"]);
                account.refunds += 1;
            }
            _ => {}
        }
    }
    accounts
}

/// Whether the payment's money was taken, even if some or all of it was given back since.
fn was_paid(payment: &Value) -> bool {
    matches!(payment["status"].as_str(), Some("completed" | "partially_refunded" | "refunded"))
}

/// Units in the payment, of one product or of all.
fn units(payment: &Value, product: Option<i64>) -> i64 {
    let items = payment["items"].as_array().unwrap().iter();
    let counted = items.filter(|item| product.is_none_or(|product| item["product_id"] == product));
    counted.map(|item| item["quantity"].as_i64().unwrap()).sum()
}

/// Waits until nothing moves any more, then checks money, stock and that each event has had its effect once. `initial` is
/// the stock each product began with.
pub(crate) async fn check(shop: &Shop, initial: &HashMap<i64, i64>) {
    let payments_at = format!("{}/payments", shop.http("payment-service"));
    shop.until("no payment processing", || async {
        let list =
            shop.send(reqwest::Method::GET, &format!("{payments_at}?status=processing"), None, &[]).await;
        list.is_ok_and(|list| list.body["items"].as_array().is_some_and(Vec::is_empty))
    })
    .await;
    let payments = all(shop, &shop.http("payment-service"), "/payments").await;
    let ledger = ledger(shop).await;
    check_money(&payments, &ledger);
    check_stock(shop, &payments, initial).await;
    effects::check(shop, &payments, &ledger).await;
}

fn check_money(payments: &[Value], ledger: &HashMap<String, Account>) {
    for payment in payments {
        let id = payment["id"].as_str().unwrap();
        let account = ledger.get(id).copied().unwrap_or_default();
        let paid = was_paid(payment);
        assert!(account.captures <= 1, "payment {id} was captured {} times", account.captures);
        let kept = cents(&payment["amount"]) - cents(&payment["refunded_amount"]);
        assert_eq!(account.balance, if paid { kept } else { 0 }, "the ledger of {payment}");
    }
}

async fn check_stock(shop: &Shop, payments: &[Value], initial: &HashMap<i64, i64>) {
    for (&product, &began) in initial {
        let kept = payments.iter().filter(|payment| was_paid(payment) && payment["status"] != "refunded");
        let sold: i64 = kept.map(|payment| units(payment, Some(product))).sum();
        let what = format!("product {product}: {began} units less {sold} sold, none reserved");
        shop.until(&what, || async { shop.stock(product).await == (began - sold, began - sold) }).await;
    }
}
