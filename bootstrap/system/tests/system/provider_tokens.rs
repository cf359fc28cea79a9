//! What a provider does to those who trust its answers.

use std::collections::HashMap;

use crate::{
    buyer::{Buyer, process, reaches},
    invariants,
    shop::Shop,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_token_ends_in_one_verdict() {
    let shop = Shop::open().await;
    let product = shop.product("20.00", 100).await;
    let tokens = [
        ("tok_success", "completed"),
        ("tok_declined", "failed"),
        ("tok_insufficient_funds", "failed"),
        ("tok_timeout_after_charge", "completed"),
        ("tok_error_after_charge", "completed"),
        ("tok_error_before_charge", "completed"),
        ("tok_slow", "completed"),
        ("tok_callback_twice", "completed"),
        ("tok_nobody_knows", "failed"),
    ];
    let checkouts = tokens.map(|(token, verdict)| {
        let shop = &shop;
        async move {
            let buyer = Buyer::new(token);
            let payment = buyer.pending(shop, product, 1).await;
            let reply = process(shop, &payment, Some(token)).await;
            assert!(matches!(reply.status.as_u16(), 200 | 202), "{token}: {reply:?}");
            let processing = reply.body["status"] == "processing";
            assert_eq!(processing, reply.status == 202, "{token}: {reply:?}");
            reaches(shop, &payment, verdict).await;
            if verdict == "completed" {
                shop.until("basket cleared", || async { buyer.lines(shop).await.is_empty() }).await;
            }
        }
    });
    futures_util::future::join_all(checkouts).await;
    invariants::check(&shop, &HashMap::from([(product, 100)])).await;
}
