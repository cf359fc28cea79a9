//! How a service is balanced, and over which backends.

use actix_web::{
    HttpResponse, delete, get,
    http::{StatusCode, header},
    patch, post,
    web::Data,
};
use gateway_application::{
    BackendStatus, BalancerView, Changed,
    commands::administer::{Administer, Order},
    queries::show_balancer::ShowBalancer,
};
use platform_http::{Ctx, IfMatch, JsonBody, PathParams, Problem, etag};

use crate::{
    AdminRoutes,
    body::{BackendBody, BackendChangeBody, BalancerBody, BalancerChangeBody, NewBackendBody},
    failures::{Always, Changing, OfService, WithBody},
};

/// A service: its strategy, its places, its backends.
#[utoipa::path(tag = "load balancer", params(("service" = String, Path, example = "product")), responses(
    (status = 200, description = "The balancer", body = BalancerBody, headers(("ETag" = String))), OfService, Always))]
#[get("/admin/loadbalancer/{service}")]
pub(crate) async fn show_balancer(
    ctx: Ctx,
    PathParams(service): PathParams<String>,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    let view = routes.show_balancer.handle(&ctx, ShowBalancer { service }).await?;
    Ok(HttpResponse::Ok().insert_header(etag(view.version)).json(BalancerBody::from(view)))
}

/// Changes the strategy, or the places of each backend. Requests under way go on.
#[utoipa::path(tag = "load balancer", request_body = BalancerChangeBody,
    params(("service" = String, Path, example = "product"), ("If-Match" = Option<String>, Header)), responses(
    (status = 200, description = "The balancer as it is now", body = BalancerBody, headers(("ETag" = String))),
    OfService, Changing, WithBody, Always))]
#[patch("/admin/loadbalancer/{service}")]
pub(crate) async fn tune_balancer(
    ctx: Ctx,
    PathParams(service): PathParams<String>,
    IfMatch(expected): IfMatch,
    JsonBody(change): JsonBody<BalancerChangeBody>,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    let BalancerChangeBody { strategy, max_in_flight, max_waiting } = change;
    let order = Order::TuneService { service, strategy, max_in_flight, max_waiting };
    let view = balancer(routes.administer.handle(&ctx, Administer { order, expected }).await?)?;
    Ok(HttpResponse::Ok().insert_header(etag(view.version)).json(BalancerBody::from(view)))
}

/// Takes a backend in. It gets requests at once, few at first (slow start), until its probes say otherwise.
#[utoipa::path(tag = "load balancer", request_body = NewBackendBody,
    params(("service" = String, Path, example = "product"), ("If-Match" = Option<String>, Header)), responses(
    (status = 201, description = "The backend", body = BackendBody,
        headers(("ETag" = String), ("Location" = String))), OfService, Changing, WithBody, Always))]
#[post("/admin/loadbalancer/{service}/backends")]
pub(crate) async fn add_backend(
    ctx: Ctx,
    PathParams(service): PathParams<String>,
    IfMatch(expected): IfMatch,
    JsonBody(NewBackendBody { url, server_name, weight }): JsonBody<NewBackendBody>,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    let name = server_name.as_ref().map(|name| name.to_ascii_lowercase());
    let order = Order::AddBackend { service: service.clone(), url: url.clone(), server_name, weight };
    let view = balancer(routes.administer.handle(&ctx, Administer { order, expected }).await?)?;
    let is_it = |backend: &BackendStatus| {
        backend.server_name == name && backend.url.eq_ignore_ascii_case(url.trim_end_matches('/'))
    };
    let (version, backend) = find(view, is_it)?;
    let location = location(&service, &backend.backend);
    Ok(HttpResponse::Created()
        .insert_header(etag(version))
        .insert_header((header::LOCATION, location))
        .json(BackendBody::from(backend)))
}

/// A backend.
#[utoipa::path(tag = "load balancer", params(("service" = String, Path, example = "product"),
    ("backend" = String, Path, description = "Its id: host and port, or `name@host:port`", example = "10.0.0.7:8080")), responses(
    (status = 200, description = "The backend", body = BackendBody, headers(("ETag" = String))), OfService, Always))]
