//! `cargo xtask servers up` and `down`.

use super::instance::{self, DEFAULT, Instance};
use super::kind::Kind;
use super::process::Process;
use super::provision::{self, Order};
use super::variables;
use crate::failure::{Failure, Outcome};
use crate::paint::{Colour, paint, say};
use std::path::PathBuf;
use std::time::Instant;

/// Start servers that stay until `down`, and write where they are to target/servers/env.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Only these, as in `postgres,kafka`
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    only: Vec<Kind>,
    /// What to call this set of servers, to have several
    #[arg(long, default_value = DEFAULT, value_name = "NAME", value_parser = name)]
    name: String,
    /// How many brokers of Kafka: 1 or 3
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=3))]
    brokers: u16,
    /// Where to write the variables for tests [default: target/servers/env, or env in the folder of another name]
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// End them with this process, as tests do that start their own
    #[arg(long, value_name = "PID")]
    owner: Option<u32>,
    /// Keep every acknowledged write over a crash of the machine, as deployments do, instead of being fast
    #[arg(long)]
    durable: bool,
}

/// End servers and remove their data.
#[derive(clap::Args, Debug)]
pub(super) struct DownArgs {
    /// Which servers
    #[arg(long, default_value = DEFAULT, value_name = "NAME")]
    name: String,
    /// All that were started by `servers up`
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

pub(super) fn run(args: &Args) -> Outcome {
    instance::sweep();
    let begun = Instant::now();
    let instance = Instance::named(&args.name);
    let about = instance.about();
    let file = args.env_file.clone().or_else(|| about.as_ref().and_then(|about| about.env_file.clone()));
    let file = file.unwrap_or_else(|| usual_file(&instance));
    let order = Order {
        kinds: if args.only.is_empty() { Kind::ALL.to_vec() } else { args.only.clone() },
        brokers: args.brokers,
        durable: args.durable || about.as_ref().is_some_and(|about| about.durable),
        owner: args.owner.map(Process::of).transpose()?,
        env_file: Some(std::path::absolute(&file).unwrap_or(file)),
    };
    let missing = provision::up(&instance, &order)?;
    if let Some(file) = &order.env_file {
        variables::write(file, &variables::of(&instance))?;
        say!("  written: {}", file.display());
    }
    for (kind, why) in &missing {
        say!("  {} {:<13} {why}", paint(Colour::Yellow, "–"), kind.name());
    }
    say!("{} up in {:.1} s", paint(Colour::Green, "✓"), begun.elapsed().as_secs_f32());
    if args.only.is_empty() || missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|(kind, _)| kind.name()).collect();
    Err(Failure::new(format!("cannot be had: {}", names.join(", "))))
}

pub(super) fn down(args: &DownArgs) -> Outcome {
    instance::sweep();
    let mut all = if args.all { instance::all() } else { vec![Instance::named(&args.name).there()?] };
    if args.all {
        all.retain(|instance| instance.about().is_some_and(|about| about.owner.is_none()));
    }
    for instance in all {
        not_in_a_run(&instance)?;
        instance.remove()?;
        say!("{} {} is gone", paint(Colour::Green, "✓"), instance.name);
    }
    Ok(())
}

/// Services that write to them would be left without.
fn not_in_a_run(instance: &Instance) -> Outcome {
    let about = instance.about().filter(|about| about.durable);
    let owner = about.and_then(|about| about.owner).filter(Process::alive);
    let used = |owner: Process| {
        let name = &instance.name;
        Failure::new(format!("the servers of {name} are in use by process {}; stop that first", owner.pid))
    };
    owner.map_or(Ok(()), |owner| Err(used(owner)))
}

fn usual_file(instance: &Instance) -> PathBuf {
    if instance.name == DEFAULT { variables::usual_file() } else { instance.folder.join("env") }
}

/// It becomes the name of a folder, beside folders of ours.
fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let ours = text == "ports" || text == "env" || text.starts_with("kafka-");
    if text.is_empty() || text.starts_with('.') || !text.chars().all(fits) || ours {
        return Err(
            "letters, digits, `-`, `_` and `.` make a name; ports, env and kafka-… are taken".to_owned()
        );
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_a_run_are_left_to_it() {
        let parent = tempfile::tempdir().unwrap();
        let instance = Instance::at(&parent.path().join("x"));
        let describe = |durable| {
            let owner = Some(Process::this().unwrap());
            instance.describe(&instance::About { durable, owner, env_file: None }).unwrap();
        };
        describe(true);
        assert!(not_in_a_run(&instance).unwrap_err().to_string().contains("in use by process"));
        describe(false);
        assert!(not_in_a_run(&instance).is_ok());
    }

    #[test]
    fn names_are_names_of_folders_and_not_ours() {
        assert!(name("dev").is_ok() && name("test-1a_b.c").is_ok());
        for wrong in ["", "../x", "a b", ".hidden", "ports", "env", "kafka-4.1.1"] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }
}
