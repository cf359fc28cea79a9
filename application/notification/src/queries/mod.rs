//! What reads notifications.

mod follow_notifications;
mod get_notification;
mod list_notifications;

pub use follow_notifications::{FeedSlice, FollowNotifications, FollowNotificationsHandler};
pub use get_notification::{GetNotification, GetNotificationHandler};
pub use list_notifications::{ListNotifications, ListNotificationsHandler};
