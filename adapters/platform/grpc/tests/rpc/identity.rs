//! Who calls, on both sides of a call.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use kernel_application::ErrorClass;
use platform_grpc::{BreakerSettings, Call, ClientMetrics, Fault, Peer, PeerError, PeerSettings};
use platform_identity::{Authenticator, IdentitySettings, ServiceToken, testing::TestIssuer};
use platform_runtime::{Environment, Settings};
use platform_telemetry::{LogFormat, Metrics, logger_to, silent};
use platform_testkit::data_dir;
use proto::basket::v1::{Basket, GetBasketRequest, basket_service_client::BasketServiceClient};
use serde_json::Value;
use slog::Logger;
use tonic::{Code, Request, Status};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1;

use crate::support::{Shop, context, get};

fn with(authorization: &[&str], user: &str) -> Request<GetBasketRequest> {
    let mut request = Request::new(get(user));
    for value in authorization {
        request.metadata_mut().append("authorization", value.parse().unwrap());
    }
    request
}

async fn call(shop: &Shop, authorization: &[&str], user: &str) -> Result<Basket, Status> {
    let answer = shop.client().await.get_basket(with(authorization, user)).await?;
    Ok(answer.into_inner().basket.unwrap())
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.unwrap_err();
    (status.code(), Fault::from(&status).code)
}

#[tokio::test]
async fn a_token_says_who_calls() {
    let issuer = TestIssuer::new();
    let shop = Shop::open_for(issuer.authenticator(), &silent()).await;
    assert_eq!(call(&shop, &[&issuer.bearer("ada", &[])], "who").await.unwrap().id, "ada");
    assert_eq!(call(&shop, &[], "who").await.unwrap().id, "(anonymous)");
    assert!(call(&shop, &[&issuer.bearer("ada", &[])], "mine").await.is_ok());
    assert!(call(&shop, &[&issuer.bearer("root", &["admin"])], "admin").await.is_ok());
}

#[tokio::test]
async fn use_cases_turn_away_with_a_code() {
    let issuer = TestIssuer::new();
    let shop = Shop::open_for(issuer.authenticator(), &silent()).await;
    let unknown = refusal(call(&shop, &[], "mine").await);
    assert_eq!(unknown, (Code::Unauthenticated, "unauthenticated".to_owned()));
    let user = refusal(call(&shop, &[&issuer.bearer("ada", &[])], "admin").await);
    assert_eq!(user, (Code::PermissionDenied, "forbidden".to_owned()));
}

#[tokio::test]
async fn a_token_that_is_no_good_is_refused_everywhere() {
    let issuer = TestIssuer::new();
    let shop = Shop::open_for(issuer.authenticator(), &silent()).await;
    let bearer = issuer.bearer("ada", &["admin"]);
    let mut bad: Vec<Vec<String>> = issuer
        .bad_tokens("ada", &["admin"])
        .into_iter()
        .map(|(_, token)| vec![format!("Bearer {token}")])
        .collect();
    bad.extend([vec!["Basic YWRhOmFkYQ==".into()], vec![String::new()], vec![bearer.clone(), bearer]]);
    for authorization in bad {
        let authorization: Vec<_> = authorization.iter().map(String::as_str).collect();
        let refused = refusal(call(&shop, &authorization, "who").await);
        assert_eq!(refused, (Code::Unauthenticated, "invalid_token".to_owned()), "{authorization:?}");
    }
    assert_eq!(shop.calls(), 0);
}

#[tokio::test]
async fn a_server_is_open_to_all_only_where_it_is_told_so() {
    let untold = Shop::open().await;
    let unknown = refusal(call(&untold, &[&TestIssuer::new().bearer("ada", &["admin"])], "mine").await);
    assert_eq!(unknown, (Code::Unauthenticated, "unauthenticated".to_owned()));
    let open = Shop::open_for(Authenticator::off(), &silent()).await;
    assert!(call(&open, &[], "mine").await.is_ok());
}

#[tokio::test]
async fn health_and_reflection_ask_nobody() {
    let issuer = TestIssuer::new();
    let shop = Shop::open_for(issuer.authenticator(), &silent()).await;
    let mut request = Request::new(HealthCheckRequest::default());
    request.metadata_mut().insert("authorization", "Bearer nonsense".parse().unwrap());
    assert!(HealthClient::new(shop.channel().await).check(request).await.is_ok());
    let question = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let question = v1::ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut request = Request::new(futures_util::stream::iter([question]));
    request.metadata_mut().insert("authorization", "Bearer nonsense".parse().unwrap());
    let mut client = v1::server_reflection_client::ServerReflectionClient::new(shop.channel().await);
    let mut answers = client.server_reflection_info(request).await.unwrap().into_inner();
    assert!(answers.message().await.unwrap().is_some());
}

/// The authenticator of a service whose issuer's keys are not there yet.
fn without_keys(folder: &std::path::Path) -> Authenticator {
    let file = folder.join("not-there-yet.json").display().to_string();
    let mut settings = Settings::from_pairs([
        ("AUTH_JWKS_FILE", file.as_str()),
        ("AUTH_ISSUER", TestIssuer::ISSUER),
        ("AUTH_AUDIENCE", TestIssuer::AUDIENCE),
    ]);
    let identity = IdentitySettings::declare(&mut settings, Environment::Development);
    settings.finish().unwrap();
    identity.authenticator(&silent()).unwrap()
}

