//! What is in a basket. Every change answers the whole basket.

use actix_web::{HttpResponse, delete, post, put, web::Data};
use basket_application::{
    BasketUseCases,
    commands::{AddItem, ClearItems, RemoveItem, UpdateItem},
};
use platform_http::{Ctx, JsonBody, PathParams, Problem};

use crate::{
    body::{BasketBody, ItemQuantity, NewItem},
    failures::{Always, WithBody},
};

/// Adds units of a product, at its present price; makes the basket where there is none.
#[utoipa::path(
    tag = "items",
    params(("user_id" = String, Path, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@-]+$")),
    request_body = NewItem,
    responses(
        (status = 200, description = "The basket", body = BasketBody),
        (status = 404, description = "`product_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`insufficient_stock`: what the basket holds and what is asked for exceed the \
            units available; `basket_full`: it holds 100 products; `currency_mismatch`; `concurrent_change`",
            body = Problem, content_type = "application/problem+json"),
        WithBody, Always,
    )
)]
#[post("/baskets/{user_id}/items")]
pub(crate) async fn add_item(
    ctx: Ctx,
    PathParams(user_id): PathParams<String>,
    JsonBody(NewItem { product_id, quantity }): JsonBody<NewItem>,
    use_cases: Data<BasketUseCases>,
) -> Result<HttpResponse, Problem> {
    let view = use_cases.add_item.handle(&ctx, AddItem { user_id, product_id, quantity }).await?;
    Ok(HttpResponse::Ok().json(BasketBody::from(view)))
}

/// Sets the units of a product in the basket, at its present price; 0 takes it out.
#[utoipa::path(
    tag = "items",
    params(
        ("user_id" = String, Path, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@-]+$"),
        ("product_id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64),
    ),
    request_body = ItemQuantity,
    responses(
        (status = 200, description = "The basket", body = BasketBody),
        (status = 404, description = "`basket_not_found`; `item_not_found`: the product is not in the basket; \
            `product_not_found`: the shop no longer has it", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`insufficient_stock`; `currency_mismatch`; `concurrent_change`",
            body = Problem, content_type = "application/problem+json"),
        WithBody, Always,
    )
)]
#[put("/baskets/{user_id}/items/{product_id}")]
pub(crate) async fn update_item(
    ctx: Ctx,
    PathParams((user_id, product_id)): PathParams<(String, i64)>,
    JsonBody(ItemQuantity { quantity }): JsonBody<ItemQuantity>,
    use_cases: Data<BasketUseCases>,
) -> Result<HttpResponse, Problem> {
    let view = use_cases.update_item.handle(&ctx, UpdateItem { user_id, product_id, quantity }).await?;
    Ok(HttpResponse::Ok().json(BasketBody::from(view)))
}

/// Takes a product out of the basket.
#[utoipa::path(
    tag = "items",
    params(
        ("user_id" = String, Path, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@-]+$"),
        ("product_id" = i64, Path, minimum = 1, maximum = 9_007_199_254_740_991_i64),
    ),
    responses(
        (status = 200, description = "The basket", body = BasketBody),
        (status = 404, description = "`basket_not_found`; `item_not_found`: the product is not in the basket",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`concurrent_change`", body = Problem, content_type = "application/problem+json"),
        Always,
    )
)]
#[delete("/baskets/{user_id}/items/{product_id}")]
pub(crate) async fn remove_item(
    ctx: Ctx,
    PathParams((user_id, product_id)): PathParams<(String, i64)>,
    use_cases: Data<BasketUseCases>,
) -> Result<HttpResponse, Problem> {
    let view = use_cases.remove_item.handle(&ctx, RemoveItem { user_id, product_id }).await?;
    Ok(HttpResponse::Ok().json(BasketBody::from(view)))
}

/// Takes everything out; the basket stays.
#[utoipa::path(
    tag = "items",
    params(("user_id" = String, Path, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@-]+$")),
    responses(
        (status = 200, description = "The empty basket", body = BasketBody),
        (status = 404, description = "`basket_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`concurrent_change`", body = Problem, content_type = "application/problem+json"),
        Always,
    )
)]
#[delete("/baskets/{user_id}/items")]
pub(crate) async fn clear_items(
    ctx: Ctx,
    PathParams(user_id): PathParams<String>,
    use_cases: Data<BasketUseCases>,
) -> Result<HttpResponse, Problem> {
    let view = use_cases.clear_items.handle(&ctx, ClearItems { user_id }).await?;
    Ok(HttpResponse::Ok().json(BasketBody::from(view)))
}
