//! The service over the fake store, called as a trait: the transport is `platform-grpc`'s.

use kernel_application::{
    CallContext, Caller,
    testing::{context, context_of},
};
use platform_grpc::Fault;
use product_application::testing::Fixture;
use proto::{
    google::r#type::Money,
    product::v1::{
        CreateProductRequest, DeleteProductRequest, GetProductRequest, GetProductsRequest, Product,
        ProductSort, ReleaseStockRequest, ReserveStockRequest, Shortage, StockLine, StockRejected,
        StockReserved, UpdateProductRequest, product_service_server::ProductService,
        reserve_stock_response::Outcome,
    },
};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::ProductGrpc;

fn service() -> ProductGrpc {
    ProductGrpc::new(Fixture::default().use_cases)
}

fn usd(units: i64, nanos: i32) -> Money {
    Money { currency_code: "USD".into(), units, nanos }
}

fn lamp() -> CreateProductRequest {
    CreateProductRequest {
        name: "Lamp".into(),
        description: "Warm".into(),
        price: Some(usd(129, 900_000_000)),
        stock_quantity: 5,
        category: "home".into(),
        image_url: None,
    }
}

async fn create(service: &ProductGrpc, request: CreateProductRequest) -> Result<Product, Status> {
    Ok(service.create_product(Request::new(request)).await?.into_inner().product.unwrap())
}

async fn get(service: &ProductGrpc, id: i64) -> Result<Product, Status> {
    Ok(service.get_product(Request::new(GetProductRequest { id })).await?.into_inner().product.unwrap())
}

async fn reserve(service: &ProductGrpc, payment: u128, lines: &[(i64, i64)]) -> Result<Outcome, Status> {
    let line = |&(product_id, quantity): &(i64, i64)| StockLine { product_id, quantity };
    let payment_id = Uuid::from_u128(payment).to_string();
    let request = ReserveStockRequest { payment_id, lines: lines.iter().map(line).collect() };
    Ok(service.reserve_stock(Request::new(request)).await?.into_inner().outcome.unwrap())
}

fn refused(status: &Status) -> (Code, String, Vec<String>) {
    let fault = Fault::from(status);
    (status.code(), fault.code, fault.fields.into_iter().map(|field| field.field).collect())
}

#[tokio::test]
async fn a_product_comes_back_as_it_was_sent() {
    let service = service();
    let made = create(&service, lamp()).await.unwrap();
    assert_eq!((made.id, made.version, made.available_quantity), (1, 1, 5));
    assert_eq!((made.price.clone(), made.image_url.clone()), (Some(usd(129, 900_000_000)), None));
    assert_eq!(get(&service, 1).await.unwrap(), made);
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let service = service();
    let request = CreateProductRequest { name: String::new(), stock_quantity: -1, ..lamp() };
    let wrong = refused(&create(&service, request).await.unwrap_err());
    assert_eq!(wrong.0, Code::InvalidArgument);
    assert_eq!(wrong.2, ["name", "stock_quantity"]);
    let no_currency = Money { units: 1, ..Money::default() };
    for price in [None, Some(usd(0, 1)), Some(usd(0, 0)), Some(usd(100_000_000, 0)), Some(no_currency)] {
        let request = CreateProductRequest { price, ..lamp() };
        let (code, _, fields) = refused(&create(&service, request).await.unwrap_err());
        assert!(code == Code::InvalidArgument && fields[0].starts_with("price"), "{fields:?}");
    }
    let euro = Some(Money { currency_code: "EUR".into(), units: 1, nanos: 0 });
    let (_, _, fields) =
        refused(&create(&service, CreateProductRequest { price: euro, ..lamp() }).await.unwrap_err());
    assert_eq!(fields, ["price"]);
}

#[tokio::test]
async fn an_update_checks_the_version() {
    let service = service();
    create(&service, lamp()).await.unwrap();
    let update = async |expected_version| {
        let request = UpdateProductRequest {
            id: 1,
            name: "Desk lamp".into(),
            description: String::new(),
            price: Some(usd(99, 0)),
            stock_quantity: 7,
            category: "office".into(),
            image_url: Some("https://example.org/a.png".into()),
            expected_version,
        };
        let response = service.update_product(Request::new(request)).await;
        response.map(|response| response.into_inner().product.unwrap())
    };
    let changed = update(Some(1)).await.unwrap();
    assert_eq!((changed.version, changed.name.as_str(), changed.stock_quantity), (2, "Desk lamp", 7));
    let stale = refused(&update(Some(1)).await.unwrap_err());
    assert_eq!((stale.0, stale.1.as_str()), (Code::Aborted, "stale_version"));
    assert_eq!(update(None).await.unwrap().version, 3);
    assert_eq!(refused(&update(Some(-1)).await.unwrap_err()).2, ["expected_version"]);
}

