//! `cargo xtask servers psql`, `redis-cli`, `mariadb` and `kafka-console`: a shell on a server of ours.

use super::instance::Instance;
use super::kind::Kind;
use super::record::Record;
use super::{kafka, mariadb as maria, postgres, redis};
use crate::failure::{Failure, Outcome};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Which servers, and what the client is told.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Which servers [default: dev, or the only ones there are]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Passed on, as in `-- -d product_service -c 'select 1'`
    #[arg(last = true, value_name = "ARGUMENTS")]
    rest: Vec<String>,
}

/// As [`Args`], and which Redis.
#[derive(clap::Args, Debug)]
pub(super) struct RedisArgs {
    /// The cluster instead of the single node
    #[arg(long)]
    cluster: bool,
    #[command(flatten)]
    args: Args,
}

/// Read a topic from its beginning, or write to it.
#[derive(clap::Args, Debug)]
pub(super) struct KafkaArgs {
    /// The topic
    topic: String,
    /// Write instead: a key, a tab and a value a line
    #[arg(long)]
    produce: bool,
    #[command(flatten)]
    args: Args,
}

pub(super) fn psql(args: &Args) -> Outcome {
    become_it(postgres::psql(&record(args, Kind::Postgres)?)?, &args.rest)
}

pub(super) fn redis_cli(args: &RedisArgs) -> Outcome {
    let kind = if args.cluster { Kind::RedisCluster } else { Kind::Redis };
    become_it(redis::cli(&record(&args.args, kind)?)?, &args.args.rest)
}

pub(super) fn mariadb(args: &Args) -> Outcome {
    become_it(maria::shell_of(&record(args, Kind::MariaDb)?)?, &args.rest)
}

pub(super) fn kafka_console(args: &KafkaArgs) -> Outcome {
    const SHOWN: [&str; 5] = ["timestamp", "partition", "offset", "headers", "key"];
    let record = record(&args.args, Kind::Kafka)?;
    let mut command = kafka::tool(&record)?;
    if args.produce {
        command.arg("org.apache.kafka.tools.ConsoleProducer").args(["--property", "parse.key=true"]);
    } else {
        command.arg("org.apache.kafka.tools.consumer.ConsoleConsumer").arg("--from-beginning");
        command.args(SHOWN.iter().flat_map(|what| ["--property".to_owned(), format!("print.{what}=true")]));
    }
    command.args(["--bootstrap-server", &record.addresses(), "--topic", &args.topic]);
    become_it(command, &args.args.rest)
}

fn record(args: &Args, kind: Kind) -> Outcome<Record> {
    let instance = Instance::meant(args.name.as_deref())?;
    let none = || {
        Failure::new(format!(
            "`{}` has no {kind}; start it with `cargo xtask servers up --only {kind}`",
            instance.name
        ))
    };
    instance.record(kind).ok_or_else(none)
}

/// The client takes our place, and with it terminal, signals and exit code.
fn become_it(mut command: Command, rest: &[String]) -> Outcome {
    let line = crate::shell::line(&command);
    let error = command.args(rest).exec();
    Err(Failure::new(format!("starting `{line}`: {error}")))
}
