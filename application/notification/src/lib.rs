//! Use cases of the notification context.
//!
//! `commands/` writes, delivers and marks notifications, `queries/` reads them, `ports.rs` says what adapters have to
//! provide, `worker.rs` keeps deliveries going. A new use case is a new file in one of the two folders.

mod arrivals;
pub mod commands;
mod error;
mod ports;
pub mod queries;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod use_cases;
mod views;
mod worker;

pub use arrivals::{ArrivalSignal, Arrivals, LocalArrivals};
pub use error::NotificationError;
pub use notification_domain::{Channel, RetryPolicy};
pub use ports::{
    NotificationChannel, NotificationFeed, NotificationQueries, NotificationRepository, PageError, SendError,
};
pub use use_cases::NotificationUseCases;
pub use views::{FeedItem, NotificationFilter, NotificationView};
pub use worker::DeliveryWorker;
