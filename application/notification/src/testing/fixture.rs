//! All use cases over fakes, for tests of inbound adapters.

use std::{collections::HashMap, sync::Arc};

use kernel_application::testing::{ManualClock, SequenceIds};
use notification_domain::Channel;

use super::{FakeChannel, MemoryStore};
use crate::{
    LocalArrivals, NotificationChannel, NotificationUseCases,
    commands::{DeliverDueHandler, DeliverySettings, MarkReadHandler, NotifyPaymentHandler},
    queries::{FollowNotificationsHandler, GetNotificationHandler, ListNotificationsHandler},
};

/// Fakes, and what they make together. Only the webhook channel is on.
pub struct Fixture {
    /// The store.
    pub store: Arc<MemoryStore>,
    /// The webhook.
    pub webhook: Arc<FakeChannel>,
    /// The signal of new notifications.
    pub arrivals: Arc<LocalArrivals>,
    /// The clock.
    pub clock: Arc<ManualClock>,
    ids: Arc<SequenceIds>,
}

impl Default for Fixture {
    fn default() -> Self {
        Self {
            store: Arc::default(),
            webhook: Arc::new(FakeChannel::new(true)),
            arrivals: Arc::default(),
            clock: Arc::default(),
            ids: Arc::default(),
        }
    }
}

impl Fixture {
    /// The use cases over these fakes.
    pub fn use_cases(&self) -> NotificationUseCases {
        NotificationUseCases {
            notify_payment: Arc::new(self.notify_payment()),
            deliver_due: Arc::new(self.deliver_due()),
            mark_read: Arc::new(MarkReadHandler {
                notifications: self.store.clone(),
                clock: self.clock.clone(),
            }),
            get_notification: Arc::new(GetNotificationHandler { notifications: self.store.clone() }),
            list_notifications: Arc::new(ListNotificationsHandler { notifications: self.store.clone() }),
            follow_notifications: Arc::new(FollowNotificationsHandler {
                feed: self.store.clone(),
                clock: self.clock.clone(),
            }),
        }
    }

    fn notify_payment(&self) -> NotifyPaymentHandler {
        NotifyPaymentHandler {
            notifications: self.store.clone(),
            channels: self.channels(),
            arrivals: self.arrivals.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
        }
    }

    fn deliver_due(&self) -> DeliverDueHandler {
        DeliverDueHandler {
            notifications: self.store.clone(),
            channels: self.channels(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            settings: DeliverySettings::default(),
        }
    }

    fn channels(&self) -> HashMap<Channel, Arc<dyn NotificationChannel>> {
        HashMap::from([(Channel::Webhook, self.webhook.clone() as Arc<dyn NotificationChannel>)])
    }
}
