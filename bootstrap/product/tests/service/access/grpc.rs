//! Every method.

use std::{cell::Cell, future::Future, pin::Pin};

use platform_grpc::{Fault, testing::methods};
use platform_identity::testing::TestIssuer;
use platform_testkit::{
    data_dir,
    inventory::{self, Access, Answer, Operation, Probe},
};
use proto::{
    google::r#type::Money,
    product::v1::{
        CreateProductRequest, DeleteProductRequest, GetProductRequest, GetProductsRequest,
        ReleaseStockRequest, UpdateProductRequest, product_service_client::ProductServiceClient,
    },
};
use tonic::{
    Code, Extensions, Request, Response, Status,
    metadata::{MetadataMap, MetadataValue},
    transport::Channel,
};

use super::{Shop, tokens};
use crate::{grpc::reserve, support::Service};

#[tokio::test(flavor = "multi_thread")]
async fn every_method_lets_in_whom_it_should() {
    let (folder, issuer) = (data_dir().unwrap(), TestIssuer::new());
    let service = Service::guarded(folder.path(), &issuer).await;
    let channel = Channel::from_shared(service.grpc_url()).unwrap().connect().await.unwrap();
    let names = methods(channel.clone()).await.unwrap();
    let found: Vec<_> = names.into_iter().map(|name| Operation { name, public: None }).collect();
    let listed = [
        ("product.v1.ProductService/CreateProduct", Access::Admin),
        ("product.v1.ProductService/GetProduct", Access::Everybody),
        ("product.v1.ProductService/GetProducts", Access::Everybody),
        ("product.v1.ProductService/UpdateProduct", Access::Admin),
        ("product.v1.ProductService/DeleteProduct", Access::Admin),
        ("product.v1.ProductService/ReserveStock", Access::Service),
        ("product.v1.ProductService/ReleaseStock", Access::Service),
    ];
    let client = ProductServiceClient::new(channel);
    let probe = Grpc { shop: Shop::new(&service, &issuer), client, payments: Cell::new(0) };
    assert_eq!(inventory::faults(&found, &listed, &tokens(&issuer), &probe).await, Vec::<String>::new());
    drop(probe);
    service.stop().await;
}

type Client = ProductServiceClient<Channel>;

struct Grpc<'a> {
    shop: Shop<'a>,
    client: Client,
    payments: Cell<u128>,
}

/// A call without a caller.
type Call = Box<dyn Fn(Client, MetadataMap) -> Pin<Box<dyn Future<Output = Result<(), Status>>>>>;

fn call<M, R, F>(message: M, send: impl Fn(Client, Request<M>) -> F + 'static) -> Call
where
    M: Clone + 'static,
    F: Future<Output = Result<Response<R>, Status>> + 'static,
{
    Box::new(move |client, metadata| {
        let request = Request::from_parts(metadata, Extensions::default(), message.clone());
        let answer = send(client, request);
        Box::pin(async move { answer.await.map(drop) })
    })
}

fn metadata(authorization: Option<&str>) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    if let Some(value) = authorization {
        metadata.insert("authorization", MetadataValue::try_from(value).unwrap());
    }
    metadata
}

impl Grpc<'_> {
    /// The number of a payment that holds nothing yet.
    fn payment(&self) -> u128 {
        self.payments.update(|last| last + 1);
        self.payments.get()
    }

    /// A payment that holds a unit of a new lamp.
    async fn holding(&self) -> ReleaseStockRequest {
        let request = reserve(self.payment(), self.shop.lamp().await, 1);
        let payment_id = request.payment_id.clone();
        let hold = call(request, |mut client, request| async move { client.reserve_stock(request).await });
        hold(self.client.clone(), metadata(Some(&self.shop.admin))).await.unwrap();
        ReleaseStockRequest { payment_id }
    }
}

impl Probe for Grpc<'_> {
    type Request = Call;

    async fn request(&self, name: &str) -> Call {
        let price = Some(Money { currency_code: "USD".into(), units: 99, nanos: 0 });
        let (name_of_product, category) = ("Desk lamp".to_owned(), "office".to_owned());
        match name.rsplit('/').next().unwrap() {
            "CreateProduct" => {
                let message =
                    CreateProductRequest { name: name_of_product, category, price, ..Default::default() };
                call(message, |mut client, request| async move { client.create_product(request).await })
            }
            "GetProduct" => {
                let message = GetProductRequest { id: self.shop.lamp().await };
                call(message, |mut client, request| async move { client.get_product(request).await })
            }
            "GetProducts" => call(GetProductsRequest::default(), |mut client, request| async move {
                client.get_products(request).await
            }),
            "UpdateProduct" => {
                let id = self.shop.lamp().await;
                let message =
                    UpdateProductRequest { id, name: name_of_product, category, price, ..Default::default() };
                call(message, |mut client, request| async move { client.update_product(request).await })
            }
            "DeleteProduct" => {
                let message = DeleteProductRequest { id: self.shop.lamp().await };
                call(message, |mut client, request| async move { client.delete_product(request).await })
            }
            "ReserveStock" => {
                let message = reserve(self.payment(), self.shop.lamp().await, 1);
                call(message, |mut client, request| async move { client.reserve_stock(request).await })
            }
            "ReleaseStock" => call(self.holding().await, |mut client, request| async move {
                client.release_stock(request).await
            }),
            other => unreachable!("no request for {other}"),
        }
    }

    async fn send(&self, request: &Call, authorization: Option<&str>) -> Answer {
        match request(self.client.clone(), metadata(authorization)).await {
            Ok(()) => Answer::of_grpc(Code::Ok as i32, ""),
            Err(status) => Answer::of_grpc(status.code() as i32, &Fault::from(&status).code),
        }
    }

    async fn state(&self) -> String {
        self.shop.state().await
    }
}
