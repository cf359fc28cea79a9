//! Baskets as a whole.

use actix_web::{HttpResponse, delete, get, http::header, post, web::Data};
use basket_application::{
    BasketUseCases,
    commands::{CreateBasket, DeleteBasket},
    queries::GetBasket,
};
use platform_http::{Ctx, JsonBody, PathParams, Problem};

use crate::{
    body::{BasketBody, NewBasket},
    failures::{Always, WithBody},
};

/// Reads a user's basket.
#[utoipa::path(
    tag = "baskets",
    params(("user_id" = String, Path, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@-]+$")),
    responses(
        (status = 200, description = "The basket", body = BasketBody),
        (status = 404, description = "`basket_not_found`: there is none, or it has expired", body = Problem,
            content_type = "application/problem+json"),
        Always,
    )
)]
#[get("/baskets/{user_id}")]
pub(crate) async fn get_basket(
    ctx: Ctx,
    PathParams(user_id): PathParams<String>,
    use_cases: Data<BasketUseCases>,
) -> Result<HttpResponse, Problem> {
    let view = use_cases.get_basket.handle(&ctx, GetBasket { user_id }).await?;
    Ok(HttpResponse::Ok().json(BasketBody::from(view)))
}

/// Makes an empty basket, or answers the one that is there.
#[utoipa::path(
    tag = "baskets",
    request_body = NewBasket,
    responses(
        (status = 201, description = "A new basket", body = BasketBody, headers(("Location" = String, description = "Its path"))),
        (status = 200, description = "The user's basket, which was there", body = BasketBody),
        (status = 409, description = "`concurrent_change`: somebody else changes the basket all the time",
            body = Problem, content_type = "application/problem+json"),
        WithBody, Always,
    )
)]
#[post("/baskets")]
pub(crate) async fn create_basket(
    ctx: Ctx,
    JsonBody(NewBasket { user_id }): JsonBody<NewBasket>,
    use_cases: Data<BasketUseCases>,
) -> Result<HttpResponse, Problem> {
    let made = use_cases.create_basket.handle(&ctx, CreateBasket { user_id }).await?;
    let location = format!("/baskets/{}", made.basket.user_id);
    let basket = BasketBody::from(made.basket);
    if made.created {
        return Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(basket));
    }
    Ok(HttpResponse::Ok().json(basket))
}

/// Removes a user's basket with all that is in it.
#[utoipa::path(
    tag = "baskets",
    params(("user_id" = String, Path, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@-]+$")),
    responses(
        (status = 204, description = "The basket is gone"),
        (status = 404, description = "`basket_not_found`: there was none, or it has expired", body = Problem,
            content_type = "application/problem+json"),
        Always,
    )
)]
#[delete("/baskets/{user_id}")]
pub(crate) async fn delete_basket(
    ctx: Ctx,
    PathParams(user_id): PathParams<String>,
    use_cases: Data<BasketUseCases>,
) -> Result<HttpResponse, Problem> {
    use_cases.delete_basket.handle(&ctx, DeleteBasket { user_id }).await?;
    Ok(HttpResponse::NoContent().finish())
}
