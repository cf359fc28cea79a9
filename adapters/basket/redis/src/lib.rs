//! Redis store of the basket context.
//!
//! A user's basket, and the payments whose lines have left it, are in the user's bucket, so that one script changes them
//! together. Keys of a bucket, all behind its hash tag:
//!
//! | Key | What it holds |
//! |---|---|
//! | `basket:<user>` | hash: `id`, `version` and `expires_at` for the scripts, `document` with all of it as JSON |
//! | `expiry` | sorted set: users by the microsecond at which their basket expires |
//! | `paid` | sorted set: payments by the microsecond at which their lines left |
//!
//! A new field of the document gets a default in `document`, so that replicas of two releases get on; a form that older
//! releases would misread gets the next number of `FORMAT`.

mod document;
mod queries;
mod repository;
mod scripts;
#[cfg(test)]
mod tests;

pub use queries::{RedisBasketQueries, RedisBasketQueriesParameters};
pub use repository::{RedisBasketRepository, RedisBasketRepositoryParameters};
