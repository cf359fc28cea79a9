//! Who calls, and how those who may not are turned away.

use std::{path::Path, sync::atomic::AtomicUsize};

use actix_web::http::StatusCode;
use futures_util::future::LocalBoxFuture;
use kernel_application::{CallContext, Permit, Role};
use platform_identity::{Authenticator, IdentitySettings, testing::TestIssuer};
use platform_runtime::{Environment, Settings};
use platform_telemetry::LogFormat;
use platform_testkit::data_dir;
use serde_json::json;

use super::{operations::Lines, *};
use crate::Asked;

/// Says who calls.
#[utoipa::path(security(()), responses((status = 200, body = String)))]
#[get("/who")]
pub(super) async fn who(ctx: Ctx) -> HttpResponse {
    HttpResponse::Ok().body(ctx.caller().account().to_owned())
}

/// Lets in whoever is somebody.
#[utoipa::path(responses((status = 200)))]
#[get("/mine")]
pub(super) async fn mine(ctx: Ctx) -> Result<HttpResponse, Problem> {
    Permit::Known.admit(ctx.caller())?;
    Ok(HttpResponse::Ok().finish())
}

/// Lets in administrators.
#[utoipa::path(responses((status = 200)))]
#[get("/everything")]
pub(super) async fn everything(ctx: Ctx) -> Result<HttpResponse, Problem> {
    Permit::Role(Role::Admin).admit(ctx.caller())?;
    Ok(HttpResponse::Ok().finish())
}

/// A server whose callers have identities, and their issuer.
fn rig() -> (Rig, TestIssuer) {
    let issuer = TestIssuer::new();
    (Rig::start(|server| server.authenticator(issuer.authenticator())), issuer)
}

impl Rig {
    fn get_with(&self, path: &str, authorization: &str) -> Response<String> {
        self.send("GET", path, &[("authorization", authorization)], "")
    }
}

#[test]
fn a_token_says_who_calls() {
    let (rig, issuer) = rig();
    assert_eq!(rig.get_with("/who", &issuer.bearer("ada", &[])).body(), "ada");
    assert_eq!(rig.get("/who").body(), "(anonymous)");
    assert_eq!(rig.get_with("/mine", &issuer.bearer("ada", &[])).status(), 200);
    assert_eq!(rig.get_with("/everything", &issuer.bearer("root", &["admin"])).status(), 200);
}

