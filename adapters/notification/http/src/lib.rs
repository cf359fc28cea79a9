//! HTTP routes of the notification context.
