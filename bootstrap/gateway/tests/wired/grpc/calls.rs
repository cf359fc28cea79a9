//! What goes through as it is, and what the gateway answers itself.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::stream;
use platform_testkit::{PATIENCE, eventually};
use tonic::{Code, Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt;

use super::{
    BASKET, PRODUCT, before,
    client::{Client, message, with},
    shop::Shop,
};
use crate::{
    access_log::lines,
    support::{Gateway, nobody},
};

#[tokio::test]
async fn metadata_goes_both_ways_and_says_who_calls() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let client = Client::of(&gateway).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut request = message("");
    for (name, value) in [
        ("x-request-id", "r-7"),
        ("traceparent", trace),
        ("grpc-timeout", "5S"),
        ("x-mine", "1"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-user-id", "root"),
    ] {
        request = with(request, name, value);
    }
    let response = client.unary(PRODUCT, "Metadata", request).await.unwrap();
    assert_eq!(response.metadata().get("x-request-id").unwrap(), "r-7");
    assert_eq!(response.metadata().get("x-from-the-shop").unwrap(), "1");
    let seen = String::from_utf8_lossy(response.get_ref()).into_owned();
    let seen: BTreeMap<_, _> = seen.lines().filter_map(|line| line.split_once(": ")).collect();
    for (name, value) in [
        ("x-request-id", "r-7"),
        ("traceparent", trace),
        ("x-mine", "1"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("te", "trailers"),
        ("via", "2 gateway"),
    ] {
        assert_eq!(seen.get(name), Some(&value), "{name}");
    }
    assert!(!seen.contains_key("x-user-id"));
    let micros: u64 = seen["grpc-timeout"].strip_suffix('u').unwrap().parse().unwrap();
    assert!((3_000_000..5_000_000).contains(&micros), "{micros}");
}

#[tokio::test]
async fn streams_stay_streams_in_both_directions() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let client = Client::of(&gateway).await;
    let messages = stream::iter((0..100).map(|_| Bytes::from(vec![b'x'; 10_000])));
    let counted = client.client_streaming(BASKET, "Count", messages).await.unwrap();
    assert_eq!(counted.get_ref(), "100 messages, 1000000 bytes");

    let mut watched = client.server_streaming(BASKET, "Watch", message("3")).await.unwrap();
    for number in ["0", "1", "2"] {
        assert_eq!(watched.message().await.unwrap().unwrap(), number);
    }

    // Each message is answered before the next one is sent: nothing waits for the end.
    let mut chat = client.chat(BASKET).await.unwrap();
    for text in ["hello", "are you there", "bye"] {
        assert_eq!(chat.say(text).await.unwrap(), text);
    }
    assert_eq!(chat.end().await, 0);
}

fn expect_sold_out(status: &Status) {
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "sold out"));
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "out_of_stock");
    assert_eq!(status.metadata().get("x-why").unwrap(), "sold");
}

#[tokio::test]
async fn errors_keep_message_details_and_trailers() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let client = Client::of(&gateway).await;
    expect_sold_out(&client.ask(PRODUCT, "Fail").await.unwrap_err());
    let mut watched = client.server_streaming(PRODUCT, "Watch", message("1")).await.unwrap();
    assert_eq!(watched.message().await.unwrap().unwrap(), "0");
    expect_sold_out(&watched.message().await.unwrap_err());
}

#[tokio::test]
async fn backends_get_their_shares() {
    let (one, two) = (Shop::open().await, Shop::open().await);
    let urls = format!("{},{};weight=3", one.url(), two.url());
    for (strategy, expected) in [("round_robin", 20), ("weighted_round_robin", 10)] {
        let gateway = before(&urls, &[("LOAD_BALANCER_STRATEGY", strategy)]).await;
        let client = Client::of(&gateway).await;
        let mut of_one = 0;
        for _ in 0..40 {
            let answered = client.ask(PRODUCT, "GetProduct").await.unwrap();
            of_one += usize::from(answered == one.addr.to_string());
        }
        assert_eq!(of_one, expected, "{strategy}");
    }
    assert_eq!(one.connections(), 2, "one for each gateway");
}

#[tokio::test]
async fn what_no_service_has_is_unimplemented() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[("BASKET_SERVICE_ENABLED", "false")]).await;
    let client = Client::of(&gateway).await;
    for service in ["product.v2.ProductService", "notification.v1.NotificationService", "Nothing"] {
        let status = client.ask(service, "Get").await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{service}");
    }
    assert_eq!(client.ask(BASKET, "GetItems").await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(shop.calls(), 0);
}

async fn channel(gateway: &Gateway) -> Channel {
    Channel::from_shared(format!("http://{}", gateway.grpc())).unwrap().connect().await.unwrap()
}

