//! Apache Kafka in `KRaft` mode: one broker or three, each of them a controller, too.
//!
//! `artifacts` brings the jars, `config` says what a broker is told, `topics` declares what the services expect.

mod artifacts;
mod config;
pub(super) mod topics;

use super::kind::Kind;
use super::process::Launch;
use super::record::{Node, Record};
use super::site::{self, Site};
use super::{ports, secret, wire};
use crate::failure::{Failure, Outcome};
use crate::shell;
pub(super) use artifacts::find;
use config::Broker;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// The variable that tells tests where the jars are.
pub(super) const JARS: &str = "TEST_KAFKA_CLASSPATH";
/// The user of encrypted connections.
const USER: &str = "test";

pub(super) fn prepare(site: &Site, programs: artifacts::Programs) -> Outcome<Record> {
    let classpath = programs.classpath()?;
    let folder = site.folder(Kind::Kafka, None)?;
    let count = usize::from(site.brokers);
    let ports = ports::reserve(&site.instance, 3 * count)?;
    let password = secret::password()?;
    let keystore = site.keystore(&folder, None)?;
    let brokers: Vec<Broker> =
        (1..).zip(ports.chunks_exact(3)).map(|(id, ports)| Broker::new(id, ports)).collect();
    let cluster = Cluster { site, java: &programs.java, classpath: &classpath, password: &password };
    let nodes = thread::scope(|scope| {
        let prepare = |broker| {
            let (cluster, folder, keystore, all) = (&cluster, &folder, &keystore, &brokers);
            scope.spawn(move || cluster.node(broker, all, folder, keystore))
        };
        let threads: Vec<_> = brokers.iter().map(prepare).collect();
        let crashed = || Err(Failure::new("setting up a broker panicked"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| crashed())).collect::<Outcome<_>>()
    })?;
    let version = programs.version;
    let user = USER.to_owned();
    Ok(Record {
        kind: Kind::Kafka,
        version,
        user,
        password,
        classpath: Some(classpath),
        nodes,
        owners: BTreeMap::new(),
    })
}

/// What all brokers share.
struct Cluster<'a> {
    site: &'a Site,
    java: &'a Path,
    classpath: &'a str,
    password: &'a str,
}

impl Cluster<'_> {
    /// Writes the settings and formats the log folder, which is also where the users of SCRAM come from.
    fn node(&self, broker: &Broker, all: &[Broker], parent: &Path, keystore: &Path) -> Outcome<Node> {
        let folder = parent.join(broker.id.to_string());
        let file = parent.join(format!("{}.properties", broker.id));
        let text =
            config::properties(broker, all, self.site.durable, &folder, keystore, (USER, self.password));
        site::private(&file, &text, None)?;
        shell::output(&mut self.format(&file)?)?;
        let name =
            if all.len() == 1 { Kind::Kafka.to_string() } else { format!("{}-{}", Kind::Kafka, broker.id) };
        let log = self.site.instance.join(format!("{name}.log"));
        let launch = Launch {
            program: self.java.to_path_buf(),
            arguments: self.arguments(&file),
            variables: BTreeMap::new(),
            folder: parent.to_path_buf(),
            user: None,
            log,
        };
        Ok(Node {
            name,
            port: broker.port,
            tls_port: Some(broker.tls_port),
            peer_port: Some(broker.controller_port),
            launch,
            process: None,
        })
    }

    /// The user is in a file of arguments: everybody on the machine can read command lines, and failures show them.
    fn format(&self, settings: &Path) -> Outcome<Command> {
        let users = settings.with_extension("users");
        let user = format!("--add-scram\nSCRAM-SHA-256=[name={USER},password={}]\n", self.password);
        site::private(&users, &user, None)?;
        let mut format = java(self.java, self.classpath);
        // All brokers of an instance have this id; nobody else can reach them.
        format.args(["kafka.tools.StorageTool", "format", "-t", "c2hvcC1vZi14dGFzay0wMQ", "-c"]);
        format.arg(settings).arg(format!("@{}", users.display()));
        Ok(format)
    }

    fn arguments(&self, file: &Path) -> Vec<String> {
        let memory = ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC"];
        // Code that lives for minutes is not worth the second compiler.
        let quick = (!self.site.durable).then_some("-XX:TieredStopAtLevel=1");
        let log = [
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
        ];
        let class = ["-cp", self.classpath, "kafka.Kafka"];
        let file = file.display().to_string();
        let before = memory.into_iter().chain(quick).chain(log).chain(class);
        before.map(str::to_owned).chain([file]).collect()
    }
}

/// A tool of Kafka: nothing but what it has to say goes to the terminal.
fn java(program: &Path, classpath: &str) -> Command {
    let mut command = Command::new(program);
    command.args([
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=off",
    ]);
    command.args(["-cp", classpath]);
    command
}

/// A tool of Kafka with the Java and the jars that the brokers of the record run with.
pub(super) fn tool(record: &Record) -> Outcome<Command> {
    let missing = || Failure::new("this instance has no kafka");
    let node = record.nodes.first().ok_or_else(missing)?;
    let classpath = record.classpath.as_deref().ok_or_else(missing)?;
    Ok(java(&node.launch.program, classpath))
}

/// A tool of Kafka for brokers that are not ours.
pub(super) fn any_tool() -> Outcome<Command> {
    let missing = || Failure::new(format!("Kafka's tools need {}", Kind::Kafka.needs()));
    let programs = find().ok_or_else(missing)?;
    let classpath = programs.classpath()?;
    Ok(java(&programs.java, &classpath))
}

/// The variable that tells tests where the jars are; none where they cannot be had.
pub(crate) fn jars() -> Outcome<Option<(String, String)>> {
    let classpath = find().map(|programs| programs.classpath()).transpose()?;
    Ok(classpath.map(|classpath| (JARS.to_owned(), classpath)))
}

/// This broker answers, and knows as many brokers as there should be.
pub(super) fn ready(record: &Record, node: &Node) -> bool {
    let wanted = record.nodes.iter().filter(|node| node.alive()).count();
    wire::brokers(&node.address())
        .is_ok_and(|alive| usize::try_from(alive).is_ok_and(|alive| alive >= wanted))
}

/// Java is where `JAVA_HOME` says, or on the path.
fn java_program() -> Option<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    home.filter(|program| program.is_file()).or_else(|| shell::which("java"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::tls::Certificates;

    #[test]
    fn no_password_is_on_a_command_line() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site {
            instance: folder.path().to_path_buf(),
            durable: false,
            brokers: 1,
            certificates: Certificates::of(folder.path()),
        };
        let cluster =
            Cluster { site: &site, java: Path::new("java"), classpath: "/jars/*", password: "secret" };
        let line = shell::line(&cluster.format(&folder.path().join("1.properties")).unwrap());
        assert!(!line.contains("secret"), "{line}");
        let (_, users) = line.rsplit_once('@').unwrap();
        let users = std::fs::read_to_string(users).unwrap();
        assert_eq!(users, "--add-scram\nSCRAM-SHA-256=[name=test,password=secret]\n");
    }
}
