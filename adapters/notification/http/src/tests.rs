use actix_web::{
    App, HttpMessage,
    body::MessageBody,
    dev::Service,
    http::StatusCode,
    test::{TestRequest, call_service, init_service, read_body_json},
};
use chrono::TimeDelta;
use kernel_application::{CallContext, Caller, Clock, Principal, testing::context};
use kernel_domain::UserId;
use notification_application::{
    Channel, NotificationRepository,
    testing::{Fixture, sample, sample_on},
};
use serde_json::Value;
use tokio::sync::watch;
use utoipa_actix_web::AppExt;

use super::*;

/// The routes over fakes, as an actix service; the system itself calls, unless another caller's context is given.
macro_rules! service {
    ($fixture:expr, $settings:expr, $stopping:expr, $ctx:expr) => {{
        let ctx: CallContext = $ctx;
        let state = NotificationRoutes::new($fixture.use_cases(), $fixture.arrivals.clone(), $settings);
        let app = App::new()
            .app_data(platform_http::Stopping($stopping))
            .wrap_fn(move |request, next| {
                request.extensions_mut().insert(ctx.clone());
                next.call(request)
            })
            .into_utoipa_app()
            .configure(|cfg| routes(cfg, state.clone()))
            .into_app();
        init_service(app).await
    }};
    ($fixture:expr, $settings:expr, $stopping:expr) => {
        service!($fixture, $settings, $stopping, context())
    };
    ($fixture:expr) => {
        service!($fixture, StreamSettings::default(), watch::channel(false).1)
    };
}

async fn filled() -> Fixture {
    let fixture = Fixture::default();
    let new = vec![sample(1, "ada"), sample_on(1, "ada", Channel::Webhook), sample(2, "bob")];
    fixture.store.add_all(&context(), new).await.unwrap();
    fixture
}

macro_rules! get {
    ($service:expr, $path:expr) => {{
        let response = call_service(&$service, TestRequest::get().uri($path).to_request()).await;
        let status = response.status();
        let body: Value = read_body_json(response).await;
        (status, body)
    }};
}

