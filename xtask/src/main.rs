//! The one door: run, test and look after the system.
//!
//! Each verb is a module with an `Args` (what clap reads) and a `run`. To add one, write the module and give it
//! a line in [`Verb`] and in [`Verb::run`]. What several verbs need lives in `shell`, `http`, `catalogue`,
//! `tools` and `workspace`.

mod architecture;
mod bench;
mod build;
mod catalogue;
mod ci;
mod clean;
mod demo;
mod dev;
mod dlq;
mod docs;
mod failure;
mod fuzz;
mod fuzz_api;
mod h2spec;
mod home;
mod http;
mod identity;
mod install_deps;
mod interrupt;
mod lint;
mod paint;
mod proto;
mod provenance;
mod run_all;
mod servers;
mod services;
mod setup;
mod shell;
mod test;
mod token;
mod tools;
mod workspace;

use crate::failure::Outcome;
use crate::paint::{Colour, paint};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::parse().verb.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{} {failure}", paint(Colour::Red, "error:"));
            ExitCode::FAILURE
        }
    }
}

/// Run, test and look after the system.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Check that every edge between crates is legal
    Architecture(architecture::Args),
    /// Measure ports and gateway beside what others do, or the memory of services under load
    Bench(bench::Args),
    /// Build all service binaries
    Build(build::Args),
    /// Everything continuous integration checks, in its order
    Ci(ci::Args),
    /// Remove what was built, or only the data of local runs
    Clean(clean::Args),
    /// Drive a checkout, a decline and a refund through the gateway
    Demo(demo::Args),
    /// `run-all --watch`: run everything, rebuild and restart what changes
    Dev(dev::Args),
    /// List or replay dead letters of a run
    Dlq(dlq::Args),
    /// Build the API documentation, with warnings as errors
    Docs(docs::Args),
    /// Fuzz the parsers of what strangers send
    Fuzz(fuzz::Args),
    /// Run schemathesis against the OpenAPI document of every running service
    FuzzApi(fuzz_api::Args),
    /// Hold the HTTP/2 of a running gateway against the specification
    #[command(name = "h2spec")]
    H2Spec(h2spec::Args),
    /// Install the pinned optional tools (buf, schemathesis) under target/tools
    InstallDeps(install_deps::Args),
    /// Formatting, clippy, architecture, licences and sources
    Lint(lint::Args),
    /// Lint the .proto files and compare them with the last ones committed
    Proto(proto::Args),
    /// Build and run all services with demo data, nothing else needed
    RunAll(run_all::Args),
    /// PostgreSQL, MariaDB, Redis and Kafka for tests and everyday work
    Servers(servers::Args),
    /// Start all services in the background and wait until they are ready
    ServicesStart(services::StartArgs),
    /// Stop the services started by `services-start`
    ServicesStop(services::StopArgs),
    /// Stop, then start
    ServicesRestart(services::StartArgs),
    /// Check the toolchain and say what the optional tools are for
    Setup(setup::Args),
    /// Run the tests: all, the fast ones, or those of one context
    Test(test::Args),
    /// Print a token for a user of the shop that runs here
    Token(token::Args),
}

impl Verb {
    fn run(self) -> Outcome {
        match self {
            Self::Architecture(args) => architecture::run(&args),
            Self::Bench(args) => bench::run(&args),
            Self::Build(args) => build::run(&args),
            Self::Ci(args) => ci::run(&args),
            Self::Clean(args) => clean::run(&args),
            Self::Demo(args) => demo::run(&args),
            Self::Dev(args) => dev::run(args),
            Self::Dlq(args) => dlq::run(&args),
            Self::Docs(args) => docs::run(&args),
            Self::Fuzz(args) => fuzz::run(&args),
            Self::FuzzApi(args) => fuzz_api::run(&args),
            Self::H2Spec(args) => h2spec::run(&args),
            Self::InstallDeps(args) => install_deps::run(&args),
            Self::Lint(args) => lint::run(&args),
            Self::Proto(args) => proto::run(&args).map(drop),
            Self::RunAll(args) => run_all::run(&args),
            Self::Servers(args) => servers::run(&args),
            Self::ServicesStart(args) => services::start(&args),
            Self::ServicesStop(args) => services::stop(&args),
            Self::ServicesRestart(args) => services::restart(&args),
            Self::Setup(args) => setup::run(&args),
            Self::Test(args) => test::run(&args).map(drop),
            Self::Token(args) => token::run(&args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
