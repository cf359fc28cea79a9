//! What the sandbox can be asked.

pub mod get_charge;
pub mod get_refund;
pub mod read_ledger;