#[test]
fn who_is_turned_away_learns_what_to_bring() {
    let (rig, issuer) = rig();
    let unknown = rig.get("/mine");
    assert_eq!(failure(&unknown), (401, "unauthenticated".into()));
    assert_eq!(header(&unknown, "www-authenticate"), r#"Bearer realm="shop""#);
    let user = rig.get_with("/everything", &issuer.bearer("ada", &[]));
    assert_eq!(failure(&user), (403, "forbidden".into()));
    assert_eq!(header(&user, "www-authenticate"), r#"Bearer realm="shop", error="insufficient_scope""#);
}

#[test]
fn a_token_is_asked_for_before_the_rest_is_looked_at() {
    let (rig, issuer) = rig();
    let send = |authorization: &[(&str, &str)]| rig.send("POST", "/things", authorization, "{");
    assert_eq!(failure(&send(&[])), (401, "unauthenticated".into()));
    let bearer = issuer.bearer("ada", &[]);
    assert_eq!(send(&[("authorization", bearer.as_str())]).status(), 415);
}

#[test]
fn a_token_that_is_no_good_is_refused_on_every_route() {
    let (rig, issuer) = rig();
    let mut bad: Vec<String> = issuer
        .bad_tokens("ada", &["admin"])
        .into_iter()
        .map(|(_, token)| format!("Bearer {token}"))
        .collect();
    bad.extend(["Basic YWRhOmFkYQ==".into(), "Bearer".into(), issuer.token("ada", &[])]);
    for authorization in bad {
        for path in ["/who", "/mine", "/nowhere"] {
            let refused = rig.get_with(path, &authorization);
            assert_eq!(failure(&refused), (401, "invalid_token".into()), "{path} {authorization}");
            let challenge = header(&refused, "www-authenticate");
            assert_eq!(challenge, r#"Bearer realm="shop", error="invalid_token""#);
        }
    }
    let bearer = issuer.bearer("ada", &[]);
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    assert_eq!(failure(&rig.send("GET", "/who", &twice, "")), (401, "invalid_token".into()));
}

#[test]
fn operations_ask_nobody() {
    let (rig, _) = rig();
    for path in ["/health", "/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs/"] {
        assert_eq!(rig.get(path).status(), 200, "{path}");
        assert_eq!(rig.get_with(path, "Bearer nonsense").status(), 200, "{path}");
    }
}

#[test]
fn a_server_that_was_told_nothing_serves_what_is_public() {
    let rig = Rig::closed(|server| server);
    let bearer = TestIssuer::new().bearer("root", &["admin"]);
    for path in ["/mine", "/everything"] {
        assert_eq!(failure(&rig.get(path)), (401, "unauthenticated".into()), "{path}");
        assert_eq!(failure(&rig.get_with(path, &bearer)), (401, "unauthenticated".into()), "{path}");
    }
    assert_eq!(rig.get("/who").body(), "(anonymous)");
    assert_eq!(rig.get("/health/ready").status(), 200);
    let document: Value = serde_json::from_str(rig.get("/openapi.json").body()).unwrap();
    assert_eq!(document["paths"]["/mine"]["get"]["security"], json!([{ "bearer": [] }]));
}

#[test]
fn where_nobody_has_an_identity_all_are_trusted() {
    let rig = Rig::start(|server| server);
    assert_eq!(rig.get("/everything").status(), 200);
    assert_eq!(rig.get_with("/everything", "Bearer nonsense").status(), 200);
    let document: Value = serde_json::from_str(rig.get("/openapi.json").body()).unwrap();
    assert_eq!(document["components"]["securitySchemes"], Value::Null);
    assert_eq!(document["paths"]["/mine"]["get"]["security"], Value::Null);
}

/// The authenticator of a service whose issuer's keys are not there yet.
fn without_keys(folder: &Path) -> Authenticator {
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

#[test]
fn without_keys_a_token_has_to_wait() {
    let folder = data_dir().unwrap();
    let guesses = Guesses::default();
    let rig =
        Rig::start(|server| server.authenticator(without_keys(folder.path())).on_rejected(guesses.clone()));
    let away = rig.get_with("/who", &TestIssuer::new().bearer("ada", &[]));
    assert_eq!(failure(&away), (503, "identity_unavailable".into()));
    assert_eq!(header(&away, "retry-after"), "1");
    assert_eq!(rig.get("/who").status(), 200, "who needs no token does not need keys");
    assert_eq!(guesses.0.load(Ordering::SeqCst), 0, "that is not the client's doing");
}

/// Takes from the second bad token on for guesses.
#[derive(Clone, Default)]
struct Guesses(Arc<AtomicUsize>);

impl OnRejected for Guesses {
    fn rejected<'a>(&'a self, ctx: &'a CallContext, asked: Asked<'a>) -> LocalBoxFuture<'a, Option<Problem>> {
        let before = self.0.fetch_add(1, Ordering::SeqCst);
        let seen = (ctx.caller().principal(), asked.peer.map(|peer| peer.ip().is_loopback()));
        assert_eq!(seen, (None, Some(true)));
        let problem = || Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "enough").retry_after(7);
        Box::pin(async move { (before > 0).then(problem) })
    }
}

#[test]
fn who_tries_tokens_can_be_told_to_stop_and_nobody_else_is_asked_about() {
    let (issuer, guesses) = (TestIssuer::new(), Guesses::default());
    let rig = Rig::start(|server| server.authenticator(issuer.authenticator()).on_rejected(guesses.clone()));
    let try_token = || rig.get_with("/who", "Bearer nonsense");
    assert_eq!(failure(&try_token()), (401, "invalid_token".into()));
    let stopped = try_token();
    assert_eq!(failure(&stopped), (429, "rate_limited".into()));
    assert_eq!(header(&stopped, "retry-after"), "7");
    let bearer = issuer.bearer("ada", &[]);
    assert_eq!(rig.get_with("/who", &bearer).body(), "ada");
    assert_eq!(rig.get_with("/everything", &bearer).status(), 403);
    assert_eq!(rig.get("/mine").status(), 401);
    assert_eq!(rig.get_with("/health", "Bearer nonsense").status(), 200);
    assert_eq!(guesses.0.load(Ordering::SeqCst), 2);
    let figure = r#"http_server_requests_total{method="GET",route="/who",status="429"} 1"#;
    assert!(rig.get("/metrics").body().contains(figure));
}

#[test]
fn the_document_says_where_a_token_is_needed() {
    let (rig, _) = rig();
    let document: Value = serde_json::from_str(rig.get("/openapi.json").body()).unwrap();
    let scheme = &document["components"]["securitySchemes"]["bearer"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&"http".into(), &"bearer".into()));
    let operation = |path: &str| document["paths"][path]["get"].clone();
    assert_eq!(operation("/mine")["security"], json!([{ "bearer": [] }]));
    assert_eq!(operation("/who")["security"], json!([{}, { "bearer": [] }]));
    assert_eq!(operation("/health/ready")["security"], json!([]));
    let refuses = |path: &str, status: &str| {
        let answer = &operation(path)["responses"][status]["content"]["application/problem+json"];
        answer["schema"]["$ref"] == "#/components/schemas/Problem"
    };
    assert!(refuses("/mine", "401") && refuses("/mine", "403") && refuses("/who", "401"));
    assert!(!refuses("/who", "403") && !refuses("/health/ready", "401"));
    let headers = &operation("/mine")["responses"]["401"]["headers"];
    assert!(headers["WWW-Authenticate"].is_object(), "{headers}");
    assert!(document["components"]["schemas"]["Problem"].is_object());
}

#[test]
fn the_request_s_line_names_its_subject() {
    let lines = Lines::default();
    let level = slog::Level::Info;
    let (logger, flush) =
        platform_telemetry::logger_to(lines.clone(), "thing-service", "1", level, LogFormat::Json);
    let issuer = TestIssuer::new();
    let rig = Rig::start(|server| server.authenticator(issuer.authenticator()).logger(&logger));
    rig.get_with("/mine", &issuer.bearer("ada", &[]));
    rig.get("/who");
    rig.get_with("/mine", "Bearer nonsense");
    drop(flush);
    let lines = lines.read();
    let refused = lines.iter().find(|line| line["msg"] == "token refused").unwrap();
    assert_eq!(refused["reason"], "malformed");
    let requests: Vec<&Value> = lines.iter().filter(|line| line["msg"] == "request").collect();
    let seen: Vec<_> =
        requests.iter().map(|line| (line["subject"].as_str(), line["route"].as_str())).collect();
    assert_eq!(seen, [(Some("ada"), Some("/mine")), (None, Some("/who")), (None, Some("/mine"))]);
}
