//! The servers of one test run: those the environment names, and private ones for the rest, gone after the run.
//!
//! What the environment says is never said otherwise. What only we have is added to it: jars of Kafka, certificates for
//! servers that tests start, and a private server where the given one's authority is not known.

use super::supply::{Needs, Supply};
use crate::failure::{Context, Failure, Outcome};
use crate::paint::say;
use crate::servers::variables::{self, Variables};
use crate::servers::{self, Instance, Kind, Missing, Order, Process};
use crate::shell;
use std::collections::BTreeSet;
use std::fs;

const AUTHORITY: &str = "TEST_TLS_CA";

pub(super) struct Servers {
    instance: Option<Instance>,
    pub(super) supply: Supply,
    /// What would help where something is missing.
    pub(super) reasons: Vec<Missing>,
    /// For tests on the servers that are given, and on ours for the rest.
    pub(super) variables: Variables,
    /// For tests on ours alone.
    pub(super) own: Variables,
}

impl Servers {
    /// What cannot be had is missing; what can and does not start is a failure.
    pub(super) fn start(needs: &Needs) -> Outcome<Self> {
        servers::sweep();
        let supply = Supply::default();
        let mut run = Self { instance: None, supply, reasons: vec![], variables: vec![], own: vec![] };
        if needs.servers.is_empty() {
            return Ok(run);
        }
        complete(&environment)?;
        let given =
            needs.servers.iter().copied().filter(|kind| environment(kind.variable()).is_some()).collect();
        run.supply.strangers = strangers(&given, &needs.verified, &environment);
        announce(&given, &run.supply.strangers);
        run.bring(needs, &given)?;
        run.tell(&given)?;
        Ok(run)
    }

    /// Starts ours, and looks for programs where only the tests start some.
    fn bring(&mut self, needs: &Needs, given: &BTreeSet<Kind>) -> Outcome {
        let kinds = needs.servers.difference(given).chain(&self.supply.strangers).copied().collect();
        let order =
            Order { kinds, brokers: 1, durable: false, owner: Some(Process::this()?), env_file: None };
        let mut none = servers::up(self.instance.insert(Instance::unique("test")?), &order)?;
        let mut others: BTreeSet<Kind> = needs.programs.intersection(given).copied().collect();
        others.retain(|kind| !order.kinds.contains(kind));
        none.extend(servers::installed(&others.into_iter().collect::<Vec<_>>())?.1);
        self.supply.no_programs = none.iter().map(|(kind, _)| *kind).collect();
        self.supply.missing = self.supply.no_programs.difference(given).copied().collect();
        self.reasons =
            none.into_iter().map(|(kind, why)| (kind, reason(kind, why, given, &self.supply))).collect();
        let untestable = untestable(&needs.servers, shell::which("make").is_some());
        self.supply.missing.extend(untestable.iter().map(|(kind, _)| *kind));
        self.reasons.extend(untestable);
        Ok(())
    }

