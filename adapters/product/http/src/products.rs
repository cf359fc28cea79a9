//! Products, one by one and as a list.

use actix_web::{
    Either, HttpResponse, delete, get,
    http::header::{IfNoneMatch, LOCATION},
    post, put,
    web::{Data, Header},
};
use kernel_domain::{Currency, Money, Violations};
use platform_http::{Ctx, IfMatch, JsonBody, MoneyText, PageBody, PathParams, Problem, QueryParams, etag};
use product_application::{
    commands::{CreateProduct, DeleteProduct, UpdateProduct},
    queries::{GetProduct, ListProducts},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    ProductRoutes,
    body::{ProductBody, ProductInput},
    failures::{Always, WithBody, WithParameters, WithProduct},
};

/// Which products to list, in which order, from where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Items per page, 20 where absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    limit: Option<i64>,
    /// `next_cursor` of the page before; it holds only for the same `sort`.
    cursor: Option<String>,
    /// Exactly this category.
    #[param(max_length = 100, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$", example = "lighting")]
    category: Option<String>,
    /// Name or description contains this, without regard to case.
    #[param(max_length = 200, pattern = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$", example = "lamp")]
    q: Option<String>,
    /// Price not below.
    #[param(value_type = Option<String>, pattern = r"^\d{1,15}(\.\d{1,2}0*)?$", example = "9.90")]
    min_price: Option<MoneyText>,
    /// Price not above.
    #[param(value_type = Option<String>, pattern = r"^\d{1,15}(\.\d{1,2}0*)?$", example = "199.00")]
    max_price: Option<MoneyText>,
    /// At most so many units on hand: finds what runs out.
    #[param(minimum = 0, example = 100)]
    max_stock: Option<i64>,
    /// What to sort by, with `-` before it for descending; `id` where absent. Equal products are in id order.
    #[param(pattern = "^-?(id|name|price|created_at|stock)$", example = "-price")]
    sort: Option<String>,
}

/// Lists products, a page at a time. Pages stay stable while products are added.
#[utoipa::path(
    tag = "products",
    security(()),
    params(ListParams),
    responses(
        (status = 200, description = "A page", body = PageBody<ProductBody>),
        WithParameters, Always,
    )
)]
#[get("/products")]
pub(crate) async fn list_products(
    ctx: Ctx,
    QueryParams(params): QueryParams<ListParams>,
    state: Data<ProductRoutes>,
) -> Result<HttpResponse, Problem> {
    let query = params.into_query(state.currency).map_err(|wrong| Problem::invalid(wrong.as_slice()))?;
    let page = state.use_cases.list_products.handle(&ctx, query).await?;
    Ok(HttpResponse::Ok().json(PageBody::<ProductBody>::from(page)))
}

/// Shows a product.
#[utoipa::path(
    tag = "products",
    security(()),
    params(
        ("id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` the client has"),
    ),
    responses(
        (status = 200, description = "The product", body = ProductBody,
            headers(("ETag" = String, description = "Its version, for `If-Match` and `If-None-Match`"))),
        (status = 304, description = "It is still what the client has"),
        WithProduct, WithParameters, Always,
    )
)]
#[get("/products/{id}")]
pub(crate) async fn get_product(
    ctx: Ctx,
    PathParams(id): PathParams<i64>,
    known: Either<Header<IfNoneMatch>, ()>,
    state: Data<ProductRoutes>,
) -> Result<HttpResponse, Problem> {
    let product = state.use_cases.get_product.handle(&ctx, GetProduct { id }).await?;
    let tag = etag(product.version);
    if let Either::Left(Header(IfNoneMatch::Items(known))) = known
        && known.iter().any(|known| known.weak_eq(&tag.0))
    {
        return Ok(HttpResponse::NotModified().insert_header(tag).finish());
    }
    Ok(HttpResponse::Ok().insert_header(tag).json(ProductBody::from(product)))
}

/// Adds a product.
#[utoipa::path(
    tag = "products",
    request_body = ProductInput,
    responses(
        (status = 201, description = "The product, with its number", body = ProductBody, headers(
            ("ETag" = String, description = "Its version"), ("Location" = String, description = "Its path"))),
        WithParameters, WithBody, Always,
    )
)]
#[post("/products")]
pub(crate) async fn create_product(
    ctx: Ctx,
    JsonBody(input): JsonBody<ProductInput>,
    state: Data<ProductRoutes>,
) -> Result<HttpResponse, Problem> {
    let fields = input.into_fields(state.currency).map_err(|wrong| Problem::invalid([&wrong]))?;
    let product = state.use_cases.create_product.handle(&ctx, CreateProduct { fields }).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/products/{}", product.id)))
        .insert_header(etag(product.version))
        .json(ProductBody::from(product)))
}

/// Replaces all fields of a product.
#[utoipa::path(
    tag = "products",
    params(
        ("id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64),
        ("If-Match" = Option<String>, Header, pattern = r#"^(\*|(W/)?"[!#-~]*")$"#, description = "The `ETag` the client saw; without it, or with `*`, \
            whatever is there is replaced"),
    ),
    request_body = ProductInput,
    responses(
        (status = 200, description = "The product as it is now", body = ProductBody,
            headers(("ETag" = String, description = "Its new version"))),
        (status = 409, description = "`stock_below_reserved`: payments hold more units than `stock_quantity`; \
            `concurrent_change`: others change the product all the time", body = Problem,
            content_type = "application/problem+json"),
        (status = 412, description = "`stale_version`: the product has changed since", body = Problem,
            content_type = "application/problem+json"),
        WithProduct, WithParameters, WithBody, Always,
    )
)]
#[put("/products/{id}")]
pub(crate) async fn update_product(
    ctx: Ctx,
    PathParams(id): PathParams<i64>,
    IfMatch(expected_version): IfMatch,
    JsonBody(input): JsonBody<ProductInput>,
    state: Data<ProductRoutes>,
) -> Result<HttpResponse, Problem> {
    let fields = input.into_fields(state.currency).map_err(|wrong| Problem::invalid([&wrong]))?;
    let command = UpdateProduct { id, expected_version, fields };
    let product = state.use_cases.update_product.handle(&ctx, command).await?;
    Ok(HttpResponse::Ok().insert_header(etag(product.version)).json(ProductBody::from(product)))
}

/// Takes a product out of the catalogue.
#[utoipa::path(
    tag = "products",
    params(("id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64)),
    responses(
        (status = 204, description = "The product is gone"),
        (status = 409, description = "`product_reserved`: payments hold units of it; `concurrent_change`: others \
            change the product all the time", body = Problem, content_type = "application/problem+json"),
        WithProduct, WithParameters, Always,
    )
)]
#[delete("/products/{id}")]
pub(crate) async fn delete_product(
    ctx: Ctx,
    PathParams(id): PathParams<i64>,
    state: Data<ProductRoutes>,
) -> Result<HttpResponse, Problem> {
    state.use_cases.delete_product.handle(&ctx, DeleteProduct { id }).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl ListParams {
    fn into_query(self, currency: Currency) -> Result<ListProducts, Violations> {
        let mut violations = Violations::default();
        let mut money = |field, text: Option<MoneyText>| -> Option<Money> {
            text.and_then(|text| violations.check(text.to_money(field, currency)))
        };
        let (min_price, max_price) = (money("min_price", self.min_price), money("max_price", self.max_price));
        violations.into_result()?;
        Ok(ListProducts {
            category: self.category,
            q: self.q,
            min_price,
            max_price,
            max_stock: self.max_stock,
            sort: self.sort,
            limit: self.limit,
            cursor: self.cursor,
        })
    }
}
