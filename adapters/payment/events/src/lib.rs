//! Wire events of the payment context.
