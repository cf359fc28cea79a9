//! The ledger.

use actix_web::{HttpResponse, get, web::Data};
use platform_http::{Ctx, Problem, QueryParams};
use provider_application::queries::read_ledger::ReadLedger;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    ProviderRoutes,
    body::LedgerBody,
    failures::{Always, WithParameters},
};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LedgerPage {
    /// 1 to 100, 20 if absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Every charge and refund ever made, oldest first.
#[utoipa::path(
    tag = "ledger",
    params(LedgerPage),
    responses(
        (status = 200, description = "A page", body = LedgerBody),
        WithParameters,
        Always,
    )
)]
#[get("/ledger")]
pub(crate) async fn read_ledger(
    ctx: Ctx,
    QueryParams(page): QueryParams<LedgerPage>,
    routes: Data<ProviderRoutes>,
) -> Result<HttpResponse, Problem> {
    let query = ReadLedger { limit: page.limit, cursor: page.cursor };
    let ledger = routes.read_ledger.handle(&ctx, query).await?;
    Ok(HttpResponse::Ok().json(LedgerBody::from(ledger)))
}
