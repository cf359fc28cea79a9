//! A ledger in memory, a merchant that records, samples, and the suite that every ledger must pass.

mod contract;
mod memory;
mod samples;
mod sender;

pub use contract::{Stores, ledger_contract};
pub use memory::MemoryLedger;
pub use samples::{callbacks, charge, refund};
pub use sender::RecordingSender;
