//! What the gateway can be asked.

pub mod check_backends;
