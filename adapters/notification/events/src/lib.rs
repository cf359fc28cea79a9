//! Wire events of the notification context.
