//! `cargo xtask fuzz-api`: schemathesis reads each service's OpenAPI document and tries to prove it wrong.
//!
//! What it checks, how long, and which findings are no findings is in `xtask/schemathesis.toml`.

use crate::catalogue::{self, Address, PortOverride};
use crate::failure::{Failure, Outcome};
use crate::http::Client;
use crate::identity::Development;
use crate::paint::{Colour, paint, say};
use crate::run_all::session;
use crate::{shell, tools, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Run schemathesis against the OpenAPI document of every running service.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct Args {
    /// Only these services, as in `product,basket`
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// Test cases per operation, instead of the configured number
    #[arg(long, value_name = "NUMBER")]
    max_examples: Option<u32>,
    /// A moved port, as given to run-all
    #[arg(long = "port", value_name = "NAME=PORT")]
    ports: Vec<PortOverride>,
    /// The data folder of the shop, which has the key for tokens [default: target/data/run-all]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl Args {
    /// All services of the shop on that data folder.
    pub(crate) fn of(data_dir: PathBuf) -> Self {
        Self { data_dir: Some(data_dir), ..Self::default() }
    }
}

/// Longer than it takes to ask all services everything.
const TTL: Duration = Duration::from_hours(12);

pub(crate) fn run(args: &Args) -> Outcome {
    for name in &args.only {
        catalogue::find(name)?;
    }
    let program = tools::schemathesis()?;
    let mut addresses = catalogue::addresses(&args.ports);
    addresses
        .retain(|address| args.only.is_empty() || args.only.iter().any(|name| name == address.service.name));
    addresses.iter().try_for_each(reachable)?;
    // An administrator may do everything: what is then refused is refused for another reason.
    let issuer = Development::existing(&session::folder(args.data_dir.as_deref()))?;
    let token = issuer.token("fuzz", &["admin"], TTL)?;
    let mut wrong = Vec::new();
    for address in &addresses {
        let begun = Instant::now();
        let outcome = fuzz(&program, address, &token, args.max_examples);
        let mark = if outcome.is_ok() { paint(Colour::Green, "✓") } else { paint(Colour::Red, "✗") };
        say!("{mark} {} in {:.0} s", address.service.name, begun.elapsed().as_secs_f32());
        wrong.extend(outcome.err().map(|_| address.service.name));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("schemathesis found something in: {} (see above)", wrong.join(", "))))
}

fn reachable(address: &Address) -> Outcome {
    let client = Client::new(&address.url(), Duration::from_secs(5));
    let name = address.service.name;
    match client.get("/openapi.json") {
        Ok(reply) if reply.status == 200 => Ok(()),
        Ok(reply) => Err(Failure::new(format!("{name} answers /openapi.json with {}", reply.status))),
        Err(failure) => {
            Err(Failure::new(format!("{name} is not there ({failure}); start it with cargo xtask run-all")))
        }
    }
}

fn fuzz(program: &Path, address: &Address, token: &str, max_examples: Option<u32>) -> Outcome {
    let mut command = Command::new(program);
    command.arg("--config-file").arg(workspace::root().join("xtask/schemathesis.toml")).arg("run");
    if let Some(number) = max_examples {
        command.args(["--max-examples", &number.to_string()]);
    }
    command.args(["--header", &format!("Authorization: Bearer {token}")]);
    // It keeps what it learnt in the current folder.
    command.current_dir(workspace::target());
    shell::run(command.arg(format!("{}/openapi.json", address.url())))
}
