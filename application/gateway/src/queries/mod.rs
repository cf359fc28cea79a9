//! What the gateway can be asked.

pub mod check_backends;
pub mod read_audit;
pub mod show_balancer;
pub mod show_rate_limit;
pub mod show_status;
