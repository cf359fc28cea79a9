//! Reading baskets.

use std::time::{Duration, Instant};

use kernel_application::{HealthCheck, testing::context};
use kernel_domain::UserId;
use payment_application::{BasketQuote, Baskets, PeerFailure};
use payment_clients::GrpcBaskets;

use crate::server::{BASKET, nobody, peer};

async fn ask(baskets: &GrpcBaskets, user: &str) -> Result<Option<BasketQuote>, PeerFailure> {
    baskets.basket_of(&context(), &UserId::new(user).unwrap()).await
}

#[tokio::test]
async fn a_basket_is_read_exactly() {
    let baskets = GrpcBaskets::new(peer("basket-service").await);
    let quote = ask(&baskets, "ada").await.unwrap().unwrap();
    assert_eq!((quote.id.to_string().as_str(), quote.version), (BASKET, 4));
    let [line] = &quote.lines[..] else { panic!("one line") };
    assert_eq!((line.product_id.get(), line.price.minor(), line.quantity.get()), (7, 1_999, 2));
    assert_eq!((line.name.as_str(), line.category.as_str()), (context().request_id(), "things"));
    assert!(ask(&baskets, "empty").await.unwrap().unwrap().lines.is_empty());
}

#[tokio::test]
async fn only_not_found_is_absence() {
    let baskets = GrpcBaskets::new(peer("basket-service").await);
    assert_eq!(ask(&baskets, "nobody").await.unwrap(), None);
    for user in ["nonsense", "nothing", "broken", "slow"] {
        assert_eq!(ask(&baskets, user).await.unwrap_err().peer, "basket-service", "{user}");
    }
}

#[tokio::test]
async fn the_callers_deadline_counts() {
    let baskets = GrpcBaskets::new(peer("basket-service").await);
    let start = Instant::now();
    let ctx = context().with_deadline(start + Duration::from_millis(30));
    assert!(baskets.basket_of(&ctx, &UserId::new("slow").unwrap()).await.is_err());
    assert!(start.elapsed() < Duration::from_millis(450));
}

#[tokio::test]
async fn a_peer_tells_whether_it_is_there() {
    let there = peer("basket-service").await;
    assert_eq!(there.check().await, Ok(()));
    let away = nobody("basket-service");
    assert!(away.check().await.is_err());
    assert!(ask(&GrpcBaskets::new(away), "ada").await.is_err());
}