async fn health(client: &mut HealthClient<Channel>, service: &str) -> Result<ServingStatus, Code> {
    let answer = client.check(HealthCheckRequest { service: service.to_owned() }).await;
    answer.map(|answer| answer.get_ref().status()).map_err(|status| status.code())
}

#[tokio::test]
async fn its_own_health_follows_the_services() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[("BASKET_SERVICE_GRPC_URLS", &nobody())]).await;
    let mut client = HealthClient::new(channel(&gateway).await);
    let ready = || {
        let mut client = client.clone();
        async move { (health(&mut client, PRODUCT).await == Ok(ServingStatus::Serving)).then_some(()) }
    };
    eventually(PATIENCE, ready).await.unwrap();
    for name in ["", BASKET] {
        assert_eq!(health(&mut client, name).await, Ok(ServingStatus::NotServing), "{name}");
    }
    assert_eq!(health(&mut client, "product").await, Err(Code::NotFound));
    // Who watches is told that the gateway is leaving, and is no reason for it to stay.
    let watched = client.watch(HealthCheckRequest { service: PRODUCT.to_owned() }).await.unwrap();
    let mut watched = watched.into_inner();
    let status = |answer: Option<tonic_health::pb::HealthCheckResponse>| answer.map(|answer| answer.status());
    assert_eq!(status(watched.message().await.unwrap()), Some(ServingStatus::Serving));
    let stopping = tokio::spawn(gateway.stop());
    assert_eq!(status(watched.message().await.unwrap()), Some(ServingStatus::NotServing));
    assert_eq!(status(watched.message().await.unwrap()), None);
    drop(client);
    assert_eq!(stopping.await.unwrap(), platform_runtime::Outcome::Clean);
}

#[tokio::test]
async fn its_reflection_lists_what_can_be_called() {
    let gateway = before(&nobody(), &[("PAYMENT_SERVICE_ENABLED", "false")]).await;
    let mut client = ServerReflectionClient::new(channel(&gateway).await);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = client.server_reflection_info(stream::iter([request])).await.unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?} lists nothing");
    };
    let mut names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    assert_eq!(names, [BASKET, "grpc.health.v1.Health", PRODUCT]);
}

#[tokio::test]
async fn calls_are_counted_by_method_backend_and_status() {
    let shop = Shop::open().await;
    let gateway = before(&shop.url(), &[]).await;
    let client = Client::of(&gateway).await;
    client.ask(PRODUCT, "GetProduct").await.unwrap();
    client.ask(PRODUCT, "Fail").await.unwrap_err();
    let text = gateway.metrics().await;
    let backend = shop.addr;
    for line in [
        format!(
            "gateway_upstream_requests_total{{service=\"product\",route=\"{PRODUCT}/GetProduct\",backend=\"{backend}\",status=\"2xx\"}} 1"
        ),
        format!("gateway_calls_total{{service=\"product\",method=\"{PRODUCT}/GetProduct\",code=\"OK\"}} 1"),
        format!(
            "gateway_calls_total{{service=\"product\",method=\"{PRODUCT}/*\",code=\"FAILED_PRECONDITION\"}} 1"
        ),
        format!("gateway_backend_in_flight{{service=\"product-grpc\",backend=\"{backend}\"}} 0"),
        format!("gateway_breaker_state{{service=\"product-grpc\",backend=\"{backend}\",state=\"closed\"}} 1"),
    ] {
        assert!(text.contains(&line), "{line} is missing in\n{text}");
    }
    let heads = text.lines().filter(|line| line.starts_with("# TYPE gateway_backend_in_flight")).count();
    assert_eq!(heads, 1, "HTTP and gRPC are one family");
}

#[tokio::test]
async fn a_line_tells_where_a_call_went_and_how_it_ended() {
    let shop = Shop::open().await;
    let urls = format!("{},{}", nobody(), shop.url());
    let variables =
        [("GRPC_ENABLED", "true"), ("AUTH_MODE", "off"), ("PRODUCT_SERVICE_GRPC_URLS", urls.as_str())];
    let lines = lines(&nobody(), &variables, async |gateway| {
        let client = Client::of(gateway).await;
        let request = with(message("1"), "x-request-id", "r-7");
        let mut watched = client.server_streaming(PRODUCT, "Watch", request).await.unwrap();
        while watched.message().await.is_ok() {}
    })
    .await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    let method = format!("{PRODUCT}/*");
    for (field, value) in
        [("msg", "call"), ("request_id", "r-7"), ("method", &method), ("status", "FAILED_PRECONDITION")]
    {
        assert_eq!(line[field], value, "{field}");
    }
    assert_eq!((&line["backend"], &line["attempts"]), (&shop.addr.to_string().into(), &2.into()));
    assert!(line["upstream_ms"].as_f64().unwrap() <= line["duration_ms"].as_f64().unwrap());
}
