//! Redis plumbing: connections to one node or a cluster, scripts, changes that settle, inbox and outbox.
//!
//! A context's Redis adapter keeps what belongs together in one [`Bucket`] and changes it by one script each, through
//! [`Redis::write`]:
//!
//! ```text
//! static SAVE: LazyLock<Script> = LazyLock::new(|| Script::change(include_str!("lua/save.lua")));
//! let redis = Redis::new(&config, "basket store", "basket", &logger)?;
//! let bucket = Bucket::of(user.as_str());
//! let change = Change {
//!     operation: "save basket",
//!     aggregate: "basket",
//!     script: &SAVE,
//!     bucket,
//!     keys: vec![redis.key(bucket, "basket:ada")],
//!     args: vec![version, document],
//! };
//! redis.write(ctx, change).await?;
//! ```
//!
//! The same works on a single server and on a cluster, because no command touches two slots. [`settle`] says how an event
//! has its effect once, whatever is killed or lost in between.

mod config;
mod durability;
mod error;
mod health;
mod inbox;
mod keys;
mod link;
mod outbox;
mod redis;
mod script;
pub mod settle;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod tls;

pub use config::RedisConfig;
pub use error::OpenError;
pub use health::RedisHealth;
pub use inbox::RedisInbox;
pub use keys::{BUCKETS, Bucket};
pub use outbox::RedisOutbox;
pub use redis::Redis;
pub use script::Script;
pub use settle::Change;
