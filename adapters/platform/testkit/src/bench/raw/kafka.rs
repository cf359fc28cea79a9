//! Apache Kafka, by the performance tools that come with it.

use std::{io::Write as _, process::Command};

use super::{Limit, Raw, found, output, which};
use crate::{
    bench::{BoxError, Plan},
    servers,
};

/// Records for a start-up of the tool's to be lost in, per record that a bench measures with.
const TIMES: u32 = 10;

/// `ProducerPerformance`, with acknowledgements from all replicas.
pub struct KafkaProducer {
    /// `host:port` of brokers.
    pub brokers: String,
    /// Where the records go.
    pub topic: String,
    /// What they hold, one after the other, without line breaks.
    pub payloads: Vec<String>,
}

/// `ConsumerPerformance`, over what [`KafkaProducer`] wrote.
pub struct KafkaConsumer {
    /// `host:port` of brokers.
    pub brokers: String,
    /// What is read.
    pub topic: String,
}

impl Raw for KafkaProducer {
    fn run(&self, plan: &Plan) -> Result<Limit, BoxError> {
        let Some(mut java) = java("org.apache.kafka.tools.ProducerPerformance") else { return Ok(missing()) };
        let mut payloads = tempfile::NamedTempFile::new()?;
        payloads.write_all(self.payloads.join("\n").as_bytes())?;
        let records = plan.events.saturating_mul(TIMES).to_string();
        java.args(["--topic", &self.topic, "--num-records", &records, "--throughput", "-1"]);
        java.arg("--payload-file").arg(payloads.path());
        java.arg("--producer-props").arg(format!("bootstrap.servers={}", self.brokers));
        let text = output(java.args(["acks=all", "compression.type=lz4"]))?;
        found("ProducerPerformance", produced(&text), &text)
    }
}

impl Raw for KafkaConsumer {
    fn run(&self, plan: &Plan) -> Result<Limit, BoxError> {
        let Some(mut java) = java("org.apache.kafka.tools.ConsumerPerformance") else { return Ok(missing()) };
        let records = plan.events.saturating_mul(TIMES).to_string();
        java.args(["--bootstrap-server", &self.brokers, "--topic", &self.topic, "--messages", &records]);
        let text = output(java.args(["--hide-header", "--timeout", "20000"]))?;
        found("ConsumerPerformance", consumed(&text), &text)
    }
}

fn java(tool: &str) -> Option<Command> {
    let classpath = servers::read("TEST_KAFKA_CLASSPATH").ok()?;
    let mut java = Command::new(which("java")?);
    java.args(["-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", &classpath, tool]);
    Some(java)
}

fn missing() -> Limit {
    let get =
        "a Java and TEST_KAFKA_CLASSPATH, the jars of kafka-tools: `cargo xtask servers up --only kafka`";
    Limit::Missing(get.to_owned())
}

/// The last line is over all records; those before it are of five seconds each.
fn produced(text: &str) -> Option<f64> {
    let line = text.lines().rfind(|line| line.contains(" records sent, "))?;
    line.split(" records sent, ").nth(1)?.split_whitespace().next()?.parse().ok()
}

/// The last column: records per second of fetching, without the wait for the group.
fn consumed(text: &str) -> Option<f64> {
    let line = text.lines().rfind(|line| line.split(", ").count() == 10)?;
    line.rsplit(", ").next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producers_rate_is_that_of_all_records() {
        let text = "50000 records sent, 9999.0 records/sec (5.7 MB/sec), 10.0 ms avg latency\n\
                    200000 records sent, 154321.0 records/sec (88.3 MB/sec), 12.3 ms avg latency, 300 ms max\n";
        assert_eq!(produced(text), Some(154_321.0));
        assert_eq!(produced("usage"), None);
    }

    #[test]
    fn a_consumers_rate_is_that_of_fetching() {
        let text = "2026-01-01 00:00:00:000, 2026-01-01 00:00:04:000, 114.4409, 28.6, 200000, 50000.0, 3100, \
                    900, 127.1566, 222222.2222\n";
        assert_eq!(consumed(text), Some(222_222.222_2));
        assert_eq!(consumed("WARNING: Exiting before consuming"), None);
    }
}
