//! What every server does around its services.

use std::time::Duration;

use kernel_application::ErrorClass;
use platform_grpc::{Fault, INVALID_REQUEST, ServerSettings};
use platform_telemetry::Metrics;
use tonic::{Code, Request};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::{v1, v1alpha};

use crate::{
    raw,
    support::{Shop, TRACE, get, poll},
};

const GET_BASKET: &str = "/basket.v1.BasketService/GetBasket";

#[tokio::test]
async fn request_id_and_trace_are_taken_over_and_returned() {
    let shop = Shop::open().await;
    let mut request = Request::new(get("u1"));
    request.metadata_mut().insert("x-request-id", "req-7".parse().unwrap());
    request.metadata_mut().insert("traceparent", TRACE.parse().unwrap());
    let response = shop.client().await.get_basket(request).await.unwrap();
    assert_eq!(response.metadata().get("x-request-id").unwrap(), "req-7");
    assert_eq!(response.metadata().get("traceparent").unwrap(), TRACE);
    let basket = response.into_inner().basket.unwrap();
    assert_eq!((basket.id.as_str(), basket.user_id.as_str()), ("req-7", TRACE));
}

#[tokio::test]
async fn request_id_and_trace_are_made_and_returned_with_failures_too() {
    let shop = Shop::open().await;
    let status = shop.client().await.get_basket(get("missing")).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(Fault::from(&status).code, "told_to_fail");
    assert!(status.metadata().contains_key("x-request-id"));
    assert!(status.metadata().contains_key("traceparent"));
}

#[tokio::test]
async fn the_server_s_own_limit_ends_the_call() {
    let settings = ServerSettings { call_timeout: Duration::from_millis(30), ..ServerSettings::default() };
    let shop = Shop::open_with(settings, &Metrics::new()).await;
    let status = shop.client().await.get_basket(get("hang")).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(Fault::from(&status).code, "deadline_exceeded");
}

#[tokio::test]
async fn a_panic_is_internal_and_the_next_call_is_served() {
    let shop = Shop::open().await;
    let mut client = shop.client().await;
    let status = client.get_basket(get("panic")).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
    assert!(client.get_basket(get("u1")).await.is_ok());
}

#[tokio::test]
async fn internals_stay_inside() {
    let shop = Shop::open().await;
    let status = shop.client().await.get_basket(get("broken")).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
}

