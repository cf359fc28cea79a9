//! The topics of `ops/kafka/topics.toml`: created where they are missing, compared where they are there.

use crate::failure::{Context, Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::{shell, workspace};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

/// The brokers to provide them on, and how to run a tool of Kafka.
pub(in crate::servers) struct Target<'a> {
    pub(in crate::servers) bootstrap: String,
    pub(in crate::servers) brokers: u32,
    /// Goes before each name.
    pub(in crate::servers) prefix: String,
    /// Properties of a client, for brokers that ask who one is.
    pub(in crate::servers) client: Option<PathBuf>,
    pub(in crate::servers) tool: &'a (dyn Fn() -> Outcome<Command> + Sync),
}

/// What a topic is to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Topic {
    name: String,
    partitions: u32,
    replication: u32,
    settings: BTreeMap<String, String>,
}

/// What it is like.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    partitions: u32,
    settings: BTreeMap<String, String>,
}

/// Creates what is missing and corrects settings; a wrong number of partitions is refused, as it cannot be corrected.
pub(in crate::servers) fn provide(target: &Target<'_>) -> Outcome {
    let wanted = declared(target.brokers, &target.prefix)?;
    let seen = described(&shell::output(target.topics(["--describe"])?.env_remove("KAFKA_OPTS"))?);
    let wrong: Vec<String> =
        wanted.iter().filter_map(|topic| refused(topic, seen.get(&topic.name)?)).collect();
    if !wrong.is_empty() {
        return Err(Failure::new(wrong.join("\n       ")));
    }
    let done = thread::scope(|scope| {
        let provide = |topic: &Topic| {
            let (topic, seen) = (topic.clone(), seen.get(&topic.name));
            scope.spawn(move || target.provide_one(&topic, seen))
        };
        let threads: Vec<_> = wanted.iter().map(provide).collect();
        let crashed = || Err(Failure::new("providing a topic panicked"));
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| crashed()))
            .collect::<Outcome<Vec<_>>>()
    })?;
    for (topic, what) in wanted.iter().zip(done) {
        let Topic { name, partitions, replication, .. } = topic;
        say!(
            "  {} {name:<24} {partitions} partitions, {replication} copies  {what}",
            paint(Colour::Green, "✓")
        );
    }
    Ok(())
}

impl Target<'_> {
    fn provide_one(&self, topic: &Topic, seen: Option<&Seen>) -> Outcome<&'static str> {
        match seen {
            None => shell::output(&mut self.create(topic)?).map(|_| "created"),
            Some(seen) if differs(topic, seen) => {
                shell::output(&mut self.alter(topic)?).map(|_| "settings corrected")
            }
            Some(_) => Ok("there already"),
        }
    }

    fn create(&self, topic: &Topic) -> Outcome<Command> {
        let mut command = self.topics(["--create", "--if-not-exists"])?;
        command.args(["--topic", &topic.name, "--partitions", &topic.partitions.to_string()]);
        command.args(["--replication-factor", &topic.replication.to_string()]);
        for (name, value) in &topic.settings {
            command.arg("--config").arg(format!("{name}={value}"));
        }
        Ok(command)
    }

    fn alter(&self, topic: &Topic) -> Outcome<Command> {
        let settings: Vec<String> =
            topic.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut command =
            self.command("kafka.admin.ConfigCommand", ["--alter", "--entity-type", "topics"])?;
        command.args(["--entity-name", &topic.name, "--add-config", &settings.join(",")]);
        Ok(command)
    }

    fn topics<const N: usize>(&self, arguments: [&str; N]) -> Outcome<Command> {
        self.command("org.apache.kafka.tools.TopicCommand", arguments)
    }

    fn command<const N: usize>(&self, class: &str, arguments: [&str; N]) -> Outcome<Command> {
        let mut command = (self.tool)()?;
        command.arg(class).args(["--bootstrap-server", &self.bootstrap]);
        if let Some(file) = &self.client {
            command.arg("--command-config").arg(file);
        }
        command.args(arguments);
        Ok(command)
    }
}

fn refused(topic: &Topic, seen: &Seen) -> Option<String> {
    let Topic { name, partitions, .. } = topic;
    (seen.partitions != *partitions).then(|| {
        format!(
            "topic {name} has {} partitions and needs {partitions}; another number sends keys elsewhere, so create \
             it anew, or declare what is there in ops/kafka/topics.toml",
            seen.partitions
        )
    })
}

fn differs(topic: &Topic, seen: &Seen) -> bool {
    topic.settings.iter().any(|(name, value)| seen.settings.get(name) != Some(value))
}

