//! Value objects every context shares: money, ids, event metadata.