    fn tell(&mut self, given: &BTreeSet<Kind>) -> Outcome {
        let Some(instance) = &self.instance else { return Ok(()) };
        self.own = variables::of(instance);
        if given.contains(&Kind::Kafka) && !self.supply.no_programs.contains(&Kind::Kafka) {
            self.own.extend(servers::kafka_jars()?);
        }
        self.variables = told(&self.own, &environment);
        if let Some(given) = environment(AUTHORITY) {
            let theirs = fs::read_to_string(&given).context(|| format!("reading {AUTHORITY}, {given}"))?;
            let both = variables::with_authority(instance, &theirs)?;
            self.variables.push((AUTHORITY.to_owned(), both.display().to_string()));
        }
        Ok(())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        if let Some(Err(failure)) = self.instance.as_ref().map(Instance::down) {
            say!("{failure}");
        }
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A certificate without its key or its authority is of no use, and ours would not fit to it.
fn complete(environment: &dyn Fn(&str) -> Option<String>) -> Outcome {
    let [certificate, key, authority] =
        ["TEST_TLS_CERT", "TEST_TLS_KEY", AUTHORITY].map(|name| environment(name).is_some());
    if certificate == key && (authority || !certificate) {
        return Ok(());
    }
    Err(Failure::new(
        "TEST_TLS_CERT and TEST_TLS_KEY belong together, with the authority that signed them as TEST_TLS_CA",
    ))
}

fn strangers(
    given: &BTreeSet<Kind>,
    verified: &BTreeSet<Kind>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> BTreeSet<Kind> {
    if environment(AUTHORITY).is_some() { BTreeSet::new() } else { given & verified }
}

/// What is set stays as it is. Another authority is not replaced but joined by ours.
fn told(own: &Variables, environment: &dyn Fn(&str) -> Option<String>) -> Variables {
    own.iter().filter(|(name, _)| environment(name).is_none()).cloned().collect()
}

fn announce(given: &BTreeSet<Kind>, strangers: &BTreeSet<Kind>) {
    for kind in given {
        say!("  {kind} is where {} says", kind.variable());
    }
    for kind in strangers {
        say!(
            "  {AUTHORITY} does not say who signed the certificate of {kind}: tests of that run on one of ours"
        );
    }
}

/// That it be named by its variable does not help where it is.
fn reason(kind: Kind, why: String, given: &BTreeSet<Kind>, supply: &Supply) -> String {
    if !given.contains(&kind) {
        return why;
    }
    let or = if supply.strangers.contains(&kind) { format!(", or set {AUTHORITY}") } else { String::new() };
    format!("is given, and some tests start one of their own, which {}{or}", servers::needed(kind))
}

/// Kafka's tests hold ours against its C client, which is built from its sources.
fn untestable(kinds: &BTreeSet<Kind>, make: bool) -> Option<Missing> {
    let why = "its tests build librdkafka, which needs make: `apt-get install make`";
    (kinds.contains(&Kind::Kafka) && !make).then(|| (Kind::Kafka, why.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set<'a>(names: &'a [&str]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| names.contains(&name).then(|| "theirs".to_owned())
    }

    #[test]
    fn what_the_environment_says_stays() {
        let ours = ["TEST_POSTGRES_URL", "TEST_KAFKA_CLASSPATH", "TEST_TLS_CERT"];
        let ours: Variables = ours.map(|name| (name.to_owned(), "ours".to_owned())).into();
        let told = told(&ours, &set(&["TEST_POSTGRES_URL", "TEST_TLS_CERT"]));
        assert_eq!(told, [("TEST_KAFKA_CLASSPATH".to_owned(), "ours".to_owned())]);
    }

    #[test]
    fn a_given_server_is_a_stranger_unless_its_authority_is_named() {
        let kinds = BTreeSet::from([Kind::Postgres, Kind::Redis]);
        let verified = BTreeSet::from([Kind::Postgres, Kind::MariaDb]);
        assert_eq!(strangers(&kinds, &verified, &set(&[])), BTreeSet::from([Kind::Postgres]));
        assert!(strangers(&kinds, &verified, &set(&[AUTHORITY])).is_empty());
    }

    #[test]
    fn a_certificate_comes_with_its_key_and_its_authority() {
        for whole in [&[][..], &[AUTHORITY], &[AUTHORITY, "TEST_TLS_CERT", "TEST_TLS_KEY"]] {
            complete(&set(whole)).unwrap();
        }
        for part in [&["TEST_TLS_KEY"][..], &["TEST_TLS_CERT", "TEST_TLS_KEY"], &[AUTHORITY, "TEST_TLS_CERT"]]
        {
            assert!(complete(&set(part)).unwrap_err().to_string().contains("belong together"), "{part:?}");
        }
    }

    #[test]
    fn where_a_server_is_given_its_variable_is_no_advice() {
        let given = BTreeSet::from([Kind::Postgres]);
        let supply = Supply { strangers: given.clone(), ..Supply::default() };
        let text = reason(Kind::Postgres, "w".to_owned(), &given, &supply);
        assert!(
            text.contains("apt-get install postgresql") && text.ends_with("or set TEST_TLS_CA"),
            "{text}"
        );
        assert!(!text.contains("TEST_POSTGRES_URL"), "{text}");
        assert_eq!(reason(Kind::Redis, "w".to_owned(), &given, &supply), "w");
    }

    #[test]
    fn without_make_kafka_is_named_as_untestable() {
        let kinds = BTreeSet::from([Kind::Kafka, Kind::Postgres]);
        let (kind, why) = untestable(&kinds, false).unwrap();
        assert!(kind == Kind::Kafka && why.contains("apt-get install make"), "{why}");
        assert!(untestable(&kinds, true).is_none());
        assert!(untestable(&BTreeSet::from([Kind::Postgres]), false).is_none());
    }
}
