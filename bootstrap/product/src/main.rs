//! The product service.

fn main() {}
