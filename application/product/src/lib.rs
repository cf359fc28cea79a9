//! Use cases of the product context.
