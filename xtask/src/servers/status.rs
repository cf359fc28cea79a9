//! `cargo xtask servers status` and `env`.

use super::find::{Availability, availability};
use super::instance::{self, Instance};
use super::kind::Kind;
use super::record::{Node, Record};
use super::{control, variables};
use crate::failure::Outcome;
use crate::paint::{Colour, paint, say};
use std::io::Write as _;

/// What runs, where, and what could be started.
#[derive(clap::Args, Debug)]
pub(super) struct Args {}

/// The variables that tell tests where the servers are.
#[derive(clap::Args, Debug)]
pub(super) struct EnvArgs {
    /// Which servers [default: dev, or the only ones there are]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(super) fn run(_: &Args) {
    instance::sweep();
    for instance in instance::all() {
        let owner = instance.about().and_then(|about| about.owner);
        let owner = owner.map(|owner| format!(", until process {} ends", owner.pid)).unwrap_or_default();
        say!("{}{owner}", paint(Colour::Bold, &instance.name));
        instance.records().iter().for_each(show);
    }
    say!("{}", paint(Colour::Bold, "on this machine"));
    Kind::ALL.into_iter().for_each(offer);
}

pub(super) fn env(args: &EnvArgs) -> Outcome {
    let instance = Instance::meant(args.name.as_deref())?;
    let text = variables::lines(&variables::of(&instance));
    drop(std::io::stdout().write_all(text.as_bytes()));
    Ok(())
}

fn show(record: &Record) {
    for node in &record.nodes {
        let (mark, state) = state(record, node);
        let tls = node.tls_port.map(|port| format!(", TLS 127.0.0.1:{port}")).unwrap_or_default();
        say!("  {mark} {:<16} {:<10} {}{tls}  {state}", node.name, record.version, node.address());
    }
}

fn state(record: &Record, node: &Node) -> (String, String) {
    match &node.process {
        Some(process) if process.alive() && control::ready(record, node) => {
            (paint(Colour::Green, "✓"), format!("process {}", process.pid))
        }
        Some(process) if process.alive() => {
            (paint(Colour::Yellow, "…"), format!("process {} does not answer", process.pid))
        }
        Some(_) => (paint(Colour::Red, "✗"), format!("crashed; see {}", node.launch.log.display())),
        None => (paint(Colour::Yellow, "–"), "stopped".to_owned()),
    }
}

/// One line on whether that kind can be had here.
pub(crate) fn offer(kind: Kind) {
    let (mark, text) = match availability(kind) {
        Availability::Here(version) => (paint(Colour::Green, "✓"), version),
        Availability::Installable => {
            (paint(Colour::Green, "✓"), format!("would be installed: {}", kind.packages().join(" ")))
        }
        Availability::Missing(why) => (paint(Colour::Yellow, "–"), why),
    };
    say!("  {mark} {:<16} {text}", kind.name());
}