#[tokio::test]
async fn stock_is_reserved_and_released() {
    let service = service();
    create(&service, lamp()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(reserve(&service, 1, &[(1, 3)]).await.unwrap(), Outcome::Reserved(StockReserved {}));
    }
    let rejected = StockRejected {
        shortages: vec![Shortage { product_id: 1, requested: 3, available: 2 }],
        missing_product_ids: vec![9],
    };
    assert_eq!(reserve(&service, 2, &[(1, 3), (9, 1)]).await.unwrap(), Outcome::Rejected(rejected));
    let other = refused(&reserve(&service, 1, &[(1, 2)]).await.unwrap_err());
    assert_eq!((other.0, other.1.as_str()), (Code::FailedPrecondition, "reservation_differs"));
    let delete = async || service.delete_product(Request::new(DeleteProductRequest { id: 1 })).await;
    let held = refused(&delete().await.unwrap_err());
    assert_eq!((held.0, held.1.as_str()), (Code::FailedPrecondition, "product_reserved"));

    let payment_id = Uuid::from_u128(1).to_string();
    service.release_stock(Request::new(ReleaseStockRequest { payment_id })).await.unwrap();
    assert_eq!(get(&service, 1).await.unwrap().available_quantity, 5);
    delete().await.unwrap();
    assert_eq!(get(&service, 1).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn wrong_lines_and_payments_are_named() {
    let service = service();
    let (code, _, fields) = refused(&reserve(&service, 1, &[(0, 0)]).await.unwrap_err());
    assert_eq!(
        (code, fields),
        (Code::InvalidArgument, vec!["lines[0].product_id".into(), "lines[0].quantity".into()])
    );
    let request = ReleaseStockRequest { payment_id: "nope".into() };
    let (_, _, fields) = refused(&service.release_stock(Request::new(request)).await.unwrap_err());
    assert_eq!(fields, ["payment_id"]);
}

#[tokio::test]
async fn lists_have_all_orders_of_the_wire() {
    let service = service();
    for (name, units) in [("b", 2), ("a", 3), ("c", 1)] {
        let request = CreateProductRequest { name: name.into(), price: Some(usd(units, 0)), ..lamp() };
        create(&service, request).await.unwrap();
    }
    let list =
        async |request| service.get_products(Request::new(request)).await.map(tonic::Response::into_inner);
    for (sort, expected) in [
        (ProductSort::Unspecified, [1, 2, 3]),
        (ProductSort::Id, [1, 2, 3]),
        (ProductSort::Name, [2, 1, 3]),
        (ProductSort::PriceAsc, [3, 1, 2]),
        (ProductSort::PriceDesc, [2, 1, 3]),
        (ProductSort::Newest, [3, 2, 1]),
    ] {
        let page = list(GetProductsRequest { sort: sort.into(), ..Default::default() }).await.unwrap();
        let ids: Vec<_> = page.products.iter().map(|product| product.id).collect();
        assert_eq!((ids.as_slice(), page.next_cursor), (&expected[..], None), "{sort:?}");
    }
    let first = list(GetProductsRequest { limit: Some(2), ..Default::default() }).await.unwrap();
    assert_eq!(first.products.len(), 2);
    let rest =
        GetProductsRequest { cursor: first.next_cursor, max_price: Some(usd(1, 0)), ..Default::default() };
    assert_eq!(list(rest).await.unwrap().products[0].id, 3);
    let wrong =
        GetProductsRequest { sort: 99, min_price: Some(usd(0, 1)), limit: Some(1), ..Default::default() };
    assert_eq!(refused(&list(wrong).await.unwrap_err()).2, ["min_price", "sort"]);
}

/// A request that the server has found to be the call `ctx`.
fn by<T>(ctx: &CallContext, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(ctx.clone());
    request
}

#[tokio::test]
async fn who_may_not_is_refused_and_nothing_changes() {
    let fixture = Fixture::with_stock(5).await;
    let (open, service) = (ProductGrpc::new(fixture.use_cases.clone()), ProductGrpc::new(fixture.guarded()));
    let before = get(&open, 1).await.unwrap();
    let payment = || Uuid::from_u128(1).to_string();
    let nobody = context().by(Caller::Anonymous);
    for (ctx, code, reason) in [
        (nobody, Code::Unauthenticated, "unauthenticated"),
        (context_of("ada"), Code::PermissionDenied, "forbidden"),
    ] {
        let update = UpdateProductRequest {
            id: 1,
            name: "Desk lamp".into(),
            price: Some(usd(1, 0)),
            category: "home".into(),
            ..Default::default()
        };
        let lines = vec![StockLine { product_id: 1, quantity: 1 }];
        let reserve = ReserveStockRequest { payment_id: payment(), lines };
        let release = ReleaseStockRequest { payment_id: payment() };
        for refusal in [
            service.create_product(by(&ctx, lamp())).await.unwrap_err(),
            service.update_product(by(&ctx, update)).await.unwrap_err(),
            service.delete_product(by(&ctx, DeleteProductRequest { id: 1 })).await.unwrap_err(),
            service.reserve_stock(by(&ctx, reserve)).await.unwrap_err(),
            service.release_stock(by(&ctx, release)).await.unwrap_err(),
        ] {
            assert_eq!(refused(&refusal), (code, reason.to_owned(), Vec::new()));
        }
        let shown = service.get_product(by(&ctx, GetProductRequest { id: 1 })).await.unwrap().into_inner();
        assert_eq!(shown.product.as_ref(), Some(&before), "the catalogue is for everybody");
        assert_eq!(
            service
                .get_products(by(&ctx, GetProductsRequest::default()))
                .await
                .unwrap()
                .into_inner()
                .products,
            std::slice::from_ref(&before)
        );
    }
    assert_eq!(get(&open, 1).await.unwrap(), before);
    assert_eq!(reserve(&open, 1, &[(1, 5)]).await.unwrap(), Outcome::Reserved(StockReserved {}));
}
