//! Limits that all gateways share, counted in Redis.
//!
//! [`RedisRateLimiter`] asks the store with one script per request, and decides by this gateway's own counts while the
//! store is away. `script` is the arithmetic in the store; a property test holds it to `Quota::decide`. What is kept per
//! client is one key, which goes when its time has passed:
//!
//! ```text
//! {shop:limit:@ada}:0:600000000:10             subject, class of routes, interval in ns, burst
//! {shop:limit:2001:db8::}:2:600000000:10       network
//! ```
//!
//! The quota is part of the name, so that one that was changed starts anew, and gateways that are told another one do not
//! disturb each other.

mod limiter;
mod script;
mod series;
#[cfg(test)]
mod tests;

pub use limiter::{RedisRateLimiter, StoreSettings};
pub use script::longest_recovery;
pub use series::StoreSeries;