#[tokio::test]
async fn without_keys_a_token_has_to_wait() {
    let folder = data_dir().unwrap();
    let shop = Shop::open_for(without_keys(folder.path()), &silent()).await;
    let status = call(&shop, &[&TestIssuer::new().bearer("ada", &[])], "who").await.unwrap_err();
    let fault = Fault::from(&status);
    assert_eq!((fault.class, fault.code.as_str()), (ErrorClass::Unavailable, "identity_unavailable"));
    assert!(fault.retry_after.is_some());
    assert!(call(&shop, &[], "who").await.is_ok(), "who needs no token does not need keys");
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// What `work` logged.
    async fn of(work: impl AsyncFnOnce(Logger)) -> Vec<Value> {
        let lines = Self::default();
        let (logger, flush) = logger_to(lines.clone(), "shop", "1", slog::Level::Info, LogFormat::Json);
        work(logger).await;
        drop(flush);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn the_call_s_line_names_its_subject() {
    let lines = Lines::of(async |logger| {
        let issuer = TestIssuer::new();
        let shop = Shop::open_for(issuer.authenticator(), &logger).await;
        call(&shop, &[&issuer.bearer("ada", &[])], "who").await.unwrap();
        call(&shop, &[], "who").await.unwrap();
        call(&shop, &["Bearer nonsense"], "who").await.unwrap_err();
    });
    let (refusals, lines): (Vec<_>, Vec<_>) =
        lines.await.into_iter().partition(|line| line["msg"] == "token refused");
    assert_eq!(refusals[0]["reason"], "malformed");
    let subjects: Vec<_> = lines.into_iter().filter(|line| line["msg"] == "gRPC call").collect();
    let subjects: Vec<_> =
        subjects.iter().map(|line| (line["subject"].as_str(), line["code"].as_str())).collect();
    assert_eq!(subjects, [(Some("ada"), Some("OK")), (None, Some("OK")), (None, Some("UNAUTHENTICATED"))]);
}

fn peer(shop: &Shop, logger: &Logger) -> Peer {
    let breaker = BreakerSettings { failures: 1, ..BreakerSettings::default() };
    let settings = PeerSettings { breaker, ..PeerSettings::default() };
    let metrics = ClientMetrics::new(&Metrics::new());
    Peer::new("basket-service", &shop.address().to_string(), settings, logger, metrics).unwrap()
}

async fn ask(peer: &Peer, user: &str) -> Result<Basket, PeerError> {
    let ctx = context();
    let answer = peer.call(&ctx, Call::safe("GetBasket"), get(user), |channel, request| async move {
        BasketServiceClient::new(channel).get_basket(request).await
    });
    answer.await.map(|response| response.basket.unwrap())
}

#[tokio::test]
async fn a_peer_is_shown_the_service_s_token() {
    let (issuer, folder) = (TestIssuer::new(), data_dir().unwrap());
    let file = folder.path().join("token");
    std::fs::write(&file, issuer.token("payment", &["service"])).unwrap();
    let shop = Shop::open_for(issuer.authenticator(), &silent()).await;
    let peer = peer(&shop, &silent()).with_token(Some(ServiceToken::new(file, &silent())));
    assert_eq!(ask(&peer, "who").await.unwrap().id, "payment");
    assert!(ask(&peer, "mine").await.is_ok());
}

#[tokio::test]
async fn a_peer_that_refuses_this_service_counts_as_away_but_not_as_broken() {
    let lines = Lines::of(async |logger| {
        let (issuer, folder) = (TestIssuer::new(), data_dir().unwrap());
        let file = folder.path().join("token");
        std::fs::write(&file, issuer.token("payment", &["service"])).unwrap();
        let shop = Shop::open_for(issuer.authenticator(), &silent()).await;
        let missing = ServiceToken::new(folder.path().join("missing"), &silent());
        let nameless = peer(&shop, &logger).with_token(Some(missing));
        let clerk = peer(&shop, &silent()).with_token(Some(ServiceToken::new(file, &silent())));
        for (peer, user, calls) in [(&nameless, "mine", 1), (&nameless, "mine", 2), (&clerk, "admin", 3)] {
            let error = ask(peer, user).await.unwrap_err();
            assert_eq!((error.class(), error.code()), (ErrorClass::Unavailable, "peer_refused"), "{user}");
            assert_eq!(shop.calls(), calls, "a refusal is not worth a retry");
        }
        assert!(ask(&nameless, "who").await.is_ok(), "the breaker is closed");
    });
    let lines = lines.await;
    let told: Vec<_> = lines.iter().map(|line| line["msg"].as_str().unwrap_or_default()).collect();
    assert_eq!(
        told,
        ["peer refuses this service; check its token and roles", "peer takes this service's token again"]
    );
    assert_eq!((&lines[0]["code"], &lines[0]["has_token"]), (&"UNAUTHENTICATED".into(), &false.into()));
}
