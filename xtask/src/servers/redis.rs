//! Redis or Valkey: one node with a port for TLS beside the plain one, or a cluster of three.

use super::kind::Kind;
use super::process::Launch;
use super::record::{Node, Record};
use super::site::{self, Site};
use super::{ports, secret, wire};
use crate::failure::{Context, Failure, Outcome};
use crate::shell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The least number of masters that a cluster works with.
const NODES: usize = 3;
/// The hash slots of a cluster.
const SLOTS: usize = 16_384;

pub(super) struct Programs {
    server: PathBuf,
    pub(super) version: String,
}

pub(super) fn find() -> Option<Programs> {
    let mut servers = ["redis-server", "valkey-server"].into_iter().filter_map(shell::which);
    servers.find_map(in_version)
}

fn in_version(server: PathBuf) -> Option<Programs> {
    let version = site::version(&server)?;
    site::at_least(&version, [7, 0]).then_some(Programs { server, version })
}

pub(super) fn prepare(site: &Site, programs: Programs) -> Outcome<Record> {
    let folder = site.folder(Kind::Redis, None)?;
    let password = if site.durable { secret::password()? } else { String::new() };
    let ports = ports::reserve(&site.instance, 2)?;
    let mut settings = settings(site, ports[0]);
    let certificate = site.keystore(&folder, None)?.display().to_string();
    settings.extend([
        ("tls-port", ports[1].to_string()),
        ("tls-cert-file", certificate.clone()),
        ("tls-key-file", certificate),
        ("tls-ca-cert-file", site.certificates.authority.display().to_string()),
        ("tls-auth-clients", "no".to_owned()),
    ]);
    if !password.is_empty() {
        settings.push(("requirepass", password.clone()));
    }
    let mut node = node(site, &programs, Kind::Redis.name(), folder, &settings)?;
    node.tls_port = Some(ports[1]);
    let password_kept = Record { password, ..record(Kind::Redis, programs, vec![node]) };
    Ok(password_kept)
}

pub(super) fn prepare_cluster(site: &Site, programs: Programs) -> Outcome<Record> {
    let parent = site.folder(Kind::RedisCluster, None)?;
    let ports = ports::reserve(&site.instance, 2 * NODES)?;
    let mut nodes = Vec::new();
    for (number, pair) in (1..).zip(ports.chunks_exact(2)) {
        let name = format!("{}-{number}", Kind::RedisCluster);
        let folder = parent.join(number.to_string());
        fs::create_dir(&folder).context(|| format!("creating {}", folder.display()))?;
        let mut settings = settings(site, pair[0]);
        settings.extend([
            ("cluster-enabled", "yes".to_owned()),
            ("cluster-port", pair[1].to_string()),
            ("cluster-config-file", "nodes.conf".to_owned()),
            ("cluster-node-timeout", "2000".to_owned()),
        ]);
        let mut node = node(site, &programs, &name, folder, &settings)?;
        node.peer_port = Some(pair[1]);
        nodes.push(node);
    }
    Ok(record(Kind::RedisCluster, programs, nodes))
}

fn record(kind: Kind, programs: Programs, nodes: Vec<Node>) -> Record {
    let (user, password) = (String::new(), String::new());
    Record {
        kind,
        version: programs.version,
        user,
        password,
        classpath: None,
        nodes,
        owners: BTreeMap::new(),
    }
}

fn settings(site: &Site, port: u16) -> Vec<(&'static str, String)> {
    let (append, save) = if site.durable { ("yes", "3600 1") } else { ("no", "\"\"") };
    vec![
        ("bind", "127.0.0.1".to_owned()),
        ("port", port.to_string()),
        ("daemonize", "no".to_owned()),
        ("maxclients", "1000".to_owned()),
        ("appendonly", append.to_owned()),
        ("appendfsync", if site.durable { "always" } else { "no" }.to_owned()),
        ("save", save.to_owned()),
    ]
}

