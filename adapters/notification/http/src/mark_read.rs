//! `POST /notifications/{id}/read`.

use actix_web::{
    post,
    web::{Data, Json},
};
use notification_application::commands::MarkRead;
use platform_http::{Ctx, PathParams, Problem};

use crate::{NotificationBody, NotificationRoutes};

/// Marks a notification as read. The first time counts; repeating it changes nothing.
#[utoipa::path(tag = "notifications",
    params(("id" = Uuid, Path, description = "The notification's id")),
    responses(
        (status = 200, description = "The notification, read", body = NotificationBody),
        (status = 404, description = "There is none with this id, or it is another user's", body = Problem, content_type = Problem::CONTENT_TYPE),
        (status = 409, description = "It keeps being changed by others, try again", body = Problem,
            content_type = Problem::CONTENT_TYPE),
        (status = 422, description = "The id is no UUID", body = Problem, content_type = Problem::CONTENT_TYPE),
        (status = 503, description = "The store is away", body = Problem, content_type = Problem::CONTENT_TYPE)))]
#[post("/notifications/{id}/read")]
pub(crate) async fn mark_read(
    ctx: Ctx,
    PathParams(id): PathParams<String>,
    routes: Data<NotificationRoutes>,
) -> Result<Json<NotificationBody>, Problem> {
    let view = routes.use_cases.mark_read.handle(&ctx, MarkRead { id }).await?;
    Ok(Json(view.into()))
}
