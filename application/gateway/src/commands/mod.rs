//! What the gateway does.

pub mod administer;
pub mod adopt_backends;
pub mod call;
pub mod forward;
