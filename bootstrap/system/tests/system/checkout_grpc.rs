//! A checkout over gRPC, straight on the services.

use std::collections::HashMap;

use proto::{
    basket::v1::{AddItemRequest, GetBasketRequest, basket_service_client::BasketServiceClient},
    google::r#type::Money,
    payment::v1::{
        CreatePaymentRequest, GetPaymentRequest, PaymentMethod, PaymentStatus, ProcessPaymentRequest,
        RefundPaymentRequest, payment_service_client::PaymentServiceClient,
    },
    product::v1::{CreateProductRequest, GetProductRequest, product_service_client::ProductServiceClient},
};
use tonic::{Code, Request};

use crate::{invariants, shop::Shop};

fn usd(units: i64, cents: i32) -> Money {
    Money { currency_code: "USD".into(), units, nanos: cents * 10_000_000 }
}

#[tokio::test(flavor = "multi_thread")]
async fn checkout_and_refund() {
    let shop = Shop::open().await;
    let mut products = ProductServiceClient::new(shop.grpc("product-service").await);
    let mut baskets = BasketServiceClient::new(shop.grpc("basket-service").await);
    let mut payments = PaymentServiceClient::new(shop.grpc("payment-service").await);

    let create = CreateProductRequest {
        name: "Teapot".into(),
        price: Some(usd(19, 99)),
        stock_quantity: 4,
        category: "kitchen".into(),
        ..CreateProductRequest::default()
    };
    let product = products.create_product(create).await.unwrap().into_inner().product.unwrap();
    let add = AddItemRequest { user_id: "eve".into(), product_id: product.id, quantity: 2 };
    let basket = baskets.add_item(add).await.unwrap().into_inner().basket.unwrap();
    assert_eq!(basket.total, Some(usd(39, 98)));

    let create = CreatePaymentRequest {
        user_id: "eve".into(),
        method: PaymentMethod::CreditCard.into(),
        ..CreatePaymentRequest::default()
    };
    let keyed = || {
        let mut request = Request::new(create.clone());
        request.metadata_mut().insert("idempotency-key", "grpc-1".parse().unwrap());
        request
    };
    let payment = payments.create_payment(keyed()).await.unwrap().into_inner().payment.unwrap();
    let again = payments.create_payment(keyed()).await.unwrap();
    assert_eq!(again.metadata().get("idempotency-replayed").unwrap(), "true");
    assert_eq!(again.into_inner().payment.unwrap().id, payment.id);
    assert_eq!(payment.amount, Some(usd(39, 98)));

    let process = ProcessPaymentRequest { id: payment.id.clone(), payment_token: None };
    let paid = payments.process_payment(process).await.unwrap().into_inner().payment.unwrap();
    assert_eq!(paid.status(), PaymentStatus::Completed);
    let get = GetProductRequest { id: product.id };
    shop.until("stock decreased", || {
        let (mut products, get) = (products.clone(), get);
        async move { products.get_product(get).await.unwrap().into_inner().product.unwrap().stock_quantity == 2 }
    })
    .await;
    shop.until("basket cleared", || {
        let mut baskets = baskets.clone();
        async move {
            let basket = baskets.get_basket(GetBasketRequest { user_id: "eve".into() }).await;
            basket.map_or(true, |basket| basket.into_inner().basket.unwrap().items.is_empty())
        }
    })
    .await;

    let refund = RefundPaymentRequest { id: payment.id.clone(), amount: Some(usd(9, 98)), reason: None };
    let refunded = payments.refund_payment(refund).await.unwrap().into_inner().payment.unwrap();
    assert_eq!(
        (refunded.status(), refunded.refunded_amount),
        (PaymentStatus::PartiallyRefunded, Some(usd(9, 98)))
    );
    invariants::check(&shop, &HashMap::from([(product.id, 4)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_has_the_status_http_has() {
    let shop = Shop::open().await;
    let mut products = ProductServiceClient::new(shop.grpc("product-service").await);
    let mut payments = PaymentServiceClient::new(shop.grpc("payment-service").await);
    let create = |name: &str, price, stock_quantity| CreateProductRequest {
        name: name.into(),
        price,
        stock_quantity,
        category: "kitchen".into(),
        ..CreateProductRequest::default()
    };
    for wrong in [
        create("", Some(usd(1, 0)), 1),
        create(&"x".repeat(201), Some(usd(1, 0)), 1),
        create("a\0b", Some(usd(1, 0)), 1),
        create("Pot", None, 1),
        create("Pot", Some(usd(-1, 0)), 1),
        create("Pot", Some(Money { currency_code: "USD".into(), units: 1, nanos: 5_000_000 }), 1),
        create("Pot", Some(usd(i64::MAX, 0)), 1),
        create("Pot", Some(usd(1, 0)), -1),
        create("Pot", Some(usd(1, 0)), i64::MAX),
    ] {
        let status = products.create_product(wrong.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{wrong:?}: {status:?}");
    }
    let status = products.get_product(GetProductRequest { id: 4_242 }).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let status = payments.get_payment(GetPaymentRequest { id: "nope".into() }).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let create = CreatePaymentRequest {
        user_id: "eve".into(),
        method: PaymentMethod::CreditCard.into(),
        ..CreatePaymentRequest::default()
    };
    let status = payments.create_payment(create).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "an empty basket: {status:?}");
    assert_eq!(shop.get("/products").await.expect(200)["items"], serde_json::json!([]));
}
