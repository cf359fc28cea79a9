//! Starting, stopping and killing the processes of a server, on the same ports and data each time.

use super::instance::Instance;
use super::kind::Kind;
use super::record::{Node, Record};
use super::{kafka, ports, postgres, redis, wire};
use crate::failure::{Failure, Outcome};
use rustix::process::Signal;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than any of them takes with tests all around.
const START: Duration = Duration::from_secs(90);
const STOP: Duration = Duration::from_secs(30);

/// Starts what is down, all of it or one node, and waits until it does its work.
pub(super) fn start(instance: &Instance, record: &mut Record, only: Option<&str>) -> Outcome {
    for place in chosen(record, only)? {
        let node = &mut record.nodes[place];
        if !node.alive() {
            wait_for_port(node)?;
            if record.kind == Kind::Postgres {
                postgres::forget_killed(&node.launch.folder);
            }
            node.process = Some(node.launch.start()?);
            instance.keep(record)?;
        }
    }
    wait(record, only)
}

/// Politely, and by force when that does not help.
pub(super) fn stop(instance: &Instance, record: &mut Record, only: Option<&str>) -> Outcome {
    let signal = polite(record.kind);
    let places = chosen(record, only)?;
    let running = |place: &usize| record.nodes[*place].process.clone();
    let processes: Vec<_> = places.iter().filter_map(running).collect();
    for process in &processes {
        process.signal(signal);
    }
    processes.iter().filter(|process| !process.ends_within(STOP)).for_each(super::process::Process::kill);
    forget(instance, record, &places)
}

/// As a crash would end it.
pub(super) fn kill(instance: &Instance, record: &mut Record, only: Option<&str>) -> Outcome {
    let places = chosen(record, only)?;
    for place in &places {
        record.nodes[*place].process.iter().for_each(super::process::Process::kill);
    }
    forget(instance, record, &places)
}

/// Whether it answers in its own protocol.
pub(super) fn ready(record: &Record, node: &Node) -> bool {
    let address = node.address();
    match record.kind {
        Kind::Postgres => wire::postgres(&address).unwrap_or(false),
        Kind::MariaDb => wire::mariadb(&address).unwrap_or(false),
        // While a node is down, its slots are not served and the cluster as a whole is not well.
        Kind::RedisCluster if record.alive() => redis::joined(record, node),
        Kind::Redis | Kind::RedisCluster => wire::redis(&address, &record.password, &["PING"]).is_ok(),
        Kind::Kafka => kafka::ready(record, node),
    }
}

fn forget(instance: &Instance, record: &mut Record, places: &[usize]) -> Outcome {
    for place in places {
        record.nodes[*place].process = None;
    }
    // The folder is gone where somebody else was at the same.
    if instance.folder.exists() { instance.keep(record) } else { Ok(()) }
}

/// For `PostgreSQL` SIGTERM means to wait until the last client has left.
const fn polite(kind: Kind) -> Signal {
    match kind {
        Kind::Postgres => Signal::INT,
        _ => Signal::TERM,
    }
}

/// The places of the nodes that are meant.
fn chosen(record: &Record, only: Option<&str>) -> Outcome<Vec<usize>> {
    let meant = |node: &Node| only.is_none_or(|only| only == node.name);
    let places: Vec<usize> = (0..record.nodes.len()).filter(|place| meant(&record.nodes[*place])).collect();
    let names = || record.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ");
    if places.is_empty() {
        return Err(Failure::new(format!(
            "there is no `{}`; there are {}",
            only.unwrap_or_default(),
            names()
        )));
    }
    Ok(places)
}

/// The end of a connection may hold the port for a moment, as may another program for longer.
fn wait_for_port(node: &Node) -> Outcome {
    let begun = Instant::now();
    while !ports::free(node.port) {
        if begun.elapsed() > Duration::from_secs(10) {
            let Node { name, port, .. } = node;
            return Err(Failure::new(format!(
                "port {port} of {name} is taken by another program; end that, or remove the servers (`cargo xtask \
                 servers down`, or run-all --reset) to have new ports"
            )));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn wait(record: &Record, only: Option<&str>) -> Outcome {
    let begun = Instant::now();
    let nodes: Vec<&Node> =
        record.nodes.iter().filter(|node| only.is_none_or(|only| only == node.name)).collect();
    if record.kind == Kind::RedisCluster && only.is_none() {
        let answers = |node: &Node| wire::redis(&node.address(), &record.password, &["PING"]).is_ok();
        nodes.iter().try_for_each(|node| poll(&nodes, node, begun, || answers(node)))?;
        redis::join(record)?;
    }
    nodes.iter().try_for_each(|node| poll(&nodes, node, begun, || ready(record, node)))
}

fn poll(nodes: &[&Node], node: &Node, begun: Instant, done: impl Fn() -> bool) -> Outcome {
    while !done() {
        check(nodes, node, begun)?;
        thread::sleep(Duration::from_millis(25));
    }
    Ok(())
}

/// Fails when there is no point in waiting on: one that ended does not come back, and the others need it.
fn check(nodes: &[&Node], node: &Node, begun: Instant) -> Outcome {
    let ended = nodes.iter().copied().find(|node| !node.alive());
    let (node, why) = match ended {
        Some(ended) => (ended, "ended".to_owned()),
        None if begun.elapsed() > START => (node, format!("does not answer after {} s", START.as_secs())),
        None => return Ok(()),
    };
    Err(Failure::new(format!(
        "{} {why}; the end of {}:\n{}",
        node.name,
        node.launch.log.display(),
        node.launch.last_words()
    )))
}
