//! The servers of one test run: those the environment names, and private ones for the rest, gone after the run.

use crate::failure::Outcome;
use crate::paint::say;
use crate::servers::{self, Instance, Kind, Missing, Order, Process, variables};
use crate::shell;
use std::collections::BTreeSet;

pub(super) struct Servers {
    instance: Option<Instance>,
    pub(super) missing: Vec<Missing>,
    pub(super) variables: variables::Variables,
}

impl Servers {
    /// What cannot be had is `missing`; what can and does not start is a failure.
    pub(super) fn start(kinds: &BTreeSet<Kind>) -> Outcome<Self> {
        servers::sweep();
        if kinds.is_empty() {
            return Ok(Self { instance: None, missing: Vec::new(), variables: Vec::new() });
        }
        let (given, wanted): (Vec<Kind>, Vec<Kind>) = kinds.iter().partition(|kind| is_given(**kind));
        for kind in &given {
            say!("  {kind} is where {} says", kind.variable());
        }
        let instance = Instance::unique("test")?;
        let owner = Some(Process::this()?);
        let order = Order { kinds: wanted, brokers: 1, durable: false, owner, env_file: None };
        let mut missing = servers::up(&instance, &order)?;
        missing.extend(untestable(kinds, shell::which("make").is_some()));
        let variables = variables::of(&instance);
        Ok(Self { instance: Some(instance), missing, variables })
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        if let Some(Err(failure)) = self.instance.as_ref().map(Instance::down) {
            say!("{failure}");
        }
    }
}

/// Kafka's tests hold ours against its C client, which is built from its sources.
fn untestable(kinds: &BTreeSet<Kind>, make: bool) -> Option<Missing> {
    let why = "its tests build librdkafka, which needs make: `apt-get install make`";
    (kinds.contains(&Kind::Kafka) && !make).then(|| (Kind::Kafka, why.to_owned()))
}

fn is_given(kind: Kind) -> bool {
    std::env::var_os(kind.variable()).is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_make_kafka_is_named_as_untestable() {
        let kinds = BTreeSet::from([Kind::Kafka, Kind::Postgres]);
        let (kind, why) = untestable(&kinds, false).unwrap();
        assert!(kind == Kind::Kafka && why.contains("apt-get install make"), "{why}");
        assert!(untestable(&kinds, true).is_none());
        assert!(untestable(&BTreeSet::from([Kind::Postgres]), false).is_none());
    }
}
