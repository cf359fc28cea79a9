//! `GET /notifications/{id}`.

use actix_web::web::Json;
use actix_web::{get, web::Data};
use notification_application::queries::GetNotification;
use platform_http::{Ctx, PathParams, Problem};

use crate::{NotificationBody, NotificationRoutes};

/// One notification.
#[utoipa::path(tag = "notifications",
    params(("id" = Uuid, Path, description = "The notification's id")),
    responses(
        (status = 200, description = "The notification", body = NotificationBody),
        (status = 404, description = "There is none with this id, or it is another user's", body = Problem, content_type = Problem::CONTENT_TYPE),
        (status = 422, description = "The id is no UUID", body = Problem, content_type = Problem::CONTENT_TYPE),
        (status = 503, description = "The store is away", body = Problem, content_type = Problem::CONTENT_TYPE)))]
#[get("/notifications/{id}")]
pub(crate) async fn get_notification(
    ctx: Ctx,
    PathParams(id): PathParams<String>,
    routes: Data<NotificationRoutes>,
) -> Result<Json<NotificationBody>, Problem> {
    let view = routes.use_cases.get_notification.handle(&ctx, GetNotification { id }).await?;
    Ok(Json(view.into()))
}
