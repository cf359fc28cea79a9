//! Sends one request at a time.

use actix_web::{App, HttpMessage, test};
use kernel_application::{CallContext, Clock, testing::context};
use kernel_domain::Currency;
use payment_application::testing::World;
use serde_json::Value;
use utoipa_actix_web::AppExt;

use crate::{CallbackSignatures, PaymentRoutes, routes, sign};

const SECRET: &str = "0123456789abcdef";

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) replayed: Option<String>,
    pub(super) body: Value,
}

impl Answer {
    /// The status and the problem's code.
    pub(super) fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    /// The fields that break a rule, of a 422.
    pub(super) fn fields(&self) -> Vec<&str> {
        assert_eq!(self.status, 422, "{self:?}");
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap_or_default()).collect()
    }
}

pub(super) fn state(world: &World) -> PaymentRoutes {
    PaymentRoutes {
        use_cases: world.use_cases(),
        callbacks: CallbackSignatures::new(SECRET, world.clock.clone()),
        currency: Currency::USD,
    }
}

pub(super) async fn get(world: &World, path: &str) -> Answer {
    send(world, test::TestRequest::get().uri(path)).await
}

pub(super) async fn post(world: &World, path: &str, body: Value) -> Answer {
    post_with(world, path, &[], &body.to_string()).await
}

/// Sends `body` as it is, with `headers`.
pub(super) async fn post_with(world: &World, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let json = test::TestRequest::post().uri(path).insert_header(("content-type", "application/json"));
    let request = headers.iter().fold(json, |request, header| request.insert_header(*header));
    send(world, request.set_payload(body.to_owned())).await
}

/// Sends no body and no media type.
pub(super) async fn post_nothing(world: &World, path: &str) -> Answer {
    send(world, test::TestRequest::post().uri(path)).await
}

/// Signs `body` as the provider does, now.
pub(super) fn signature(world: &World, body: &str) -> String {
    sign(SECRET.as_bytes(), body.as_bytes(), world.clock.now().timestamp()).unwrap()
}

/// Sends a body without saying what it is.
pub(super) async fn post_without_type(world: &World, path: &str, body: &str) -> Answer {
    send(world, test::TestRequest::post().uri(path).set_payload(body.to_owned())).await
}

pub(super) async fn send(world: &World, request: test::TestRequest) -> Answer {
    send_as(world, context(), request).await
}

/// Sends a request that the server has found to be the call `ctx`.
pub(super) async fn send_as(world: &World, ctx: CallContext, request: test::TestRequest) -> Answer {
    let state = state(world);
    let (app, _) = App::new().into_utoipa_app().configure(|cfg| routes(cfg, state)).split_for_parts();
    let app = test::init_service(app).await;
    let request = request.to_request();
    request.extensions_mut().insert(ctx);
    let response = test::call_service(&app, request).await;
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (location, replayed) = (header("location"), header("idempotency-replayed"));
    let status = response.status().as_u16();
    let body = test::read_body(response).await;
    Answer { status, location, replayed, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
}
