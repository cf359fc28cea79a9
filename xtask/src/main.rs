//! The one door: run, test and look after the system.

fn main() {}
