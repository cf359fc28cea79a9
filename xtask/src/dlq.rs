//! `cargo xtask dlq`: what consumers put aside, looked at and tried again.
//!
//! The services do the work (`--dlq-list`, `--dlq-replay`): each knows its own records and its own store. They are
//! called with the environment of the last `run-all` on the data folder, whichever home that had.

use crate::catalogue;
use crate::failure::{Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::run_all::session::{self, Recipes};
use crate::{shell, workspace};
use std::path::PathBuf;
use std::process::Command;

/// The services that consume events, and the topics each of them follows.
const CONSUMERS: [(&str, &[&str]); 3] = [
    ("product", &["payment-events", "stock-events"]),
    ("basket", &["basket-events"]),
    ("notification", &["payment-events"]),
];

/// List or replay dead letters.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Show what was put aside, and why
    List(ListArgs),
    /// Publish it again, once its cause is mended
    Replay(ReplayArgs),
}

#[derive(clap::Args, Debug)]
struct ListArgs {
    /// Only of this topic, as in `payment-events`
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    #[command(flatten)]
    run: Run,
}

#[derive(clap::Args, Debug)]
#[group(id = "what", required = true)]
struct What {
    /// The dead letters of this topic, as in `payment-events`
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// Those of all topics
    #[arg(long, conflicts_with = "topic")]
    all: bool,
}

#[derive(clap::Args, Debug)]
struct ReplayArgs {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    run: Run,
}

#[derive(clap::Args, Debug)]
struct Run {
    /// Only of this service, as in `product`
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// The data folder of the run [default: target/data/run-all]
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let (topic, run, flags) = match &args.verb {
        Verb::List(list) => (&list.topic, &list.run, listing(list.topic.as_deref())),
        Verb::Replay(replay) => (&replay.what.topic, &replay.run, replaying(replay.what.topic.as_deref())),
    };
    let services = services(topic.as_deref(), run.service.as_deref())?;
    let recipes = session::recipes(&run.data_dir())?;
    let mut failures = Vec::new();
    for service in services {
        say!("{}", paint(Colour::Bold, service));
        if let Err(failure) = call(&recipes, service, &flags) {
            say!("{} {failure}", paint(Colour::Red, "✗"));
            failures.push(service);
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failures.join(", ")))) }
}

impl Run {
    fn data_dir(&self) -> PathBuf {
        let here = std::env::current_dir().unwrap_or_else(|_| workspace::root());
        let named = self.data_dir.as_ref().map(|folder| here.join(folder));
        named.unwrap_or_else(|| workspace::target().join("data/run-all"))
    }
}

fn listing(topic: Option<&str>) -> Vec<String> {
    std::iter::once("--dlq-list").chain(topic).map(str::to_owned).collect()
}

fn replaying(topic: Option<&str>) -> Vec<String> {
    vec!["--dlq-replay".to_owned(), topic.unwrap_or("--all").to_owned()]
}

/// Those that follow the topic; all consumers where none is named.
fn services(topic: Option<&str>, only: Option<&str>) -> Outcome<Vec<&'static str>> {
    if let Some(name) = only {
        catalogue::find(name)?;
    }
    let follows = |topics: &[&str]| topic.is_none_or(|topic| topics.contains(&topic));
    let fitting =
        CONSUMERS.iter().filter(|(name, topics)| follows(topics) && only.is_none_or(|only| only == *name));
    let names: Vec<&str> = fitting.map(|(name, _)| *name).collect();
    if names.is_empty() {
        let known =
            CONSUMERS.map(|(name, topics)| format!("{name} follows {}", topics.join(" and "))).join("; ");
        return Err(Failure::new(format!("nobody consumes that: {known}")));
    }
    Ok(names)
}

fn call(recipes: &Recipes, service: &str, flags: &[String]) -> Outcome {
    let none = || Failure::new(format!("{service} was not part of that run"));
    let (program, variables) = recipes.get(service).ok_or_else(none)?;
    let variables = variables.iter().filter(|(name, _)| *name != "EXIT_WITH_PARENT");
    shell::run(Command::new(program).args(flags).envs(variables))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consumers_of_a_topic_are_asked() {
        assert_eq!(services(Some("payment-events"), None).unwrap(), ["product", "notification"]);
        assert_eq!(services(None, None).unwrap().len(), 3);
        assert_eq!(services(Some("payment-events"), Some("product")).unwrap(), ["product"]);
    }

    #[test]
    fn a_wrong_name_says_who_follows_what() {
        let failure = services(Some("payments"), None).unwrap_err().to_string();
        assert!(failure.contains("notification follows payment-events"), "{failure}");
        assert!(services(None, Some("shipping")).is_err());
        assert!(services(None, Some("gateway")).is_err());
    }

    #[test]
    fn services_are_told_what_to_do() {
        assert_eq!(listing(None), ["--dlq-list"]);
        assert_eq!(listing(Some("stock-events")), ["--dlq-list", "stock-events"]);
        assert_eq!(replaying(Some("stock-events")), ["--dlq-replay", "stock-events"]);
        assert_eq!(replaying(None), ["--dlq-replay", "--all"]);
    }
}
