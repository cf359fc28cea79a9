//! Baskets on a Redis Cluster.

use std::collections::HashMap;

use crate::{buyer::Buyer, home::Home, invariants, shop::Shop};

#[tokio::test(flavor = "multi_thread")]
async fn baskets_on_a_cluster_are_filled_paid_and_cleared() {
    let shop = Shop::open_in(Home::with_cluster().await).await;
    let (paid, later) = (shop.product("10.00", 50).await, shop.product("3.00", 50).await);
    // Enough users for every node of the cluster.
    for n in 0..12 {
        let buyer = Buyer::new(format!("user-{n}"));
        buyer.buy(&shop, paid, 2).await;
        buyer.add(&shop, later, 1).await.expect(200);
        shop.until("only the later line is left", || async { buyer.lines(&shop).await == [later] }).await;
    }
    invariants::check(&shop, &HashMap::from([(paid, 50), (later, 50)])).await;
}
