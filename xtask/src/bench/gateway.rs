//! `cargo xtask bench gateway`: this gateway beside the proxies that people use for this.
//!
//! All proxies stand in front of the same backend on the same machine and take turns: a round is every case with every
//! proxy, so what else the machine does meets all of them. [`rivals`] says how each is started, [`load`] how it is driven,
//! [`usage`] what it takes; a further proxy is a function in `rivals` and a line in `Bench::start`.

mod aims;
mod cases;
mod load;
mod report;
mod rivals;
mod usage;

use self::cases::Case;
use self::report::Sample;
use self::rivals::Rival;
use super::machine::Machine;
use crate::failure::{Context, Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::workspace;
use std::fs;
use std::time::Duration;

/// The gateway beside nginx (bare, and doing like work), HAProxy and Fiber: requests a second, latency, CPU and memory.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Rounds; figures are medians over them
    #[arg(long, default_value_t = 5, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// How long each case runs in each round
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Only these cases, as in `small-32,tls-256`
    #[arg(long, value_delimiter = ',', value_name = "CASES")]
    only: Vec<String>,
    /// Only these proxies beside the gateway
    #[arg(long, value_delimiter = ',', value_name = "PROXIES", value_parser = ["nginx", "nginx-alike", "haproxy", "fiber"])]
    beside: Option<Vec<String>>,
}

pub(super) fn run(args: &Args) -> Outcome {
    let cases = cases::chosen(&args.only)?;
    let machine = Machine::look();
    machine.warn();
    load::provide()?;
    let folder = workspace::target().join("bench/gateway");
    fs::create_dir_all(&folder).context(|| format!("creating {}", folder.display()))?;
    let bench = rivals::Bench::start(&folder, args.beside.as_deref())?;
    let mut samples = Vec::new();
    for round in 1..=args.rounds {
        say!("{}", paint(Colour::Dim, &format!("round {round} of {}", args.rounds)));
        for case in &cases {
            for rival in bench.rivals() {
                samples.extend(measure(rival, *case, Duration::from_secs(args.seconds))?);
            }
        }
    }
    report::show(&machine, &samples, &folder)
}

/// One case with one proxy; `None` where the proxy does not speak the case's protocol.
fn measure(rival: &Rival, case: Case, time: Duration) -> Outcome<Option<Sample>> {
    let Some(url) = rival.url(case) else { return Ok(None) };
    let before = usage::of(rival.pid(case));
    let load = load::drive(case, &url, time)?;
    let after = usage::of(rival.pid(case));
    if load.requests == 0 {
        return Err(Failure::new(format!("{} answered nothing in the case {}", rival.name(), case.name())));
    }
    Ok(Some(Sample {
        proxy: rival.name(),
        case: case.name(),
        load,
        cpu: after.cpu.saturating_sub(before.cpu),
        resident: after.resident,
    }))
}