/// From lines such as `Topic: x  TopicId: …  PartitionCount: 6  ReplicationFactor: 1  Configs: a=b,c=d`, with tabs between.
fn described(text: &str) -> BTreeMap<String, Seen> {
    let topics = text.lines().filter(|line| line.starts_with("Topic: ")).filter_map(|line| {
        let fields: BTreeMap<&str, &str> =
            line.split('\t').filter_map(|field| field.trim().split_once(':')).collect();
        let field = |name: &str| fields.get(name).map(|value| value.trim());
        let settings =
            field("Configs").unwrap_or_default().split(',').filter_map(|pair| pair.split_once('='));
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some((
            field("Topic")?.to_owned(),
            Seen { partitions: field("PartitionCount")?.parse().ok()?, settings },
        ))
    });
    topics.collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    defaults: Defaults,
    topics: Vec<Declaration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    replication: u32,
    min_insync_replicas: u32,
    retention_ms: u64,
    #[serde(default)]
    config: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    name: String,
    partitions: u32,
    replication: Option<u32>,
    min_insync_replicas: Option<u32>,
    retention_ms: Option<u64>,
    #[serde(default)]
    config: BTreeMap<String, String>,
}

fn declared(brokers: u32, prefix: &str) -> Outcome<Vec<Topic>> {
    let path = workspace::root().join("ops/kafka/topics.toml");
    let doing = || format!("reading {}", path.display());
    let file: File = toml::from_str(&fs::read_to_string(&path).context(doing)?).context(doing)?;
    let File { defaults, topics } = file;
    Ok(topics.into_iter().map(|topic| topic.on(brokers, prefix, &defaults)).collect())
}

impl Declaration {
    /// Where there are too few brokers for the declared copies, there is one.
    fn on(self, brokers: u32, prefix: &str, defaults: &Defaults) -> Topic {
        let copies = self.replication.unwrap_or(defaults.replication);
        let in_sync = self.min_insync_replicas.unwrap_or(defaults.min_insync_replicas);
        let (replication, in_sync) = if brokers >= copies { (copies, in_sync) } else { (1, 1) };
        let retention = self.retention_ms.unwrap_or(defaults.retention_ms);
        let own = [("min.insync.replicas", in_sync.to_string()), ("retention.ms", retention.to_string())];
        let mut settings = defaults.config.clone();
        settings.extend(own.map(|(name, value)| (name.to_owned(), value)));
        settings.extend(self.config);
        Topic { name: format!("{prefix}{}", self.name), partitions: self.partitions, replication, settings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_follow_the_number_of_brokers() {
        let first = |brokers| declared(brokers, "").unwrap().remove(0);
        assert_eq!((first(3).replication, first(1).replication), (3, 1));
        assert_eq!(
            (&*first(3).settings["min.insync.replicas"], &*first(1).settings["min.insync.replicas"]),
            ("2", "1")
        );
    }

    #[test]
    fn a_prefix_goes_before_every_name_and_dead_letters_are_kept_longer() {
        let topics = declared(1, "t-").unwrap();
        assert!(topics.iter().all(|topic| topic.name.starts_with("t-")));
        let retention = |name: &str| {
            let topic = topics.iter().find(|topic| topic.name == name).unwrap();
            topic.settings["retention.ms"].parse::<u64>().unwrap()
        };
        assert!(retention("t-payment-events.dlq") > retention("t-payment-events"));
    }

    #[test]
    fn what_is_there_is_read_and_compared() {
        let text = "Topic: a\tTopicId: kN\tPartitionCount: 6\tReplicationFactor: 1\tConfigs: min.insync.replicas=1,x=2\n\
                    \tTopic: a\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\n\
                    Topic: b\tTopicId: kM\tPartitionCount: 1\tReplicationFactor: 1\tConfigs: \n";
        let seen = described(text);
        assert_eq!(seen.len(), 2);
        let mut wanted = Topic {
            name: "a".to_owned(),
            partitions: 6,
            replication: 1,
            settings: BTreeMap::from([("x".to_owned(), "2".to_owned())]),
        };
        assert!(refused(&wanted, &seen["a"]).is_none() && !differs(&wanted, &seen["a"]));
        assert!(differs(&wanted, &seen["b"]));
        wanted.partitions = 12;
        let refusal = refused(&wanted, &seen["a"]).unwrap();
        assert!(refusal.contains("topic a has 6 partitions and needs 12"), "{refusal}");
    }
}
