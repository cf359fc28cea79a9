//! A real server on a free port, asked by a real client.

mod answers;
mod around;
pub(super) mod bare;
mod connections;
mod identity;
mod life;
mod operations;
pub(super) mod reader;
mod stalled;

use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};

use actix_web::{HttpResponse, get, post, put};
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use kernel_application::{HealthCheck, StoreError};
use kernel_domain::Currency;
use platform_testkit::free_listener;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{runtime::Runtime, sync::Notify};
use ureq::{
    Agent,
    http::{Request, Response},
};
use utoipa::ToSchema;
use validator::Validate;

use super::*;
use crate::{Ctx, JsonBody, MoneyText, PageBody, PathParams, Problem};

#[derive(Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
struct NewThing {
    #[validate(length(min = 1, max = 20))]
    name: String,
    price: MoneyText,
}

#[derive(Serialize, ToSchema)]
struct Thing {
    name: String,
    price: MoneyText,
}

/// Adds a thing.
#[utoipa::path(request_body = NewThing, responses((status = 201, body = Thing), (status = 422, body = Problem)))]
#[post("/things")]
async fn create(JsonBody(body): JsonBody<NewThing>) -> Result<HttpResponse, Problem> {
    let price =
        body.price.to_money("price", Currency::USD).map_err(|violation| Problem::invalid([&violation]))?;
    Ok(HttpResponse::Created().json(Thing { name: body.name, price: price.into() }))
}

/// Lists things.
#[utoipa::path(responses((status = 200, body = PageBody<Thing>)))]
#[get("/things")]
async fn list(ctx: Ctx) -> HttpResponse {
    let thing = Thing {
        name: ctx.request_id().to_owned(),
        price: MoneyText::from(kernel_domain::Money::zero(Currency::USD)),
    };
    HttpResponse::Ok().json(PageBody { items: vec![thing], next_cursor: None })
}

/// Changes a thing.
#[utoipa::path(params(("id" = i64, Path)), responses((status = 204)))]
#[put("/things/{id}")]
async fn change(PathParams(id): PathParams<i64>) -> Result<HttpResponse, Problem> {
    match id {
        1 => panic!("on purpose"),
        2 => Err(StoreError::Unavailable {
            store: "thing store",
            operation: "change",
            source: "secret".into(),
        }
        .into()),
        _ => Ok(HttpResponse::NoContent().finish()),
    }
}

/// Waits for the test to go on.
#[utoipa::path(responses((status = 200)))]
#[get("/slow")]
async fn slow(gate: Data<Gate>) -> HttpResponse {
    gate.entered.notify_one();
    gate.go_on.notified().await;
    HttpResponse::Ok().body("finished")
}

/// Says hello, and ends when the server stops.
#[utoipa::path(responses((status = 200)))]
#[get("/events")]
async fn events(Stopping(mut stop): Stopping) -> HttpResponse {
    let hello = stream::once(async { Ok::<_, actix_web::Error>(web::Bytes::from_static(b"hello")) });
    let end = stream::once(async move { stop.wait_for(|stop| *stop).await.is_ok() });
    HttpResponse::Ok().streaming(hello.chain(end.map(|_| Ok(web::Bytes::from_static(b" goodbye")))))
}

#[derive(Default)]
struct Gate {
    entered: Notify,
    go_on: Notify,
    /// Nobody takes any more of an answer without end.
    left: Notify,
}

#[derive(Default)]
struct Store {
    away: AtomicBool,
}

#[async_trait]
impl HealthCheck for Store {
    fn name(&self) -> &'static str {
        "thing-store"
    }

    async fn check(&self) -> Result<(), String> {
        if self.away.load(Ordering::SeqCst) { Err("file is gone".into()) } else { Ok(()) }
    }
}

/// A server and what the tests turn.
struct Rig {
    runtime: Runtime,
    server: RunningHttp,
    gate: Arc<Gate>,
    store: Arc<Store>,
    agent: Agent,
}

impl Rig {
    /// One that lets everybody in, unless `with` says otherwise.
    fn start(with: impl FnOnce(HttpServer) -> HttpServer) -> Self {
        Self::closed(|server| with(server.open_to_all()))
    }

    /// One that was told nothing of identities.
    fn closed(with: impl FnOnce(HttpServer) -> HttpServer) -> Self {
        let runtime = Runtime::new().unwrap();
        let (gate, store) = (Arc::<Gate>::default(), Arc::<Store>::default());
        let health = Health::new(vec![Arc::clone(&store) as Arc<dyn HealthCheck>], silent());
        let routes_gate = Arc::clone(&gate);
        let server = HttpServer::new("thing-service", "1.2.3", "Things").health(health).workers(1).routes(
            move |cfg| {
                cfg.app_data(Data::from(Arc::clone(&routes_gate)));
                cfg.service(create).service(list).service(change).service(slow).service(events);
                cfg.service(identity::who).service(identity::mine).service(identity::everything);
                cfg.service(stalled::endless).service(stalled::big);
            },
        );
        let (listener, _) = free_listener().unwrap();
        let server = runtime.block_on(async { with(server).bind(listener) }).unwrap();
        let agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Self { runtime, server, gate, store, agent }
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Response<String> {
        let mut request =
            Request::builder().method(method).uri(format!("http://{}{path}", self.server.addr()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.as_ref().to_vec()).unwrap();
        let config = self.agent.configure_request(request).allow_non_standard_methods(true).build();
        let (parts, mut body) = self.agent.run(config).unwrap().into_parts();
        Response::from_parts(parts, body.read_to_string().unwrap())
    }

    fn get(&self, path: &str) -> Response<String> {
        self.send("GET", path, &[], "")
    }

    fn post(&self, body: impl AsRef<[u8]>) -> Response<String> {
        self.send("POST", "/things", &[("content-type", "application/json")], body)
    }
}

fn header<'a>(response: &'a Response<String>, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("{name} is missing")).to_str().unwrap()
}

/// Checks that an answer is a whole problem, and returns its code and document.
fn problem(response: &Response<String>) -> (u16, String, Value) {
    assert_eq!(header(response, "content-type"), "application/problem+json", "{}", response.body());
    let json: Value = serde_json::from_str(response.body()).unwrap();
    let status = response.status().as_u16();
    assert_eq!(json["status"], status);
    assert_eq!(json["request_id"], header(response, "x-request-id"));
    for name in ["type", "title", "detail", "instance"] {
        assert!(json[name].is_string(), "{name} is missing in {json}");
    }
    (status, json["code"].as_str().unwrap().to_owned(), json)
}

fn failure(response: &Response<String>) -> (u16, String) {
    let (status, code, _) = problem(response);
    (status, code)
}
