//! The basket service.

fn main() {}
