//! The sandbox provider's ledger and its test tokens.
