//! Use cases of the provider sandbox.
