//! `cargo xtask servers topics`, and the same for `run-all --servers`.

use super::instance::Instance;
use super::kafka::{self, topics as declared};
use super::kind::Kind;
use super::wire;
use crate::failure::{Context, Failure, Outcome};
use std::path::PathBuf;

/// Create the topics of ops/kafka/topics.toml, or compare what is there.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Which servers [default: dev, or the only ones there are]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Brokers that are not ours, as in `kafka.test:9092`
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "name")]
    brokers: Option<String>,
    /// Properties of a client of Kafka, for brokers that want TLS or a password
    #[arg(long, value_name = "FILE", requires = "brokers")]
    client_config: Option<PathBuf>,
    /// How many brokers those are, where they cannot be asked without TLS
    #[arg(long, value_name = "NUMBER", requires = "brokers")]
    count: Option<u32>,
    /// Goes before the name of each topic [default: with --brokers what `KAFKA_TOPIC_PREFIX` says]
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
}

pub(super) fn run(args: &Args) -> Outcome {
    let Some(bootstrap) = &args.brokers else {
        // Services on servers of ours use none, whatever the environment says of others.
        return provide(&Instance::meant(args.name.as_deref())?, args.prefix.as_deref().unwrap_or_default());
    };
    let first = bootstrap.split(',').next().unwrap_or(bootstrap);
    let counted = || wire::brokers(first).context(|| format!("asking {first} how many brokers there are"));
    let brokers = args.count.map_or_else(counted, Ok)?;
    declared::provide(&declared::Target {
        bootstrap: bootstrap.clone(),
        brokers,
        prefix: args.prefix.clone().or_else(|| std::env::var("KAFKA_TOPIC_PREFIX").ok()).unwrap_or_default(),
        client: args.client_config.clone(),
        tool: &kafka::any_tool,
    })
}

/// On the brokers of that instance.
pub(crate) fn provide(instance: &Instance, prefix: &str) -> Outcome {
    let none =
        || Failure::new(format!("`{}` has no kafka; start it with `servers up --only kafka`", instance.name));
    let record = instance.record(Kind::Kafka).ok_or_else(none)?;
    declared::provide(&declared::Target {
        bootstrap: record.addresses(),
        brokers: u32::try_from(record.nodes.len()).unwrap_or(u32::MAX),
        prefix: prefix.to_owned(),
        client: None,
        tool: &|| kafka::tool(&record),
    })
}
