//! The whole system, tested end to end on real processes.
