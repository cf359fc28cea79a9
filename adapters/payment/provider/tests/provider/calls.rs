//! What is asked, and verdicts.

use std::sync::Arc;

use kernel_application::{HealthCheck, testing::context};
use kernel_domain::{Currency, Money, PaymentId};
use payment_application::{
    Charge, ChargeOutcome, PaymentMethod, PaymentProvider, RefundOrder, RefundOutcome,
};
use payment_provider::{HttpPaymentProvider, ProviderClient, ProviderSettings};
use platform_telemetry::silent;
use serde_json::{Value, json};

use crate::server::{Provider, Reply};

pub(crate) const PAYMENT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
pub(crate) const KEY: &str = "01890a5d-ac96-774b-bcce-b302099a8057-1";

pub(crate) fn charge() -> Charge {
    Charge {
        key: KEY.to_owned(),
        payment_id: PaymentId::parse(PAYMENT).unwrap(),
        amount: Money::from_minor(12_990, Currency::USD),
        method: PaymentMethod::CreditCard,
        token: Some("tok_success".to_owned()),
    }
}

pub(crate) fn refund() -> RefundOrder {
    RefundOrder {
        key: "refund-1".to_owned(),
        charge_id: "ch_1".to_owned(),
        amount: Money::from_minor(500, Currency::USD),
    }
}

pub(crate) fn captured() -> Value {
    json!({"id": "ch_1", "key": KEY, "status": "captured", "failure_code": null, "amount": "129.90", "new": []})
}

#[tokio::test]
async fn a_charge_is_asked_for_as_documented() {
    let provider = Provider::replying(Reply::Json(200, captured())).await;
    let outcome = provider.adapter().charge(&context(), &charge()).await.unwrap();
    assert_eq!(outcome, ChargeOutcome::Captured { charge_id: "ch_1".to_owned() });
    let request = provider.request();
    assert_eq!(request.line, "POST /api/charges HTTP/1.1");
    let body = json!({"amount": "129.90", "currency": "USD", "method": "credit_card", "token": "tok_success",
        "reference": PAYMENT});
    assert_eq!((&request.body, request.headers["idempotency-key"].as_str()), (&body, KEY));
    assert_eq!(request.headers["x-request-id"], context().request_id());
    let trace = &request.headers["traceparent"];
    assert!(trace.contains(&context().trace().trace_id()) && *trace != context().trace().to_string());
}

#[tokio::test]
async fn without_token_the_provider_decides_and_calls_back_where_told() {
    let provider = Provider::replying(Reply::Json(200, captured())).await;
    let back = "http://payment-service:8082/provider-callbacks";
    let settings = ProviderSettings { callback_url: Some(back.to_owned()), ..provider.settings() };
    let adapter = HttpPaymentProvider::new(Arc::new(ProviderClient::new(settings, &silent()).unwrap()));
    adapter.charge(&context(), &Charge { token: None, ..charge() }).await.unwrap();
    let body = provider.request().body;
    assert_eq!((body.get("token"), &body["callback_url"]), (None, &json!(back)));
}

#[tokio::test]
async fn a_decline_has_a_code() {
    let declined =
        |code: Value| json!({"id": "ch_1", "key": KEY, "status": "declined", "failure_code": code});
    for (sent, code) in [(json!("card_declined"), "card_declined"), (Value::Null, "declined")] {
        let provider = Provider::replying(Reply::Json(200, declined(sent))).await;
        let outcome = provider.adapter().charge(&context(), &charge()).await.unwrap();
        assert_eq!(outcome, ChargeOutcome::Declined { code: code.to_owned() });
    }
}

#[tokio::test]
async fn a_charge_is_found_by_its_key_or_was_never_made() {
    let provider = Provider::replying(Reply::Json(200, captured())).await;
    let found = provider.adapter().find_charge(&context(), KEY).await.unwrap();
    assert_eq!(found, Some(ChargeOutcome::Captured { charge_id: "ch_1".to_owned() }));
    assert_eq!(provider.request().line, format!("GET /api/charges/by-key/{KEY} HTTP/1.1"));
    let provider = Provider::replying(Reply::Json(404, json!({"code": "charge_not_found"}))).await;
    assert_eq!(provider.adapter().find_charge(&context(), KEY).await.unwrap(), None);
    let provider = Provider::replying(Reply::Json(404, json!({"code": "no_such_route"}))).await;
    assert!(provider.adapter().find_charge(&context(), KEY).await.is_err(), "a wrong address proves nothing");
}

#[tokio::test]
async fn a_refund_is_made_or_refused_for_good() {
    let made = json!({"id": "re_1", "status": "refunded", "charge_id": "ch_1"});
    let provider = Provider::replying(Reply::Json(200, made)).await;
    let outcome = provider.adapter().refund(&context(), &refund()).await.unwrap();
    assert_eq!(outcome, RefundOutcome::Refunded);
    let request = provider.request();
    assert_eq!(request.line, "POST /api/refunds HTTP/1.1");
    assert_eq!(request.body, json!({"charge_id": "ch_1", "amount": "5.00"}));
    assert_eq!(request.headers["idempotency-key"], "refund-1");
    for (status, code) in
        [(409, "amount_exceeds_charge"), (409, "charge_not_captured"), (404, "charge_not_found")]
    {
        let provider = Provider::replying(Reply::Json(status, json!({"code": code, "status": status}))).await;
        let outcome = provider.adapter().refund(&context(), &refund()).await.unwrap();
        assert_eq!(outcome, RefundOutcome::Refused, "{code}");
    }
}

#[tokio::test]
async fn health_is_the_providers_own() {
    let provider = Provider::replying(Reply::Json(200, json!({}))).await;
    let client = provider.client();
    assert_eq!((client.name(), client.check().await), ("payment-provider", Ok(())));
    assert_eq!(provider.request().line, "GET /api/health/live HTTP/1.1");
    let ill = Provider::replying(Reply::Json(503, json!({}))).await;
    assert!(ill.client().check().await.is_err());
}
