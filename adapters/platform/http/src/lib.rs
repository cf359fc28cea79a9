//! HTTP plumbing that no context owns: problems, extractors, middleware, health, metrics and docs routes, the server.
//!
//! A context's `http` room writes routes over the application's handlers and nothing else:
//!
//! ```text
//! #[utoipa::path(params(("id" = i64, Path, description = "The product's number")), responses(
//!     (status = 200, body = ProductBody, headers(("ETag" = String))), (status = 404, body = Problem)))]
//! #[get("/products/{id}")]
//! async fn get_product(ctx: Ctx, PathParams(id): PathParams<i64>, routes: Data<ProductRoutes>) -> Result<HttpResponse, Problem> {
//!     let view = routes.get_product.handle(&ctx, GetProduct { id }).await?;     // application errors become problems by `?`
//!     Ok(HttpResponse::Ok().insert_header(etag(view.version)).json(ProductBody::from(view)))
//! }
//!
//! pub fn routes(cfg: &mut ServiceConfig<'_>, state: ProductRoutes) {
//!     cfg.app_data(Data::new(state)).service(list_products).service(get_product).service(create_product);
//! }
//! ```
//!
//! `bootstrap` serves them; unknown routes, wrong methods, panics, ids, logs and metrics are taken care of:
//!
//! ```text
//! let health = Health::new(checks, logger);
//! let http = HttpServer::new("product-service", env!("CARGO_PKG_VERSION"), "Products and stock")
//!     .routes(move |cfg| product_http::routes(cfg, state.clone()))
//!     .authenticator(authenticator).health(Arc::clone(&health)).metrics(metrics).logger(logger)
//!     .bind(listener)?;
//! http.addr();
//! http.stop(Duration::from_secs(30)).await;
//! ```
//!
//! `HttpServer::authenticator` finds out who calls, and without one everybody is anonymous; use cases decide whom they let
//! in. A route that lets everybody in says `security(())` in `#[utoipa::path]`: the document names a token for all others.
//!
//! Register handlers with `service`, never with `route`: the OpenAPI document, and with it `Allow`, comes from there.

mod challenge;
mod extract;
mod failures;
mod headers;
mod health;
mod money;
mod page;
mod problem;
mod request;
mod server;
mod whole_number;

pub use extract::{
    BODY_LIMIT, Ctx, IdempotencyKeyHeader, IfMatch, JsonBody, PathParams, QueryParams, Stopping, etag,
};
pub use failures::{Failures, failures};
pub use headers::{AnswerHeaders, Asked, Headers};
pub use health::{Dependency, Health, Report, Status};
pub use money::MoneyText;
pub use page::PageBody;
pub use problem::{FieldError, Problem};
pub use request::{BodyBroken, Follows, IncomingBody, Part, Refused, RequestHead, RequestReader};
pub use server::{
    AccessLine, Around, Begun, Complete, HttpServer, Instead, OnRejected, Passage, Passed, PassedAnswer,
    PassedBody, Passing, RunningHttp, Sent,
};
/// What a `routes` function gets.
pub use utoipa_actix_web::service_config::ServiceConfig;
pub use whole_number::whole_number;
