//! Use cases of the basket context.
