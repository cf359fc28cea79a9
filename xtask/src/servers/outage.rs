//! `cargo xtask servers stop`, `start` and `kill`: outages, for tests and by hand.

use super::instance::Instance;
use super::kind::Kind;
use super::record::Record;
use crate::failure::{Failure, Outcome};
use crate::paint::{Colour, paint, say};
use std::time::Instant;

/// Which server of which set.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// A kind, as in `kafka`, or one of its processes, as in `kafka-2`
    server: String,
    /// Which servers [default: dev, or the only ones there are]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

pub(super) fn run(args: &Args, act: fn(&Instance, &mut Record, Option<&str>) -> Outcome) -> Outcome {
    let begun = Instant::now();
    let instance = Instance::meant(args.name.as_deref())?;
    let (kind, node) = meant(&args.server, &instance.records())?;
    let _turn = instance.lock(kind)?;
    let missing = || Failure::new(format!("{kind} is gone"));
    let mut record = instance.record(kind).ok_or_else(missing)?;
    act(&instance, &mut record, node.as_deref())?;
    say!("{} {} in {:.1} s", paint(Colour::Green, "✓"), args.server, begun.elapsed().as_secs_f32());
    Ok(())
}

/// The kind, and the node where one is named.
fn meant(server: &str, records: &[Record]) -> Outcome<(Kind, Option<String>)> {
    if let Some(record) = records.iter().find(|record| record.kind.name() == server) {
        return Ok((record.kind, None));
    }
    let nodes =
        || records.iter().flat_map(|record| record.nodes.iter().map(|node| (record.kind, &node.name)));
    let found = nodes().find(|(_, name)| *name == server);
    let names = || nodes().map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
    let unknown = || Failure::new(format!("there is no server `{server}`; there are {}", names()));
    found.map(|(kind, name)| (kind, Some(name.clone()))).ok_or_else(unknown)
}
