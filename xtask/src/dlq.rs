//! `cargo xtask dlq`: what consumers put aside, looked at and tried again.
//!
//! The services do the work (`--dlq-list`, `--dlq-replay`): each knows its own records and its own store. They are
//! called with the environment of the last `run-all` on the data folder, whichever home that had.

use crate::catalogue;
use crate::failure::{Context, Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::run_all::session::{self, Recipe, Recipes};
use crate::shell;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a binary that consumes events has among its flags.
const FLAG: &str = "--dlq-list";
/// How a consumer answers that is asked for a topic of others.
const OTHERS: &str = "does not consume";

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
    let (run, flags) = match &args.verb {
        Verb::List(list) => (&list.run, listing(list.topic.as_deref())),
        Verb::Replay(replay) => (&replay.run, replaying(replay.what.topic.as_deref())),
    };
    let recipes = session::recipes(&run.data_dir())?;
    let (mut failures, mut others, mut done) = (Vec::new(), Vec::new(), false);
    for (service, recipe) in consumers(&recipes, run.service.as_deref())? {
        match ask(recipe, &flags)? {
            Answer::Others(words) => others.push(words),
            Answer::Done(said) => {
                done = true;
                say!("{}\n{said}", paint(Colour::Bold, service));
            }
            Answer::Failed(said) => {
                failures.push(service);
                say!("{}\n{said}\n{} failed", paint(Colour::Bold, service), paint(Colour::Red, "✗"));
            }
        }
    }
    match (failures.is_empty(), done) {
        (false, _) => Err(Failure::new(format!("failed: {}", failures.join(", ")))),
        (true, false) => Err(Failure::new(format!("nobody consumes that: {}", others.join(". ")))),
        (true, true) => Ok(()),
    }
}

impl Run {
    fn data_dir(&self) -> PathBuf {
        session::folder(self.data_dir.as_deref())
    }
}

fn listing(topic: Option<&str>) -> Vec<String> {
    std::iter::once(FLAG).chain(topic).map(str::to_owned).collect()
}

fn replaying(topic: Option<&str>) -> Vec<String> {
    vec!["--dlq-replay".to_owned(), topic.unwrap_or("--all").to_owned()]
}

/// Those of the run whose binaries know of dead letters. Which topics they follow is for them to say.
fn consumers<'a>(recipes: &'a Recipes, only: Option<&str>) -> Outcome<Vec<(&'a str, &'a Recipe)>> {
    if let Some(name) = only {
        catalogue::find(name)?;
        if !recipes.contains_key(name) {
            return Err(Failure::new(format!("{name} was not part of that run")));
        }
    }
    let mut consumers = Vec::new();
    for (name, recipe) in recipes.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        if shell::output(Command::new(&recipe.0).arg("--help"))?.contains(FLAG) {
            consumers.push((name.as_str(), recipe));
        }
    }
    let none = || format!("{} consumes no events", only.unwrap_or("no service of that run"));
    if consumers.is_empty() { Err(Failure::new(none())) } else { Ok(consumers) }
}

/// What a consumer says to it.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done(String),
    /// The topic is not among its own.
    Others(String),
    Failed(String),
}

fn ask((program, variables): &Recipe, flags: &[String]) -> Outcome<Answer> {
    let variables = variables.iter().filter(|(name, _)| *name != "EXIT_WITH_PARENT");
    let mut command = Command::new(program);
    command.args(flags).envs(variables).stdin(Stdio::null());
    let output = command.output().context(|| format!("starting {}", program.display()))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (printed, complaint) = (said(&output.stdout), said(&output.stderr));
    let all = [printed, complaint].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    Ok(match output.status.success() {
        true => Answer::Done(all),
        false if all.contains(OTHERS) => Answer::Others(words(&all)),
        false => Answer::Failed(all),
    })
}

/// What a service says of its failure, without the rest of the log.
fn words(log: &str) -> String {
    log.rsplit_once("error: ").map_or(log, |(_, words)| words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;
    use std::collections::BTreeMap;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    /// A binary with that line for its answer to anything but `--help`.
    fn recipe(folder: &Path, name: &str, flags: &str, answer: &str) -> (String, Recipe) {
        let program = folder.join(name);
        let script = format!("#!/bin/sh\n[ \"$1\" = --help ] && {{ echo '{flags}'; exit 0; }}\n{answer}\n");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        (name.to_owned(), (program, BTreeMap::from([("TOPIC".to_owned(), "own".to_owned())])))
    }

    #[test]
    fn binaries_say_whether_they_consume() {
        let folder = tempfile::tempdir().unwrap();
        let product = recipe(folder.path(), "product", "--dlq-list [TOPIC]", "");
        let recipes = Recipes::from([product, recipe(folder.path(), "gateway", "--version", "")]);
        let names =
            |only| consumers(&recipes, only).map(|found| found.iter().map(|one| one.0).collect::<Vec<_>>());
        assert_eq!(names(None).unwrap(), ["product"]);
        assert_eq!(names(Some("product")).unwrap(), ["product"]);
        assert_eq!(names(Some("gateway")).unwrap_err().to_string(), "gateway consumes no events");
        assert_eq!(names(Some("basket")).unwrap_err().to_string(), "basket was not part of that run");
        assert!(names(Some("shipping")).unwrap_err().to_string().contains("there are provider"));
    }

    #[test]
    fn binaries_judge_the_topic() {
        let folder = tempfile::tempdir().unwrap();
        let script = "[ \"$2\" = $TOPIC ] && echo 2 letters && exit 0; [ \"$2\" = down ] && exit 1; \
                      echo \"ERRO service failed, error: it does not consume $2\" >&2; exit 1";
        let (_, recipe) = recipe(folder.path(), "product", "", script);
        let answer = |topic| ask(&recipe, &listing(Some(topic))).unwrap();
        assert_eq!(answer("own"), Answer::Done("2 letters".to_owned()));
        assert_eq!(answer("new"), Answer::Others("it does not consume new".to_owned()));
        assert_eq!(answer("down"), Answer::Failed(String::new()));
    }

    #[test]
    fn the_words_of_a_refusal_are_those_of_the_services() {
        let source = workspace::root().join("adapters/platform/messaging/src/dead_letters/mod.rs");
        assert!(fs::read_to_string(source).unwrap().contains(OTHERS));
    }

    #[test]
    fn services_are_told_what_to_do() {
        assert_eq!(listing(None), ["--dlq-list"]);
        assert_eq!(listing(Some("stock-events")), ["--dlq-list", "stock-events"]);
        assert_eq!(replaying(Some("stock-events")), ["--dlq-replay", "stock-events"]);
        assert_eq!(replaying(None), ["--dlq-replay", "--all"]);
    }
}
