//! Notifications, their channels and delivery attempts.
