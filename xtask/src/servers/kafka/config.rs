//! The settings of a broker.

use std::path::Path;

pub(super) struct Broker {
    pub(super) id: u16,
    pub(super) port: u16,
    pub(super) tls_port: u16,
    pub(super) controller_port: u16,
}

impl Broker {
    pub(super) fn new(id: u16, ports: &[u16]) -> Self {
        Self { id, port: ports[0], tls_port: ports[1], controller_port: ports[2] }
    }
}

/// A plain listener, and one with TLS and a user known by PLAIN and by SCRAM.
pub(super) fn properties(
    broker: &Broker,
    all: &[Broker],
    durable: bool,
    data: &Path,
    keystore: &Path,
    (user, password): (&str, &str),
) -> String {
    const JAAS: &str = "org.apache.kafka.common.security";
    let listener = |name: &str, port: u16| format!("{name}://127.0.0.1:{port}");
    let clients = [listener("PLAINTEXT", broker.port), listener("SASL_SSL", broker.tls_port)].join(",");
    let voters = all.iter().map(|voter| format!("{}@127.0.0.1:{}", voter.id, voter.controller_port));
    let replicas = all.len().min(3);
    let in_sync = if all.len() < 3 { 1 } else { 2 };
    let mut lines = vec![
        "process.roles=broker,controller".to_owned(),
        format!("node.id={}", broker.id),
        format!("controller.quorum.voters={}", voters.collect::<Vec<_>>().join(",")),
        "controller.listener.names=CONTROLLER".to_owned(),
        format!("listeners={clients},{}", listener("CONTROLLER", broker.controller_port)),
        format!("advertised.listeners={clients}"),
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL"
            .to_owned(),
        "inter.broker.listener.name=PLAINTEXT".to_owned(),
        format!("log.dirs={}", data.display()),
        // Topics are declared, with their partitions; a typing error is no topic.
        "auto.create.topics.enable=false".to_owned(),
        format!("default.replication.factor={replicas}"),
        format!("min.insync.replicas={in_sync}"),
        format!("offsets.topic.replication.factor={replicas}"),
        "offsets.topic.num.partitions=4".to_owned(),
        format!("transaction.state.log.replication.factor={replicas}"),
        format!("transaction.state.log.min.isr={in_sync}"),
        "transaction.state.log.num.partitions=4".to_owned(),
        format!("share.coordinator.state.topic.replication.factor={replicas}"),
        format!("share.coordinator.state.topic.min.isr={in_sync}"),
        "group.initial.rebalance.delay.ms=0".to_owned(),
        "log.cleaner.dedupe.buffer.size=16777216".to_owned(),
        "ssl.keystore.type=PEM".to_owned(),
        format!("ssl.keystore.location={}", keystore.display()),
        "listener.name.sasl_ssl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256".to_owned(),
        format!(
            "listener.name.sasl_ssl.plain.sasl.jaas.config={JAAS}.plain.PlainLoginModule required \
             user_{user}=\"{password}\";"
        ),
        format!(
            "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config={JAAS}.scram.ScramLoginModule required;"
        ),
    ];
    if !durable {
        // A broker that was killed is missed sooner than by default.
        lines.extend(
            ["broker.session.timeout.ms=4000", "broker.heartbeat.interval.ms=500"].map(str::to_owned),
        );
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_brokers_keep_three_copies_and_elect_each_other() {
        let all: Vec<Broker> =
            [1, 2, 3].map(|id| Broker::new(id, &[id * 10, id * 10 + 1, id * 10 + 2])).into();
        let text = properties(&all[1], &all, true, Path::new("/d"), Path::new("/k"), ("test", "secret"));
        let has = |line: &str| assert!(text.lines().any(|found| found == line), "no `{line}` in\n{text}");
        has("node.id=2");
        has("controller.quorum.voters=1@127.0.0.1:12,2@127.0.0.1:22,3@127.0.0.1:32");
        has("listeners=PLAINTEXT://127.0.0.1:20,SASL_SSL://127.0.0.1:21,CONTROLLER://127.0.0.1:22");
        has("default.replication.factor=3");
        has("min.insync.replicas=2");
    }

    #[test]
    fn a_single_broker_keeps_one() {
        let all = [Broker::new(1, &[10, 11, 12])];
        let text = properties(&all[0], &all, false, Path::new("/d"), Path::new("/k"), ("test", "secret"));
        assert!(text.contains("\nmin.insync.replicas=1\n") && text.contains("replication.factor=1\n"));
    }
}
