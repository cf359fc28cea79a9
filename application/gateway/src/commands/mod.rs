//! What the gateway does.

pub mod forward;
