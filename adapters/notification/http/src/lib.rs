//! HTTP routes of the notification context.
//!
//! One file per route; `body.rs` is what clients see of a notification. A new route is a file here and a line in [`routes`].

mod body;
mod get;
mod list;
mod mark_read;
mod places;
mod stream;

use std::{sync::Arc, time::Duration};

use actix_web::web::Data;
pub use body::NotificationBody;
use notification_application::{ArrivalSignal, NotificationUseCases};
use platform_http::ServiceConfig;

use self::places::Places;

/// What the routes need. Clones share the places for streams.
#[derive(Clone)]
pub struct NotificationRoutes {
    use_cases: NotificationUseCases,
    arrivals: Arc<dyn ArrivalSignal>,
    places: Places,
    settings: StreamSettings,
}

/// How live streams behave.
#[derive(Clone, Copy, Debug)]
pub struct StreamSettings {
    /// How often the feed is read when nothing is signalled: finds what other replicas wrote.
    pub poll: Duration,
    /// After how long a silent stream gets a comment, so that nobody between takes it for dead.
    pub keep_alive: Duration,
    /// The most streams at once.
    pub limit: usize,
    /// The most streams of one caller at once, so that nobody takes the places of all others.
    pub limit_each: usize,
}

impl Default for StreamSettings {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(2),
            keep_alive: Duration::from_secs(15),
            limit: 1_000,
            limit_each: 10,
        }
    }
}

impl NotificationRoutes {
    /// Routes over these use cases; streams listen to `arrivals`.
    pub fn new(
        use_cases: NotificationUseCases,
        arrivals: Arc<dyn ArrivalSignal>,
        settings: StreamSettings,
    ) -> Self {
        Self { use_cases, arrivals, places: Places::new(settings.limit, settings.limit_each), settings }
    }
}

/// Registers the routes. The stream comes before the route whose parameter would match its name.
pub fn routes(cfg: &mut ServiceConfig<'_>, state: NotificationRoutes) {
    cfg.app_data(Data::new(state))
        .service(list::list_notifications)
        .service(stream::stream_notifications)
        .service(get::get_notification)
        .service(mark_read::mark_read);
}

#[cfg(test)]
mod tests;
