//! `cargo xtask setup`: what this machine has, what it lacks, and what for.

use crate::failure::{Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::servers::{self, Kind};
use crate::shell;
use std::process::Command;

/// Check the toolchain and say what the optional tools are for.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

/// Nothing else is needed to run and test the system.
const NEEDED: [(&str, &str); 2] = [("rustfmt", "fmt"), ("clippy", "clippy")];

/// Program, and what is lost without it.
const OPTIONAL: [(&str, &str); 7] = [
    ("git", "proto compares with the last commit"),
    ("npm", "proto runs buf"),
    ("make", "Kafka's tests build librdkafka, to hold our client against it"),
    ("python3", "fuzz-api runs schemathesis"),
    ("cargo-deny", "lint checks banned crates, too (cargo install cargo-deny)"),
    ("curl", "the checkout that run-all prints can be pasted"),
    ("grpcurl", "the gRPC services can be explored by reflection"),
];

pub(crate) fn run(_: &Args) -> Outcome {
    let rustc = shell::output(Command::new("rustc").arg("--version").current_dir(crate::workspace::root()))?;
    there(rustc.trim(), "pinned in rust-toolchain.toml");
    for (component, verb) in NEEDED {
        component_or_install(component, verb)?;
    }
    for (program, purpose) in OPTIONAL {
        if shell::which(program).is_some() {
            there(program, purpose);
        } else {
            say!("{} {program:<34} missing, optional: {purpose}", paint(Colour::Yellow, "–"));
        }
    }
    say!();
    say!("servers for tests of the server home and for run-all --servers:");
    Kind::ALL.into_iter().for_each(servers::offer);
    say!();
    say!("next: cargo xtask run-all");
    Ok(())
}

fn component_or_install(component: &str, verb: &str) -> Outcome {
    let version = || shell::output(&mut shell::cargo([verb, "--version"]));
    let version = match version() {
        Ok(version) => version,
        Err(_) if shell::which("rustup").is_some() => {
            shell::run(Command::new("rustup").args(["component", "add", component]))?;
            version()?
        }
        Err(_) => {
            return Err(Failure::new(format!(
                "{component} is missing, and so is rustup to install it; get both from your Rust distribution"
            )));
        }
    };
    there(version.trim(), "");
    Ok(())
}

fn there(what: &str, purpose: &str) {
    say!("{} {what:<34} {purpose}", paint(Colour::Green, "✓"));
}
