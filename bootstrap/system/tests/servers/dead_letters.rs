//! What strangers write into a topic is put aside, listed, and sent once more, over Kafka.

use reqwest::Method;

use crate::{buyer::Buyer, home::Home, shop::Shop};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_event_is_put_aside_and_can_be_sent_once_more() {
    let home = Home::new().await;
    let topics = home.topics();
    let shop = Shop::open_in(home).await;
    let product = shop.product("10.00", 10).await;
    topics.append("stock-events", &product.to_string(), b"no event").await;
    shop.until("one is put aside", || async { put_aside(&shop).await == 1 }).await;
    let listed = shop.job("product-service", &["--dlq-list", "stock-events"]);
    assert!(listed.starts_with("1 dead letter(s)") && listed.contains("not a CloudEvents"), "{listed}");

    let sent = shop.job("product-service", &["--dlq-replay", "--all"]);
    assert!(sent.starts_with("1 dead letter(s)"), "{sent}");
    shop.until("it is put aside again, for nothing was mended", || async { put_aside(&shop).await == 2 })
        .await;
    let others = shop.job("notification-service", &["--dlq-list"]);
    assert!(others.starts_with("0 dead letter(s)"), "{others}");

    // The partition goes on all the while.
    Buyer::new("ada").buy(&shop, product, 2).await;
    shop.until("stock decreased", || async { shop.stock(product).await == (8, 8) }).await;
}

/// How many records the product service has put aside.
async fn put_aside(shop: &Shop) -> u64 {
    let url = format!("{}/metrics", shop.http("product-service"));
    let answer = shop.client.request(Method::GET, url).send().await.unwrap();
    let metrics = answer.text().await.unwrap();
    let counted = metrics.lines().filter(|line| {
        line.starts_with("events_consumed_total") && line.contains(r#"outcome="dead_lettered""#)
    });
    counted.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
