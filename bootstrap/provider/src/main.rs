//! The provider service.

fn main() {}
