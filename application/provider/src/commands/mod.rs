//! What the sandbox does.

pub mod create_charge;
pub mod deliver_callbacks;
pub mod refund_charge;
