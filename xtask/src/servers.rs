//! `cargo xtask servers`: the real servers, found or provisioned, for everyday work and for tests.
//!
//! A set of servers is an `instance`; what is known of each is a `record` in its folder, so that any later call can
//! stop, start or enter it. `provision` brings them up: `find` says whether a `kind` can be had (`install` may help),
//! the module of each kind sets it up, `control` starts and stops its processes, `wire` knows when they are ready.
//! A new kind of server is a new [`Kind`] and a module that finds its programs and prepares its record.

mod clients;
mod control;
mod endpoint;
mod find;
mod guard;
mod install;
mod instance;
mod kafka;
mod kind;
mod mariadb;
mod outage;
mod ports;
mod postgres;
mod process;
mod provision;
mod record;
mod redis;
pub(crate) mod secret;
mod site;
mod status;
mod tls;
mod topics;
mod up;
pub(crate) mod variables;
mod wire;

use crate::failure::Outcome;
pub(crate) use find::needed;
pub(crate) use install::tools;
pub(crate) use instance::{Instance, all, sweep};
pub(crate) use kafka::jars as kafka_jars;
pub(crate) use kind::Kind;
pub(crate) use process::Process;
pub(crate) use provision::{Missing, Order, installed, up};
pub(crate) use status::offer;
pub(crate) use tls::Certificates;
pub(crate) use topics::provide as provide_topics;

/// PostgreSQL, MariaDB, Redis and Kafka on this machine: find or provision them, enter them, stop them.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Start servers that stay until `down`, and write where they are to target/servers/env
    Up(up::Args),
    /// End servers and remove their data
    Down(up::DownArgs),
    /// What runs, where, and what could be started
    Status(status::Args),
    /// The variables that tell tests where the servers are
    Env(status::EnvArgs),
    /// Open psql, as superuser
    Psql(clients::Args),
    /// Open redis-cli
    RedisCli(clients::RedisArgs),
    /// Open the client of MariaDB, as the user with all rights
    #[command(name = "mariadb")]
    MariaDb(clients::Args),
    /// Read a topic from its beginning, or write to it
    KafkaConsole(clients::KafkaArgs),
    /// Create the topics of ops/kafka/topics.toml, or compare what is there
    Topics(topics::Args),
    /// Stop a server, keeping its data
    Stop(outage::Args),
    /// Start a server again, on the same port and data
    Start(outage::Args),
    /// Kill a server, as a crash would
    Kill(outage::Args),
    /// Watch the owner of an instance, and end the instance with it
    #[command(hide = true)]
    Guard(guard::Args),
}

pub(crate) fn run(args: &Args) -> Outcome {
    match &args.verb {
        Verb::Up(args) => up::run(args),
        Verb::Down(args) => up::down(args),
        Verb::Status(args) => {
            status::run(args);
            Ok(())
        }
        Verb::Env(args) => status::env(args),
        Verb::Psql(args) => clients::psql(args),
        Verb::RedisCli(args) => clients::redis_cli(args),
        Verb::MariaDb(args) => clients::mariadb(args),
        Verb::KafkaConsole(args) => clients::kafka_console(args),
        Verb::Topics(args) => topics::run(args),
        Verb::Stop(args) => outage::run(args, control::stop),
        Verb::Start(args) => outage::run(args, control::start),
        Verb::Kill(args) => outage::run(args, control::kill),
        Verb::Guard(args) => guard::run(args),
    }
}
