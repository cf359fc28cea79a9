//! All use cases in one plain struct, which bootstrap fills and inbound adapters take what they need from.

use std::sync::Arc;

use kernel_application::{CommandHandler, Observed, QueryHandler, UseCaseObserver};

use crate::{
    commands::{DeliverDue, MarkRead, NotifyPayment},
    queries::{FollowNotifications, GetNotification, ListNotifications},
};

/// The handlers of this context.
#[derive(Clone)]
pub struct NotificationUseCases {
    /// Tells a user what became of a payment.
    pub notify_payment: Arc<dyn CommandHandler<NotifyPayment>>,
    /// Sends what is due on a channel.
    pub deliver_due: Arc<dyn CommandHandler<DeliverDue>>,
    /// Marks a notification as read.
    pub mark_read: Arc<dyn CommandHandler<MarkRead>>,
    /// One notification.
    pub get_notification: Arc<dyn QueryHandler<GetNotification>>,
    /// A page of notifications.
    pub list_notifications: Arc<dyn QueryHandler<ListNotifications>>,
    /// A slice of a user's live feed.
    pub follow_notifications: Arc<dyn QueryHandler<FollowNotifications>>,
}

impl NotificationUseCases {
    /// The same use cases, each reported to `observer`.
    #[must_use]
    pub fn observed(self, observer: &Arc<dyn UseCaseObserver>) -> Self {
        Self {
            notify_payment: Observed::command(self.notify_payment, observer),
            deliver_due: Observed::command(self.deliver_due, observer),
            mark_read: Observed::command(self.mark_read, observer),
            get_notification: Observed::query(self.get_notification, observer),
            list_notifications: Observed::query(self.list_notifications, observer),
            follow_notifications: Observed::query(self.follow_notifications, observer),
        }
    }
}
