//! Brokers of a test's own, controllers too, which it may stop and which end with it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use platform_testkit::{data_dir, eventually, free_port, servers};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};
use rskafka::client::ClientBuilder;
use tempfile::TempDir;
use tokio::time::timeout;

/// How long brokers may take to start on a busy machine.
const START: Duration = Duration::from_mins(1);

/// A private cluster. Numbers of brokers begin with 1.
pub(crate) struct Brokers {
    nodes: Vec<Node>,
    _dir: TempDir,
}

struct Node {
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Brokers {
    /// Starts `count` brokers with `extra` lines in their configuration and `format` arguments to the tool that prepares
    /// their folders; resolves when all answer.
    pub(crate) async fn start(count: u16, extra: &str, format: &[&str]) -> Self {
        let dir = data_dir().unwrap();
        let ports: Vec<_> = (0..count).map(|_| (free_port().unwrap(), free_port().unwrap())).collect();
        let voters: Vec<_> =
            ports.iter().zip(1..).map(|((_, port), id)| format!("{id}@127.0.0.1:{port}")).collect();
        let mut nodes = vec![];
        for (&(port, controller), id) in ports.iter().zip(1..) {
            let folder = dir.path().join(format!("broker-{id}"));
            fs::create_dir(&folder).unwrap();
            let properties = properties(id, port, controller, &voters.join(","), &folder, count, extra);
            fs::write(folder.join("server.properties"), properties).unwrap();
            nodes.push(Node { folder, port, child: None });
        }
        let formats: Vec<_> = nodes.iter().map(|node| node.format(format)).collect();
        for mut child in formats {
            assert!(child.wait().unwrap().success(), "a broker's folder cannot be prepared");
        }
        let mut brokers = Self { nodes, _dir: dir };
        for node in &mut brokers.nodes {
            node.child = Some(node.java("kafka.Kafka", &[]));
        }
        brokers.wait(usize::from(count)).await;
        brokers
    }

    /// `host:port` of all, with commas between.
    pub(crate) fn addresses(&self) -> String {
        self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect::<Vec<_>>().join(",")
    }

    /// Ends a broker as a power cut would.
    pub(crate) fn kill(&mut self, id: usize) {
        self.nodes[id - 1].kill();
    }

    /// Until every broker answers and knows of `count`.
    async fn wait(&self, count: usize) {
        for node in &self.nodes {
            let address = format!("127.0.0.1:{}", node.port);
            let answers = || async {
                let client = ClientBuilder::new(vec![address.clone()]).build();
                timeout(Duration::from_secs(1), client).await.ok()?.ok()
            };
            eventually(START, answers).await.unwrap_or_else(|_| panic!("{}", node.output()));
        }
        let registered = || async {
            let addresses = self.addresses();
            let known = tokio::task::spawn_blocking(move || brokers_known(&addresses));
            (known.await.unwrap() == count).then_some(())
        };
        eventually(START, registered).await.unwrap();
    }
}

fn brokers_known(addresses: &str) -> usize {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", addresses).create().unwrap();
    consumer.fetch_metadata(None, Duration::from_secs(5)).map_or(0, |metadata| metadata.brokers().len())
}

impl Node {
    fn format(&self, arguments: &[&str]) -> Child {
        let cluster = ["format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", "server.properties"];
        self.java("kafka.tools.StorageTool", &[&cluster, arguments].concat())
    }

    fn java(&self, class: &str, arguments: &[&str]) -> Child {
        let output = File::options().create(true).append(true).open(self.folder.join("output")).unwrap();
        let properties: &[&str] = if class == "kafka.Kafka" { &["server.properties"] } else { &[] };
        Command::new("java")
            .args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(servers::read("TEST_KAFKA_CLASSPATH").unwrap())
            .arg(class)
            .args(properties)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap()
    }

    fn output(&self) -> String {
        fs::read_to_string(self.folder.join("output")).unwrap_or_default()
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One machine plays the cluster: what takes half a minute in a real one takes two seconds here.
fn properties(
    id: u16,
    port: u16,
    controller: u16,
    voters: &str,
    folder: &Path,
    count: u16,
    extra: &str,
) -> String {
    let data = folder.join("data");
    let in_sync = count.div_ceil(2);
    format!(
        "process.roles=broker,controller
node.id={id}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}
auto.create.topics.enable=false
min.insync.replicas={in_sync}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
broker.heartbeat.interval.ms=300
broker.session.timeout.ms=2000
{}
",
        data.display(),
        extra.replace("@port@", &port.to_string()).replace("@controller@", &controller.to_string()),
    )
}
