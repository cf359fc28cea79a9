//! The whole system, tested end to end on real processes. The tests are in `tests/system`; there is nothing else here.
//!
//! Each test starts its own shop (`tests/system/shop.rs`): six processes on free ports with a data folder of their own,
//! so all of them can run at the same time. Build the services first: `cargo xtask test` does.
