//! For tests of this crate and of adapters: a database of their own, and the plans of their queries.

mod database;
mod explain;

pub use database::{TestDatabase, left_behind, revert_all};
pub use explain::Explain;
