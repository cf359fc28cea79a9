//! Every method.

use std::{future::Future, pin::Pin};

use platform_grpc::{Fault, testing::methods};
use platform_identity::testing::TestIssuer;
use platform_testkit::{
    data_dir,
    inventory::{self, Access, Answer, Operation, Probe},
};
use proto::basket::v1::{
    AddItemRequest, ClearItemsRequest, CreateBasketRequest, DeleteBasketRequest, GetBasketRequest,
    RemoveItemRequest, UpdateItemRequest, basket_service_client::BasketServiceClient,
};
use tonic::{
    Code, Extensions, Request, Response, Status,
    metadata::{MetadataMap, MetadataValue},
    transport::Channel,
};

use super::{OWNER, Shop, tokens};
use crate::support::{Products, Service};

#[tokio::test(flavor = "multi_thread")]
async fn every_method_lets_in_whom_it_should() {
    let (folder, issuer) = (data_dir().unwrap(), TestIssuer::new());
    let products = Products::guarded(1_000, &issuer).await;
    let service = Service::guarded(folder.path(), products.address(), &issuer).await;
    let channel = Channel::from_shared(service.grpc()).unwrap().connect().await.unwrap();
    let names = methods(channel.clone()).await.unwrap();
    let found: Vec<_> = names.into_iter().map(|name| Operation { name, public: None }).collect();
    let listed = [
        ("basket.v1.BasketService/GetBasket", Access::OwnerOrService),
        ("basket.v1.BasketService/CreateBasket", OWNER),
        ("basket.v1.BasketService/DeleteBasket", OWNER),
        ("basket.v1.BasketService/AddItem", OWNER),
        ("basket.v1.BasketService/UpdateItem", OWNER),
        ("basket.v1.BasketService/RemoveItem", OWNER),
        ("basket.v1.BasketService/ClearItems", OWNER),
    ];
    let probe = Grpc { shop: Shop::new(&service, &issuer), client: BasketServiceClient::new(channel) };
    assert_eq!(inventory::faults(&found, &listed, &tokens(&issuer), &probe).await, Vec::<String>::new());
    drop(probe);
    service.stop().await;
}

type Client = BasketServiceClient<Channel>;

struct Grpc<'a> {
    shop: Shop<'a>,
    client: Client,
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

impl Probe for Grpc<'_> {
    type Request = Call;

    async fn request(&self, name: &str) -> Call {
        let method = name.rsplit('/').next().unwrap();
        self.shop.prepare(method == "CreateBasket").await;
        let (user_id, product_id) = ("ada".to_owned(), 1);
        match method {
            "GetBasket" => call(GetBasketRequest { user_id }, |mut client, request| async move {
                client.get_basket(request).await
            }),
            "CreateBasket" => call(CreateBasketRequest { user_id }, |mut client, request| async move {
                client.create_basket(request).await
            }),
            "DeleteBasket" => call(DeleteBasketRequest { user_id }, |mut client, request| async move {
                client.delete_basket(request).await
            }),
            "AddItem" => {
                let message = AddItemRequest { user_id, product_id, quantity: 1 };
                call(message, |mut client, request| async move { client.add_item(request).await })
            }
            "UpdateItem" => {
                let message = UpdateItemRequest { user_id, product_id, quantity: 3 };
                call(message, |mut client, request| async move { client.update_item(request).await })
            }
            "RemoveItem" => {
                let message = RemoveItemRequest { user_id, product_id };
                call(message, |mut client, request| async move { client.remove_item(request).await })
            }
            "ClearItems" => call(ClearItemsRequest { user_id }, |mut client, request| async move {
                client.clear_items(request).await
            }),
            other => unreachable!("no request for {other}"),
        }
    }

    async fn send(&self, request: &Call, authorization: Option<&str>) -> Answer {
        let mut metadata = MetadataMap::new();
        if let Some(value) = authorization {
            metadata.insert("authorization", MetadataValue::try_from(value).unwrap());
        }
        match request(self.client.clone(), metadata).await {
            Ok(()) => Answer::of_grpc(Code::Ok as i32, ""),
            Err(status) => Answer::of_grpc(status.code() as i32, &Fault::from(&status).code),
        }
    }

    async fn state(&self) -> String {
        self.shop.state().await
    }
}
