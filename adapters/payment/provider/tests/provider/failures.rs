//! Answers that settle nothing: the outcome stays unknown.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use kernel_application::testing::context;
use payment_application::{PaymentProvider, ProviderFailure};
use payment_provider::{CallError, HttpPaymentProvider, ProviderClient, ProviderSettings};
use platform_telemetry::silent;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    calls::{KEY, captured, charge, refund},
    server::{Provider, Reply},
};

fn cause(failure: &ProviderFailure) -> &CallError {
    failure.source().unwrap().downcast_ref().unwrap()
}

/// Why the same reply is no verdict on a charge, after making sure that it is none on a refund or a look-up either.
async fn failure(reply: Reply) -> ProviderFailure {
    let adapter = Provider::replying(reply).await.adapter();
    adapter.refund(&context(), &refund()).await.unwrap_err();
    adapter.find_charge(&context(), KEY).await.unwrap_err();
    adapter.charge(&context(), &charge()).await.unwrap_err()
}

fn with(field: &str, value: Value) -> Value {
    let mut body = captured();
    body[field] = value;
    body
}

#[tokio::test]
async fn other_statuses_are_no_verdict() {
    for status in [202, 302, 400, 401, 404, 409, 422, 429, 500, 503] {
        let failure = failure(Reply::Json(status, captured())).await;
        assert!(
            matches!(cause(&failure), CallError::Refused { status: got, .. } if *got == status),
            "{status}"
        );
    }
    let problem = json!({"code": "idempotency_key_reused"});
    let failure = failure(Reply::Json(422, problem)).await;
    assert!(matches!(cause(&failure), CallError::Refused { code, .. } if code == "idempotency_key_reused"));
}

#[tokio::test]
async fn other_bodies_are_no_verdict() {
    for body in
        [json!({}), json!([]), json!("captured"), with("status", json!("pending")), with("id", json!(1))]
    {
        let failure = failure(Reply::Json(200, body.clone())).await;
        assert!(matches!(cause(&failure), CallError::Unreadable(_)), "{body}");
    }
    let provider = Provider::replying(Reply::Json(200, with("key", json!("another")))).await;
    let failure = provider.adapter().charge(&context(), &charge()).await.unwrap_err();
    assert!(matches!(cause(&failure), CallError::OtherKey));
}

#[tokio::test]
async fn garbage_is_no_verdict() {
    for bytes in
        [&b"\x00\xffgarbage\r\n\r\n"[..], b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"id\""]
    {
        let failure = failure(Reply::Raw(bytes.to_vec())).await;
        assert!(matches!(cause(&failure), CallError::Unreachable(_)), "{failure:?}");
    }
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{\"id\"".to_vec();
    assert!(matches!(cause(&failure(Reply::Raw(cut)).await), CallError::Unreadable(_)));
}

#[tokio::test]
async fn endless_answers_are_not_kept() {
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.resize(10_000_000, b' ');
    assert!(matches!(cause(&failure(Reply::Raw(endless)).await), CallError::TooLong(1_000)));
}

#[tokio::test]
async fn silence_ends_in_time() {
    for reply in [Reply::Silence, Reply::HalfAnswer] {
        let start = Instant::now();
        assert!(matches!(cause(&failure(reply).await), CallError::Timeout));
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn the_callers_deadline_counts_where_it_is_nearer() {
    let provider = Provider::replying(Reply::Silence).await;
    let start = Instant::now();
    for left in [Duration::ZERO, Duration::from_millis(50)] {
        let ctx = context().with_deadline(start + left);
        let failure = provider.adapter().charge(&ctx, &charge()).await.unwrap_err();
        assert!(matches!(cause(&failure), CallError::Timeout));
    }
    assert!(start.elapsed() < Duration::from_millis(450), "less than the client's own limit");
}

#[tokio::test]
async fn nobody_there_is_no_verdict() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = ProviderClient::new(ProviderSettings::new(url), &silent()).unwrap();
    let failure = HttpPaymentProvider::new(Arc::new(client)).charge(&context(), &charge()).await.unwrap_err();
    assert!(matches!(cause(&failure), CallError::Unreachable(_)));
}

#[tokio::test]
async fn calls_at_a_time_are_bounded() {
    let provider = Provider::replying(Reply::Silence).await;
    let settings = ProviderSettings { max_in_flight: 1, ..provider.settings() };
    let adapter = HttpPaymentProvider::new(Arc::new(ProviderClient::new(settings, &silent()).unwrap()));
    let (ctx, charge) = (context(), charge());
    let (first, second) = tokio::join!(adapter.charge(&ctx, &charge), adapter.charge(&ctx, &charge));
    assert!(matches!(cause(&first.unwrap_err()), CallError::Timeout));
    assert!(matches!(cause(&second.unwrap_err()), CallError::Busy));
}

#[test]
fn wrong_addresses_are_named() {
    for url in ["", "localhost:8090", "ftp://localhost", "http://"] {
        let error = ProviderClient::new(ProviderSettings::new(url), &silent()).err().unwrap();
        assert!(error.to_string().contains(&format!("{url:?}")), "{error}");
    }
}
