//! Wire events of the basket context.