fn node(
    site: &Site,
    programs: &Programs,
    name: &str,
    folder: PathBuf,
    settings: &[(&str, String)],
) -> Outcome<Node> {
    let port = settings.iter().find(|(key, _)| *key == "port").and_then(|(_, value)| value.parse().ok());
    let lines: Vec<String> = settings.iter().map(|(key, value)| format!("{key} {value}")).collect();
    let file = folder.join("redis.conf");
    site::private(&file, &(lines.join("\n") + "\n"), None)?;
    let launch = Launch {
        program: programs.server.clone(),
        arguments: vec![file.display().to_string()],
        variables: BTreeMap::new(),
        log: site.instance.join(format!("{name}.log")),
        folder,
        user: None,
    };
    let port = port.unwrap_or_default();
    Ok(Node { name: name.to_owned(), port, tls_port: None, peer_port: None, launch, process: None })
}

/// Makes a cluster of nodes that do not know each other yet; does nothing when they do.
pub(super) fn join(record: &Record) -> Outcome {
    let ask = |node: &Node, words: &[&str]| wire::redis(&node.address(), &record.password, words);
    let Some((first, others)) = record.nodes.split_first() else { return Ok(()) };
    if !ask(first, &["CLUSTER", "INFO"])?.contains("cluster_slots_assigned:0") {
        return Ok(());
    }
    let share = SLOTS.div_ceil(record.nodes.len());
    for (place, node) in record.nodes.iter().enumerate() {
        let last = ((place + 1) * share).min(SLOTS) - 1;
        // Different epochs: equal ones would have to be settled between the nodes first, which takes seconds.
        ask(node, &["CLUSTER", "SET-CONFIG-EPOCH", &(place + 1).to_string()])?;
        ask(node, &["CLUSTER", "ADDSLOTSRANGE", &(place * share).to_string(), &last.to_string()])?;
    }
    for node in others {
        let peer = node.peer_port.unwrap_or_default().to_string();
        ask(first, &["CLUSTER", "MEET", "127.0.0.1", &node.port.to_string(), &peer])?;
    }
    Ok(())
}

/// All slots are served, and this node knows all the others.
pub(super) fn joined(record: &Record, node: &Node) -> bool {
    let said = wire::redis(&node.address(), &record.password, &["CLUSTER", "INFO"]).unwrap_or_default();
    let knows = format!("cluster_known_nodes:{}", record.nodes.len());
    said.contains("cluster_state:ok") && said.lines().any(|line| line.trim() == knows)
}

/// The client that came with the server: `valkey-cli` beside `valkey-server`; else any on the path, as all of them speak
/// to all servers.
fn client(server: &Path) -> Option<PathBuf> {
    let name = server.file_name()?.to_string_lossy().replace("-server", "-cli");
    let own = Some(server.with_file_name(&name)).filter(|path| path.is_file());
    own.or_else(|| [&*name, "redis-cli", "valkey-cli"].into_iter().find_map(shell::which))
}

/// The client of the server; the password is in the environment and on no command line.
pub(super) fn cli(record: &Record) -> Outcome<Command> {
    let none = || Failure::new(format!("this instance has no {}", record.kind));
    let server = &record.nodes.first().ok_or_else(none)?.launch.program;
    let missing = || Failure::new("neither redis-cli nor valkey-cli is on the path");
    let mut command = Command::new(client(server).ok_or_else(missing)?);
    command.args(["-h", "127.0.0.1", "-p", &record.port().to_string()]);
    command.args((record.kind == Kind::RedisCluster).then_some("-c"));
    if !record.password.is_empty() {
        command.env("REDISCLI_AUTH", &record.password);
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_entered_by_the_client_that_came_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let beside = |name: &str| folder.path().join(name);
        for name in ["redis-cli", "valkey-cli"] {
            fs::write(beside(name), "").unwrap();
        }
        assert_eq!(client(&beside("valkey-server")).unwrap(), beside("valkey-cli"));
        assert_eq!(client(&beside("redis-server")).unwrap(), beside("redis-cli"));
    }
}
