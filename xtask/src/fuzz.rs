//! `cargo xtask fuzz`: throws at the parsers what nobody thought of, guided by what code it reaches.
//!
//! Targets are in `xtask/fuzz/targets`, a file and a `[[bin]]` each. What made one fail stays in
//! `target/fuzz/artifacts`; turn it into a test beside the parser.

use crate::failure::{Context, Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::{shell, workspace};
use std::fs;
use std::process::Command;

const TARGETS: [&str; 6] = ["head", "scanner", "answer", "path", "forwarded", "token"];

/// Fuzz the parsers of what strangers and backends send; needs a nightly compiler and cargo-fuzz
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Only these targets, as in `head,token`; there are head, scanner, answer, path, forwarded and token
    #[arg(long, value_delimiter = ',', value_name = "TARGETS", value_parser = TARGETS)]
    only: Vec<String>,
    /// How long each is fuzzed
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

pub(crate) fn run(args: &Args) -> Outcome {
    provide()?;
    let chosen = |target: &&&str| args.only.is_empty() || args.only.iter().any(|named| named == *target);
    for target in TARGETS.iter().filter(chosen) {
        fuzz(target, args.seconds)?;
        say!("{} {target}: nothing found in {} s", paint(Colour::Green, "✓"), args.seconds);
    }
    Ok(())
}

fn provide() -> Outcome {
    let nightly = shell::output(Command::new("rustc").args(["+nightly", "--version"]));
    nightly
        .map_err(|_| Failure::new("fuzzing needs a nightly compiler: rustup toolchain install nightly"))?;
    if shell::which("cargo-fuzz").is_none() {
        shell::run(&mut shell::cargo(["install", "cargo-fuzz", "--locked"]))?;
    }
    Ok(())
}

fn fuzz(target: &str, seconds: u32) -> Outcome {
    let folder = workspace::target().join("fuzz");
    let (corpus, artifacts) = (folder.join("corpus").join(target), folder.join("artifacts").join(target));
    for folder in [&corpus, &artifacts] {
        fs::create_dir_all(folder).context(|| format!("creating {}", folder.display()))?;
    }
    let mut command = Command::new("cargo");
    command
        .args(["+nightly", "fuzz", "run", "--fuzz-dir"])
        .arg(workspace::root().join("xtask/fuzz"))
        .arg("--target-dir")
        .arg(folder.join("build"))
        .arg(target)
        .arg(&corpus)
        .arg("--")
        .args([
            format!("-max_total_time={seconds}"),
            "-max_len=8192".to_owned(),
            "-print_final_stats=1".to_owned(),
        ])
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .current_dir(workspace::root());
    // A compiler that this program was started by would override the nightly one.
    for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC"] {
        command.env_remove(name);
    }
    shell::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_declared() {
        let root = workspace::root().join("xtask/fuzz");
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        for target in TARGETS {
            assert!(root.join(format!("targets/{target}.rs")).is_file(), "{target}");
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
