//! `GET /notifications`.

use actix_web::{
    get,
    web::{Data, Json},
};
use notification_application::queries::ListNotifications;
use platform_http::{Ctx, PageBody, Problem, QueryParams};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{NotificationBody, NotificationRoutes};

/// Which notifications to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only this user's. Without it, administrators get everybody's and others their own.
    #[param(pattern = "^[A-Za-z0-9._@-]{1,64}$")]
    user_id: Option<String>,
    /// Only this channel's.
    #[param(pattern = "^(in_app|email|slack|webhook)$")]
    channel: Option<String>,
    /// `true`: only those not read yet.
    unread: Option<bool>,
    /// The most items of the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[0-9a-f]{0,15}$")]
    cursor: Option<String>,
}

/// Notifications on all channels, newest first: a user's own, or anybody's for administrators.
#[utoipa::path(tag = "notifications",
    params(ListParams),
    responses(
        (status = 200, description = "A page", body = PageBody<NotificationBody>),
        (status = 422, description = "A parameter is wrong", body = Problem, content_type = Problem::CONTENT_TYPE),
        (status = 503, description = "The store is away", body = Problem, content_type = Problem::CONTENT_TYPE)))]
#[get("/notifications")]
pub(crate) async fn list_notifications(
    ctx: Ctx,
    QueryParams(params): QueryParams<ListParams>,
    routes: Data<NotificationRoutes>,
) -> Result<Json<PageBody<NotificationBody>>, Problem> {
    let query = ListNotifications {
        user_id: params.user_id,
        channel: params.channel,
        unread: params.unread.unwrap_or(false),
        limit: params.limit,
        cursor: params.cursor,
    };
    let page = routes.use_cases.list_notifications.handle(&ctx, query).await?;
    Ok(Json(page.into()))
}
