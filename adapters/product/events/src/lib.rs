//! Wire events of the product context.