#[actix_web::test]
async fn lists_are_paged_and_filtered() {
    let service = service!(filled().await);
    let (status, page) = get!(service, "/notifications?limit=2");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(page["items"][0]["user_id"], "bob");
    assert_eq!(page["items"][1]["channel"], "webhook");
    let next = format!("/notifications?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    let (_, page) = get!(service, &next);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["next_cursor"], Value::Null);
    let (_, page) = get!(service, "/notifications?user_id=ada&channel=in_app&unread=true");
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn wrong_parameters_are_named() {
    let service = service!(filled().await);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("user_id=a%20b", "user_id"),
        ("channel=fax", "channel"),
        ("unread=2", "unread"),
        ("cursor=%3F", "cursor"),
    ] {
        let (status, problem) = get!(service, &format!("/notifications?{query}"));
        assert_eq!(
            (status, &problem["errors"][0]["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &field.into())
        );
    }
    for path in ["/notifications/stream", "/notifications/stream?user_id=", "/notifications/x"] {
        let (status, _) = get!(service, path);
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
}

#[actix_web::test]
async fn one_can_be_read_and_marked() {
    let fixture = filled().await;
    let id = fixture.store.all()[0].snapshot().id;
    let service = service!(fixture);
    let (status, found) = get!(service, &format!("/notifications/{id}"));
    assert_eq!((status, &found["amount"]), (StatusCode::OK, &"129.90".into()));
    assert_eq!(found["created_at"], "2025-12-31T12:00:01.000000Z");
    let request = TestRequest::post().uri(&format!("/notifications/{id}/read")).to_request();
    let read: Value = read_body_json(call_service(&service, request).await).await;
    assert_eq!(read["read_at"], "2026-01-01T00:00:00.000000Z");
    let (status, problem) = get!(service, "/notifications/01890a5d-ac96-774b-bcce-b302099a8057");
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &"notification_not_found".into()));
}

/// Reads the next chunk of a stream.
macro_rules! chunk {
    ($body:expr) => {{
        let next = std::future::poll_fn(|cx| $body.as_mut().poll_next(cx)).await;
        next.map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap())
    }};
}

#[actix_web::test]
async fn a_stream_starts_now_and_goes_on() {
    let fixture = filled().await;
    let (stop, stopped) = watch::channel(false);
    let service = service!(fixture, StreamSettings::default(), stopped);
    let request = TestRequest::get().uri("/notifications/stream?user_id=ada").to_request();
    let response = call_service(&service, request).await;
    assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
    let mut body = Box::pin(response.into_body());
    assert_eq!(chunk!(body).unwrap(), "retry: 2000\nid: 2\n\n");
    let new = vec![sample(4, "ada"), sample(5, "bob")];
    fixture.store.add_all(&context(), new).await.unwrap();
    fixture.arrivals.raise();
    let event = chunk!(body).unwrap();
    let data =
        event.strip_prefix("event: notification\nid: 4\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&data["user_id"], &data["channel"]), (&"ada".into(), &"in_app".into()));
    stop.send_replace(true);
    assert_eq!(chunk!(body), None);
}

#[actix_web::test]
async fn a_stream_ends_with_the_token_that_opened_it() {
    let fixture = filled().await;
    let until = fixture.clock.now() + TimeDelta::seconds(60);
    let ada = Principal::new(UserId::new("ada").unwrap(), []).until(until);
    let (_running, stopped) = watch::channel(false);
    let ctx = context().by(Caller::known(ada));
    let service = service!(fixture, StreamSettings::default(), stopped, ctx);
    let open = || TestRequest::get().uri("/notifications/stream?user_id=ada").to_request();
    let mut body = Box::pin(call_service(&service, open()).await.into_body());
    chunk!(body).unwrap();

    let arrives = async |number, after| {
        fixture.clock.advance(TimeDelta::seconds(after));
        fixture.store.add_all(&context(), vec![sample(number, "ada")]).await.unwrap();
        fixture.arrivals.raise();
    };
    arrives(4, 59).await;
    assert!(chunk!(body).unwrap().starts_with("event: notification\n"));
    arrives(5, 1).await;
    assert_eq!(chunk!(body), None, "what comes after the token's end is not sent any more");
    assert_eq!(call_service(&service, open()).await.status(), StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn a_stream_resumes_after_the_last_event() {
    let fixture = filled().await;
    let service = service!(fixture);
    let resume = |id: &'static str| {
        TestRequest::get()
            .uri("/notifications/stream?user_id=bob")
            .insert_header(("Last-Event-ID", id))
            .to_request()
    };
    let response = call_service(&service, resume("0")).await;
    let mut body = Box::pin(response.into_body());
    let start = chunk!(body).unwrap();
    assert!(start.contains("event: notification\nid: 3\n"), "{start}");
    let response = call_service(&service, resume("?")).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[actix_web::test]
async fn a_silent_stream_is_kept_alive() {
    let keep_alive = Duration::from_millis(20);
    let settings = StreamSettings { keep_alive, ..StreamSettings::default() };
    let (_running, stopped) = watch::channel(false);
    let service = service!(filled().await, settings, stopped);
    let request = TestRequest::get().uri("/notifications/stream?user_id=ada").to_request();
    let mut body = Box::pin(call_service(&service, request).await.into_body());
    chunk!(body).unwrap();
    assert_eq!(chunk!(body).unwrap(), ": keep-alive\n\n");
}

#[actix_web::test]
async fn there_are_only_so_many_streams() {
    let settings = StreamSettings { limit: 1, ..StreamSettings::default() };
    let service = service!(filled().await, settings, watch::channel(false).1);
    let open = || TestRequest::get().uri("/notifications/stream?user_id=ada").to_request();
    let first = call_service(&service, open()).await;
    let second = call_service(&service, open()).await;
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(first);
    assert_eq!(call_service(&service, open()).await.status(), StatusCode::OK);
}

#[actix_web::test]
async fn the_document_has_every_route() {
    let fixture = Fixture::default();
    let state = NotificationRoutes::new(fixture.use_cases(), fixture.arrivals, StreamSettings::default());
    let (_, api) = App::new().into_utoipa_app().configure(|cfg| routes(cfg, state.clone())).split_for_parts();
    let api = serde_json::to_value(api).unwrap();
    let paths: Vec<_> = api["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        ["/notifications", "/notifications/stream", "/notifications/{id}", "/notifications/{id}/read"]
    );
    let limit = &api["paths"]["/notifications"]["get"]["parameters"][3];
    assert_eq!((&limit["name"], &limit["schema"]["maximum"]), (&"limit".into(), &100.into()), "{limit}");
}
