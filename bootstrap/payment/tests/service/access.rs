//! Whom each route lets in: a route that is not in these lists fails them.

use platform_testkit::inventory::{self, Access, Answer};
use serde_json::Value;

use crate::{
    grpc::OverGrpc,
    http::{OverHttp, Reply},
    support::Service,
};

/// Routes that name a payment: somebody else's is not there.
const ITS_USER: Access = Access::Owner { others: Answer::NotFound };
/// Routes that name a user.
const THE_USER: Access = Access::Owner { others: Answer::Forbidden };

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_it_should() {
    let service = Service::ready().await;
    let listed = [
        ("POST /payments", THE_USER),
        // With a user's name; without one, each is shown their own, as below.
        ("GET /payments", THE_USER),
        ("GET /payments/stats", Access::Admin),
        ("GET /payments/{id}", ITS_USER),
        ("POST /payments/{id}/process", ITS_USER),
        ("POST /payments/{id}/cancel", ITS_USER),
        ("POST /payments/{id}/refund", ITS_USER),
        ("GET /users/{user_id}/payments", THE_USER),
        // Signed by the provider.
        ("POST /provider-callbacks", Access::Everybody),
    ];
    let found = service.operations().await;
    let faults = inventory::faults(&found, &listed, &service.tokens(), &OverHttp(&service)).await;
    assert_eq!(faults, Vec::<String>::new());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_lets_in_whom_it_should() {
    let service = Service::ready().await;
    let listed = [
        ("payment.v1.PaymentService/CreatePayment", THE_USER),
        ("payment.v1.PaymentService/GetPayment", ITS_USER),
        ("payment.v1.PaymentService/ProcessPayment", ITS_USER),
        ("payment.v1.PaymentService/CancelPayment", ITS_USER),
        ("payment.v1.PaymentService/RefundPayment", ITS_USER),
        ("payment.v1.PaymentService/GetPayments", THE_USER),
        ("payment.v1.PaymentService/GetUserPayments", THE_USER),
    ];
    let probe = OverGrpc::new(&service).await;
    let faults = inventory::faults(&probe.operations().await, &listed, &service.tokens(), &probe).await;
    assert_eq!(faults, Vec::<String>::new());
    drop(probe);
    service.stop().await;
}

fn ids(page: &Reply) -> Vec<&str> {
    assert_eq!(page.status, 200, "{page:?}");
    page.body["items"].as_array().unwrap().iter().map(|payment| payment["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_asks_for_the_keys_and_for_the_service_s_own_token() {
    let service = Service::ready().await;
    let report = service.get("/health/ready", None).await.body;
    let names: Vec<_> = report["dependencies"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    for name in ["identity-keys", "service-token"] {
        assert!(names.contains(&&Value::from(name)), "{name}: {names:?}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_a_name_is_the_callers_own() {
    let service = Service::ready().await;
    let (ada, bob) = (service.pending("ada").await, service.pending("bob").await);
    let list = async |token: String| service.get("/payments", Some(&token)).await;
    assert_eq!(ids(&list(service.user("ada")).await), [&ada]);
    assert_eq!(ids(&list(service.user("bob")).await), [&bob]);
    assert_eq!(ids(&list(service.admin()).await), [&bob, &ada]);
    assert!(ids(&list(service.issuer.bearer("basket", &["service"])).await).is_empty());
    let nobody = service.get("/payments", None).await;
    assert_eq!((nobody.status, &nobody.body["code"]), (401, &Value::from("unauthenticated")));
    service.stop().await;
}
