//! Prices, reservations, releases.

use kernel_application::testing::context;
use kernel_domain::{PaymentId, ProductId, Quantity};
use payment_application::{PeerFailure, Products, Reservation, ReservationLine};
use payment_clients::GrpcProducts;

use crate::server::{BASKET, nobody, peer};

fn product(id: i64) -> ProductId {
    ProductId::new(id).unwrap()
}

fn payment() -> PaymentId {
    PaymentId::parse(BASKET).unwrap()
}

async fn reserve(products: &GrpcProducts, lines: &[(i64, i64)]) -> Result<Reservation, PeerFailure> {
    let line = |(id, units): &(i64, i64)| ReservationLine {
        product_id: product(*id),
        quantity: Quantity::new(*units).unwrap(),
    };
    let lines: Vec<_> = lines.iter().map(line).collect();
    products.reserve(&context(), payment(), &lines).await
}

#[tokio::test]
async fn a_product_is_read_exactly_and_only_not_found_is_absence() {
    let products = GrpcProducts::new(peer("product-service").await);
    let quote = products.product(&context(), product(1)).await.unwrap().unwrap();
    assert_eq!((quote.price.minor(), quote.available), (1_999, 7));
    assert_eq!(products.product(&context(), product(2)).await.unwrap(), None);
    for id in [3, 4, 5] {
        let failure = products.product(&context(), product(id)).await.unwrap_err();
        assert_eq!(failure.peer, "product-service", "{id}");
    }
}

#[tokio::test]
async fn a_reservation_has_a_verdict_or_fails() {
    let products = GrpcProducts::new(peer("product-service").await);
    assert_eq!(reserve(&products, &[(1, 3), (2, 1)]).await.unwrap(), Reservation::Reserved);
    let refused = vec![product(3), product(5), product(9)];
    assert_eq!(reserve(&products, &[(3, 2)]).await.unwrap(), Reservation::Refused(refused));
    for id in [4, 5, 6] {
        assert!(reserve(&products, &[(id, 1)]).await.is_err(), "{id}");
    }
}

#[tokio::test]
async fn a_release_is_done_or_fails() {
    let products = GrpcProducts::new(peer("product-service").await);
    products.release(&context(), payment()).await.unwrap();
    let other = PaymentId::parse("01890a5d-ac96-774b-bcce-000000000000").unwrap();
    assert!(products.release(&context(), other).await.is_err());
    assert!(GrpcProducts::new(nobody("product-service")).release(&context(), payment()).await.is_err());
}
