//! What the gateway's own services may take.

use futures_util::stream;
use platform_testkit::{PATIENCE, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tonic::{Code, Streaming, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_client::HealthClient};
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

use super::{PRODUCT, before, client::Client, shop::Shop};
use crate::support::Gateway;

async fn channel(gateway: &Gateway) -> Channel {
    Channel::from_shared(format!("http://{}", gateway.grpc())).unwrap().connect().await.unwrap()
}

fn product() -> HealthCheckRequest {
    HealthCheckRequest { service: PRODUCT.to_owned() }
}

async fn watch(client: &mut HealthClient<Channel>) -> Result<Streaming<HealthCheckResponse>, Code> {
    let watched = client.watch(product()).await;
    watched.map(tonic::Response::into_inner).map_err(|status| status.code())
}

#[tokio::test]
async fn watchers_take_places_as_calls_do() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[("MAX_IN_FLIGHT", "2")]).await;
    let mut client = HealthClient::new(channel(&gateway).await);
    let watched = [watch(&mut client).await.unwrap(), watch(&mut client).await.unwrap()];
    assert_eq!(client.check(product()).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(
        Client::of(&gateway).await.ask(PRODUCT, "GetProduct").await.unwrap_err().code(),
        Code::Unavailable
    );
    drop(watched);
    let free = || {
        let mut client = client.clone();
        async move { client.check(product()).await.ok() }
    };
    eventually(PATIENCE, free).await.unwrap();
}

#[tokio::test]
async fn what_has_no_end_is_bounded_and_leaves_room_for_what_has() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let mut client = HealthClient::new(channel(&gateway).await);
    let mut watched = Vec::new();
    while let Ok(one) = watch(&mut client).await {
        watched.push(one);
        assert!(watched.len() <= 64);
    }
    assert_eq!(watched.len(), 64);
    let mut reflection = ServerReflectionClient::new(channel(&gateway).await);
    let refused = reflection.server_reflection_info(stream::pending()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    client.check(product()).await.unwrap();
    Client::of(&gateway).await.ask(PRODUCT, "GetProduct").await.unwrap();
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_one_to_be_closed() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[("GRPC_MAX_CONNECTIONS", "1")]).await;
    let first = Client::of(&gateway).await;
    first.ask(PRODUCT, "GetProduct").await.unwrap();
    let mut second = TcpStream::connect(gateway.grpc()).await.unwrap();
    second.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut greeting = [0; 9];
    let waited = timeout(std::time::Duration::from_millis(300), second.read_exact(&mut greeting)).await;
    assert!(waited.is_err(), "nobody answers");
    drop(first);
    timeout(PATIENCE, second.read_exact(&mut greeting)).await.unwrap().unwrap();
    assert_eq!(greeting[3], 4, "settings");
}
