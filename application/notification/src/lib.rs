//! Use cases of the notification context.
