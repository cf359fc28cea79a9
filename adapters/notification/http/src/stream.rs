//! `GET /notifications/stream`: a user's notifications in the app as server-sent events.
//!
//! A stream reads the feed when this process signals an arrival, and by polling what other replicas wrote. It ends
//! when the server stops or the caller's token expires, and not by itself, so tools that wait for whole answers have to
//! leave it out.

use std::{convert::Infallible, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::{StatusCode, header},
    web::{Bytes, Data},
};
use futures_util::{StreamExt, stream};
use kernel_application::{CallContext, Caller, QueryHandler};
use notification_application::{
    Arrivals, FeedItem, NotificationError,
    queries::{FeedSlice, FollowNotifications},
};
use platform_http::{Ctx, Problem, QueryParams, Stopping};
use serde::Deserialize;
use tokio::time::{Instant, sleep, sleep_until};
use utoipa::IntoParams;

use crate::{
    NotificationBody, NotificationRoutes, StreamSettings,
    places::{Full, Place},
};

/// Whose notifications to follow.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamParams {
    /// The user. Only administrators follow others.
    #[param(pattern = "^[A-Za-z0-9._@-]{1,64}$")]
    user_id: String,
}

/// A user's notifications in the app, live, as server-sent events named `notification`, each with a notification as its
/// data. The stream starts now or, with `Last-Event-ID`, after that event; a comment every 15 seconds keeps it alive;
/// it ends when the server stops, its store is away or the token that opened it expires, and clients then resume.
#[utoipa::path(tag = "notifications",
    params(StreamParams,
        ("Last-Event-ID" = Option<String>, Header, pattern = "^[0-9a-f]{0,15}$",
            description = "The last id seen: everything after it is sent first")),
    responses(
        (status = 200, description = "Events without end", body = String, content_type = "text/event-stream"),
        (status = 422, description = "A parameter is wrong", body = Problem, content_type = Problem::CONTENT_TYPE),
        (status = 429, description = "`too_many_streams`: the caller has as many open as one may have", body = Problem,
            content_type = Problem::CONTENT_TYPE),
        (status = 503, description = "The store is away, or there are too many streams", body = Problem,
            content_type = Problem::CONTENT_TYPE)))]
#[get("/notifications/stream")]
pub(crate) async fn stream_notifications(
    ctx: Ctx,
    request: HttpRequest,
    QueryParams(StreamParams { user_id }): QueryParams<StreamParams>,
    stopping: Stopping,
    routes: Data<NotificationRoutes>,
) -> Result<HttpResponse, Problem> {
    let place = routes.places.take(holder(ctx.caller(), &user_id)).map_err(no_place)?;
    let mut follower = Follower {
        // Without the request's deadline, which the stream outlives.
        ctx: CallContext::new(ctx.request_id(), *ctx.trace()).by(ctx.caller().clone()),
        follow: routes.use_cases.follow_notifications.clone(),
        user_id,
        cursor: last_event_id(&request),
        arrivals: routes.arrivals.listen(),
        stopping,
        settings: routes.settings,
        _place: place,
    };
    // What is wrong with the request is answered as a problem, before the stream begins.
    let first = follower.read().await?;
    let start = stream::iter([render_start(&first)]);
    let chunks = start.chain(stream::unfold(follower, Follower::next)).map(Ok::<_, Infallible>);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(chunks)))
}

struct Follower {
    ctx: CallContext,
    follow: Arc<dyn QueryHandler<FollowNotifications>>,
    user_id: String,
    cursor: Option<String>,
    arrivals: Arrivals,
    stopping: Stopping,
    settings: StreamSettings,
    _place: Place,
}

impl Follower {
    async fn read(&mut self) -> Result<FeedSlice, NotificationError> {
        let query = FollowNotifications { user_id: self.user_id.clone(), cursor: self.cursor.clone() };
        let slice = self.follow.handle(&self.ctx, query).await?;
        self.cursor = Some(slice.cursor.clone());
        Ok(slice)
    }

    /// The next events, or a comment when there are none for long; `None` ends the stream.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let silence = Instant::now() + self.settings.keep_alive;
        loop {
            if *self.stopping.0.borrow() {
                return None;
            }
            // A store that is away and a token that has expired are told to the client when it resumes.
            let slice = self.read().await.ok()?;
            if !slice.items.is_empty() {
                return Some((Bytes::from(render(&slice.items)), self));
            }
            tokio::select! {
                _ = self.stopping.0.wait_for(|stop| *stop) => return None,
                () = self.arrivals.next() => continue,
                () = sleep(self.settings.poll) => continue,
                () = sleep_until(silence) => {}
            }
            return Some((Bytes::from_static(b": keep-alive\n\n"), self));
        }
    }
}

/// The start tells where it is, so that a client that loses the stream before its first event misses nothing.
fn render_start(slice: &FeedSlice) -> Bytes {
    format!("retry: 2000\nid: {}\n\n{}", slice.cursor, render(&slice.items)).into()
}

fn render(items: &[FeedItem]) -> String {
    items.iter().map(event).collect()
}

fn event(item: &FeedItem) -> String {
    let body = NotificationBody::from(item.notification.clone());
    // JSON text has no line breaks outside its escapes, so it is one line of data.
    let data = serde_json::to_string(&body).unwrap_or_default();
    format!("event: notification\nid: {}\ndata: {data}\n\n", item.cursor)
}

fn last_event_id(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get("Last-Event-ID")?;
    // What is no text is no cursor either, and is refused as one.
    Some(value.to_str().unwrap_or("?").to_owned()).filter(|id| !id.is_empty())
}

/// Whose place a stream takes: the caller's or, where no identities are asked for, the user's whom it follows.
fn holder<'a>(caller: &'a Caller, user_id: &'a str) -> &'a str {
    match caller {
        Caller::Trusted => user_id,
        Caller::Known(_) | Caller::Anonymous => caller.account(),
    }
}

fn no_place(full: Full) -> Problem {
    let (status, detail) = match full {
        // The caller's doing, and no sign that this process has too much to do.
        Full::Each => (StatusCode::TOO_MANY_REQUESTS, "you have too many streams open; close one of them"),
        Full::All => {
            (StatusCode::SERVICE_UNAVAILABLE, "too many streams are open; try again later, or read the list")
        }
    };
    Problem::new(status, "too_many_streams", detail)
}
