//! The catalogue seen as a whole.

use actix_web::{HttpResponse, get, web::Data};
use platform_http::{Ctx, Problem};
use product_application::queries::{GetStats, ListCategories};

use crate::{
    ProductRoutes,
    body::{CategoriesBody, StatsBody},
    failures::Always,
};

/// Lists the categories that have products.
#[utoipa::path(
    tag = "products",
    security(()),
    responses((status = 200, description = "All categories, by name", body = CategoriesBody), Always)
)]
#[get("/products/categories")]
pub(crate) async fn list_categories(ctx: Ctx, state: Data<ProductRoutes>) -> Result<HttpResponse, Problem> {
    let categories = state.use_cases.list_categories.handle(&ctx, ListCategories).await?;
    Ok(HttpResponse::Ok().json(CategoriesBody::from(categories)))
}

/// Shows the catalogue and its sales in figures.
#[utoipa::path(
    tag = "products",
    responses((status = 200, description = "The figures, of one moment", body = StatsBody), Always)
)]
#[get("/products/stats")]
pub(crate) async fn get_stats(ctx: Ctx, state: Data<ProductRoutes>) -> Result<HttpResponse, Problem> {
    let figures = state.use_cases.get_stats.handle(&ctx, GetStats).await?;
    Ok(HttpResponse::Ok().json(StatsBody::from(figures)))
}