#[tokio::test]
async fn what_cannot_be_decoded_is_the_caller_s_fault() {
    let shop = Shop::open().await;
    let not_utf8 = vec![0x0a, 0x02, 0xff, 0xfe];
    let wrong_type = vec![0x08, 0x01];
    let cut_off = vec![0x0a, 0x7f, b'x'];
    for message in [not_utf8, wrong_type, cut_off, vec![0xff; 64]] {
        let status = raw::send(shop.channel().await, GET_BASKET, message.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{message:?}");
        assert_eq!(Fault::from(&status).code, INVALID_REQUEST);
    }
    assert_eq!(shop.calls(), 0);
}

#[tokio::test]
async fn a_request_beyond_the_limit_is_refused() {
    let shop = Shop::open().await;
    let status = raw::send(shop.channel().await, GET_BASKET, vec![0; 2 * 1024 * 1024]).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(Fault::from(&status).code, "payload_too_large");
    assert_eq!(shop.calls(), 0);
}

#[tokio::test]
async fn one_call_too_many_is_turned_away_at_once() {
    let settings = ServerSettings { max_in_flight: 1, ..ServerSettings::default() };
    let shop = Shop::open_with(settings, &Metrics::new()).await;
    let mut first = shop.client().await;
    let first = tokio::spawn(async move { first.get_basket(get("wait")).await });
    shop.stage.waiting.notified().await;

    let fault = Fault::from(&shop.client().await.get_basket(get("u1")).await.unwrap_err());
    assert_eq!((fault.class, fault.code.as_str()), (ErrorClass::Unavailable, "overloaded"));
    assert!(fault.retry_after.is_some());

    shop.stage.release.notify_one();
    assert!(first.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_call_whose_caller_goes_away_counts_as_cancelled() {
    let metrics = Metrics::new();
    let shop = Shop::open_with(ServerSettings::default(), &metrics).await;
    let mut client = shop.client().await;
    let call = tokio::spawn(async move { client.get_basket(get("wait")).await });
    shop.stage.waiting.notified().await;
    call.abort();
    let line = r#"grpc_server_calls_total{method="basket.v1.BasketService/GetBasket",code="CANCELLED"} 1"#;
    poll(async || metrics.encode().contains(line)).await;
    assert!(metrics.encode().contains("grpc_server_calls_in_flight 0"));
}

#[tokio::test]
async fn health_follows_readiness() {
    let shop = Shop::open().await;
    for service in ["", "basket.v1.BasketService"] {
        shop.ready.send_replace(true);
        let mut client = HealthClient::new(shop.channel().await);
        let request = HealthCheckRequest { service: service.to_owned() };
        let mut watch = client.watch(request).await.unwrap().into_inner();
        while watch.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
        shop.ready.send_replace(false);
        while watch.message().await.unwrap().unwrap().status() != ServingStatus::NotServing {}
    }
}

#[tokio::test]
async fn shutdown_says_not_ready_and_finishes_what_is_in_flight() {
    let shop = Shop::open().await;
    let mut health = HealthClient::new(shop.channel().await);
    let mut watch = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    let mut client = shop.client().await;
    let call = tokio::spawn(async move { client.get_basket(get("wait")).await });
    shop.stage.waiting.notified().await;

    shop.stop.send(()).unwrap();
    while watch.message().await.unwrap().unwrap().status() != ServingStatus::NotServing {}
    drop(watch);
    shop.stage.release.notify_one();
    assert!(call.await.unwrap().is_ok());
    shop.running.stopped().await.unwrap();
}

#[tokio::test]
async fn a_stream_that_never_ends_does_not_hold_up_the_shutdown() {
    let settings = ServerSettings { drain: Duration::from_millis(20), ..ServerSettings::default() };
    let shop = Shop::open_with(settings, &Metrics::new()).await;
    let mut health = HealthClient::new(shop.channel().await);
    let _watch = health.watch(HealthCheckRequest::default()).await.unwrap();
    shop.stop.send(()).unwrap();
    shop.running.stopped().await.unwrap();
}

#[tokio::test]
async fn reflection_lists_our_services_in_both_versions() {
    let shop = Shop::open().await;
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(shop.channel().await);
    let request = v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    let mut answers = client.server_reflection_info(once(request)).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(
        answer.contains("basket.v1.BasketService") && answer.contains("grpc.health.v1.Health"),
        "{answer}"
    );
    assert!(!answer.contains("product.v1.ProductService"), "{answer}");

    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(shop.channel().await);
    let by_symbol = "google.type.Money".to_owned();
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
            by_symbol,
        )),
    };
    let mut answers = client.server_reflection_info(once(request)).await.unwrap().into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(answer.contains("FileDescriptorResponse"), "{answer}");
}

fn once<T: Send + 'static>(request: T) -> impl tonic::IntoStreamingRequest<Message = T> {
    futures_util::stream::iter([request])
}

#[tokio::test]
async fn calls_are_counted_and_unknown_methods_make_no_labels() {
    let metrics = Metrics::new();
    let shop = Shop::open_with(ServerSettings::default(), &metrics).await;
    let mut client = shop.client().await;
    client.get_basket(get("u1")).await.unwrap();
    client.get_basket(get("missing")).await.unwrap_err();
    let unknown = raw::send(shop.channel().await, "/basket.v1.BasketService/Made.Up", Vec::new()).await;
    assert_eq!(unknown.unwrap_err().code(), Code::Unimplemented);

    let text = metrics.encode();
    let method = r#"method="basket.v1.BasketService/GetBasket""#;
    for line in [
        format!(r#"grpc_server_calls_total{{{method},code="OK"}} 1"#),
        format!(r#"grpc_server_calls_total{{{method},code="NOT_FOUND"}} 1"#),
        format!("grpc_server_call_duration_seconds_count{{{method}}} 2"),
        "grpc_server_calls_in_flight 0".to_owned(),
    ] {
        assert!(text.contains(&line), "{line} is not in {text}");
    }
    assert!(!text.contains("Made"), "{text}");
}
