//! What this context needs from outside.
//!
//! Where a port takes a `scope`, it is the caller's ([`Caller::scope`](kernel_application::Caller::scope)), and a store
//! MUST make it part of its query: what is somebody else's is not read, and cannot be told from what is not there.
//!
//! Stores of the three store ports run the suites of `testing::contract`.

use async_trait::async_trait;
use kernel_application::{BoxError, CallContext, InvalidCursor, Page, PageRequest, StoreError};
use kernel_domain::{Timestamp, UserId};
use notification_domain::{Channel, Notification, NotificationId};
use shaku::Interface;

use crate::{FeedItem, NotificationFilter, NotificationView};

/// Keeps notifications.
#[async_trait]
pub trait NotificationRepository: Interface {
    /// The notification; `None` too where `scope` names another user than the one it is for.
    async fn find(
        &self,
        id: NotificationId,
        scope: Option<&UserId>,
    ) -> Result<Option<Notification>, StoreError>;

    /// Keeps new notifications, all or none, and settles the context's delivery with them. One whose event and
    /// channel are known MUST be left out without an error. Answers how many were new.
    async fn add_all(&self, ctx: &CallContext, new: Vec<Notification>) -> Result<usize, StoreError>;

    /// Keeps a changed notification; MUST fail with [`StoreError::Conflict`] where it was saved since it was loaded.
    async fn save(&self, ctx: &CallContext, notification: &mut Notification) -> Result<(), StoreError>;

    /// Up to `limit` pending notifications of a channel that are due, those due longest first.
    async fn due(
        &self,
        channel: Channel,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<NotificationId>, StoreError>;
}

/// Reads notifications.
#[async_trait]
pub trait NotificationQueries: Interface {
    /// One notification; `None` too where `scope` names another user than the one it is for.
    async fn get(
        &self,
        id: NotificationId,
        scope: Option<&UserId>,
    ) -> Result<Option<NotificationView>, StoreError>;

    /// A page of notifications, newest first.
    async fn list(
        &self,
        filter: &NotificationFilter,
        page: &PageRequest,
    ) -> Result<Page<NotificationView>, PageError>;
}

/// Follows a user's notifications in the app, in the order they became visible.
///
/// A notification MUST NOT become visible at or before a cursor that was handed out for its user: a follower would
/// miss it. A cursor is good for the user it was handed out for, and says nothing about others.
#[async_trait]
pub trait NotificationFeed: Interface {
    /// The cursor after everything the user has now.
    async fn end(&self, user: &UserId) -> Result<String, StoreError>;

    /// Up to `limit` notifications after `cursor`, oldest first.
    async fn after(&self, user: &UserId, cursor: &str, limit: u32) -> Result<Vec<FeedItem>, PageError>;
}

/// Sends on one channel; registered under its [`Channel`].
///
/// A notification may be sent again after a crash: a channel MUST carry the event's id along where its medium can, so
/// that receivers tell duplicates.
#[async_trait]
pub trait NotificationChannel: Interface {
    /// Whether the channel is configured.
    fn is_on(&self) -> bool;

    /// Sends; `Ok` only after the other side took the message.
    async fn send(&self, notification: &Notification) -> Result<(), SendError>;
}

/// Why a message was not sent. `reason` is stored and shown to clients: no addresses, no secrets, no driver text.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The other side will never take this message.
    #[error("{reason}")]
    Refused {
        /// The reason in our words.
        reason: String,
        /// The driver's error, for the log.
        #[source]
        source: Option<BoxError>,
    },
    /// It may take it later.
    #[error("{reason}")]
    Failed {
        /// The reason in our words.
        reason: String,
        /// The driver's error, for the log.
        #[source]
        source: Option<BoxError>,
    },
}

/// Why a page could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The cursor is not one of ours.
    #[error("cursor is invalid")]
    Cursor(InvalidCursor),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InvalidCursor> for PageError {
    fn from(cursor: InvalidCursor) -> Self {
        Self::Cursor(cursor)
    }
}