#[get("/admin/loadbalancer/{service}/backends/{backend}")]
pub(crate) async fn show_backend(
    ctx: Ctx,
    PathParams((service, backend)): PathParams<(String, String)>,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    one(routes.show_balancer.handle(&ctx, ShowBalancer { service }).await?, &backend)
}

/// Changes a backend's weight, or begins or ends its drain: it gets no new requests, those under way go on, and
/// `drained` says when the last one has ended.
#[utoipa::path(tag = "load balancer", request_body = BackendChangeBody, params(
    ("service" = String, Path, example = "product"),
    ("backend" = String, Path, description = "Its id: host and port, or `name@host:port`", example = "10.0.0.7:8080"),
    ("If-Match" = Option<String>, Header)), responses(
    (status = 200, description = "The backend as it is now", body = BackendBody, headers(("ETag" = String))),
    OfService, Changing, WithBody, Always))]
#[patch("/admin/loadbalancer/{service}/backends/{backend}")]
pub(crate) async fn adjust_backend(
    ctx: Ctx,
    PathParams((service, backend)): PathParams<(String, String)>,
    IfMatch(expected): IfMatch,
    JsonBody(BackendChangeBody { weight, draining }): JsonBody<BackendChangeBody>,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    let order = Order::AdjustBackend { service, backend: backend.clone(), weight, draining };
    one(balancer(routes.administer.handle(&ctx, Administer { order, expected }).await?)?, &backend)
}

/// Takes a backend out at once; requests under way go on, and `leaving` of the balancer shows them. One that is
/// configured stays out until somebody adds it again.
#[utoipa::path(tag = "load balancer", params(("service" = String, Path, example = "product"),
    ("backend" = String, Path, description = "Its id: host and port, or `name@host:port`", example = "10.0.0.7:8080"),
    ("If-Match" = Option<String>, Header)), responses(
    (status = 204, description = "It is out", headers(("ETag" = String))), OfService, Changing, Always))]
#[delete("/admin/loadbalancer/{service}/backends/{backend}")]
pub(crate) async fn remove_backend(
    ctx: Ctx,
    PathParams((service, backend)): PathParams<(String, String)>,
    IfMatch(expected): IfMatch,
    routes: Data<AdminRoutes>,
) -> Result<HttpResponse, Problem> {
    let order = Order::RemoveBackend { service, backend };
    let changed = routes.administer.handle(&ctx, Administer { order, expected }).await?;
    Ok(HttpResponse::NoContent().insert_header(etag(changed.version())).finish())
}

fn one(view: BalancerView, backend: &str) -> Result<HttpResponse, Problem> {
    let (version, backend) = find(view, |known| known.backend.eq_ignore_ascii_case(backend))?;
    Ok(HttpResponse::Ok().insert_header(etag(version)).json(BackendBody::from(backend)))
}

/// The service right after the change to it: whoever changed it next has changed what others are shown.
pub(crate) fn balancer(changed: Changed) -> Result<BalancerView, Problem> {
    match changed {
        Changed::Balancer(view) => Ok(view),
        Changed::Rate(_) => {
            let detail = "the change was made; read the service again";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail))
        }
    }
}

/// One backend, and the version that shows it.
pub(crate) fn find(
    view: BalancerView,
    is_it: impl Fn(&BackendStatus) -> bool,
) -> Result<(u64, BackendStatus), Problem> {
    let unknown =
        || Problem::new(StatusCode::NOT_FOUND, "unknown_backend", "the service has no such backend");
    let found = view.backends.into_iter().find(|backend| is_it(backend)).ok_or_else(unknown)?;
    Ok((view.version, found))
}

/// Brackets around an address of IPv6 must not be in a path.
fn location(service: &str, backend: &str) -> String {
    let backend = backend.replace('[', "%5B").replace(']', "%5D");
    format!("/admin/loadbalancer/{service}/backends/{backend}")
}
