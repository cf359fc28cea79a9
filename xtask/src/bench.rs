//! `cargo xtask bench`: what the system does in a second, and what it takes to do it.
//!
//! `stores` measures the ports on both homes beside the limit of each server, `gateway` the gateway beside other proxies,
//! `memory` the services under load. A new kind of measurement is a module and a line in [`Verb`].

mod aims;
mod drive;
mod gateway;
mod machine;
mod measurement;
mod memory;
mod stores;
mod table;
mod targets;
mod tools;

use crate::failure::Outcome;

/// Measure ports, servers and services on this machine, which should have nothing else to do.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Operations a second of each port on each home, beside the limit of the same server
    Stores(stores::Args),
    /// The gateway beside nginx (bare, and doing like work), HAProxy and Fiber: requests a second, latency, CPU and memory
    Gateway(gateway::Args),
    /// Memory of each service on servers while it answers 1,000 requests a second
    Memory(memory::Args),
}

pub(crate) fn run(args: &Args) -> Outcome {
    match &args.verb {
        Verb::Stores(args) => stores::run(args),
        Verb::Gateway(args) => gateway::run(args),
        Verb::Memory(args) => memory::run(args),
    }
}
