//! What a service's program does instead of serving.

use crate::{buyer::Buyer, home::Home, shop::Shop};

/// With a schema of their own.
const MIGRATING: [&str; 3] = ["product-service", "payment-service", "notification-service"];
/// With events to consume.
const CONSUMING: [&str; 3] = ["product-service", "basket-service", "notification-service"];

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_made_ahead_of_the_services() {
    let shop = Shop::closed(Home::new().await, 1);
    for service in MIGRATING {
        for _ in 0..2 {
            let printed = shop.job(service, &["--migrate-only"]);
            assert!(printed.contains("is up to date"), "{printed}");
        }
    }
    shop.start_all().await;
    let product = shop.product("10.00", 10).await;
    Buyer::new("ada").buy(&shop, product, 1).await;
    for service in CONSUMING {
        let printed = shop.job(service, &["--dlq-list"]);
        assert!(printed.starts_with("0 dead letter(s)"), "{service}: {printed}");
    }
}
