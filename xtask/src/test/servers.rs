//! The servers of one test run: those the environment names, and private ones for the rest, gone after the run.

use crate::failure::Outcome;
use crate::paint::say;
use crate::servers::{self, Instance, Kind, Missing, Order, Process, variables};
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
        let missing = servers::up(&instance, &order)?;
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

fn is_given(kind: Kind) -> bool {
    std::env::var_os(kind.variable()).is_some_and(|value| !value.is_empty())
}
