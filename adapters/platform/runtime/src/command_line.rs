//! The few flags a service has.

use std::fmt::Write as _;

use serde_json::json;

use crate::{About, Variable};

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run the service.
    Serve,
    /// Run the job of that flag, with its argument, and end.
    Job(&'static str, Option<String>),
    /// Print this and end well.
    Print(String),
    /// Print this to standard error and end with 2.
    Refuse(String),
}

/// A flag that makes the binary do one thing and end, instead of serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JobFlag {
    /// `--migrate-only`.
    pub(crate) flag: &'static str,
    /// What follows it.
    pub(crate) argument: JobArgument,
    /// One line.
    pub(crate) description: &'static str,
}

/// What follows a job's flag, with its name in the help: `TOPIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobArgument {
    /// Nothing.
    None,
    /// One argument, or none.
    Optional(&'static str),
    /// One argument.
    Required(&'static str),
}

pub(crate) fn parse(
    about: &About,
    variables: &[Variable],
    jobs: &[JobFlag],
    arguments: &[String],
) -> Command {
    let Some((flag, rest)) = arguments.split_first() else { return Command::Serve };
    let job = jobs.iter().find(|job| job.flag == flag);
    match (flag.as_str(), job, rest) {
        ("--help" | "-h", _, []) => Command::Print(help(about, variables, jobs)),
        ("--version" | "-V", _, []) => Command::Print(format!("{} {}", about.name, about.version)),
        ("--config-schema", _, []) => Command::Print(schema(about, variables)),
        (_, Some(JobFlag { flag, argument: JobArgument::Required(name), .. }), []) => {
            Command::Refuse(format!("{}: `{flag}` needs {name}; try `--help`", about.name))
        }
        (_, Some(JobFlag { flag, .. }), []) => Command::Job(flag, None),
        (
            _,
            Some(JobFlag { flag, argument: JobArgument::Optional(_) | JobArgument::Required(_), .. }),
            [value],
        ) => Command::Job(flag, Some(value.clone())),
        (
            _,
            Some(JobFlag { argument: JobArgument::Optional(_) | JobArgument::Required(_), .. }),
            [_, extra, ..],
        ) => refuse(about, extra),
        (_, _, [second, ..]) => refuse(about, second),
        (other, None, []) => refuse(about, other),
    }
}

fn refuse(about: &About, argument: &str) -> Command {
    Command::Refuse(format!("{}: unknown argument `{argument}`; try `--help`", about.name))
}

fn help(about: &About, variables: &[Variable], jobs: &[JobFlag]) -> String {
    let mut text = format!("{} {}: {}\n\n", about.name, about.version, about.description);
    text.push_str("Usage: no arguments to serve, or one of --help, --version, --config-schema");
    text.push_str(if jobs.is_empty() { "\n" } else { ", or a job:\n" });
    for JobFlag { flag, argument, description } in jobs {
        let usage = match argument {
            JobArgument::None => (*flag).to_owned(),
            JobArgument::Optional(name) => format!("{flag} [{name}]"),
            JobArgument::Required(name) => format!("{flag} {name}"),
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "  {usage:26}{description}");
    }
    text.push_str("\nEnvironment:\n");
    let names = variables.iter().map(|variable| variable.name.len()).max().unwrap_or(0);
    let defaults = variables.iter().map(|variable| shown(variable).len()).max().unwrap_or(0);
    for variable in variables {
        let Variable { name, allowed, description, .. } = variable;
        let default = shown(variable);
        let _ = writeln!(text, "  {name:names$}  {default:defaults$}  {description} ({allowed})");
    }
    text.push_str("\nAn empty variable counts as not set.");
    text
}

fn shown(variable: &Variable) -> &str {
    variable.default.as_deref().unwrap_or("-")
}

fn schema(about: &About, variables: &[Variable]) -> String {
    let variables: Vec<_> = variables
        .iter()
        .map(|variable| {
            json!({
                "name": variable.name,
                "type": variable.kind,
                "default": variable.default,
                "allowed": variable.allowed,
                "description": variable.description,
                "secret": variable.secret,
            })
        })
        .collect();
    format!("{:#}", json!({ "service": about.name, "version": about.version, "variables": variables }))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{CommonConfig, Settings};

    const JOBS: [JobFlag; 3] = [
        JobFlag { flag: "--migrate-only", argument: JobArgument::None, description: "prepares the store" },
        JobFlag {
            flag: "--dlq-list",
            argument: JobArgument::Optional("TOPIC"),
            description: "shows dead letters",
        },
        JobFlag {
            flag: "--dlq-replay",
            argument: JobArgument::Required("TOPIC"),
            description: "tries them again",
        },
    ];

    const ABOUT: About = About { name: "test-service", version: "1.2.3", description: "Tests" };

    fn run(arguments: &[&str]) -> Command {
        let mut settings = Settings::from_pairs([]);
        CommonConfig::declare(&mut settings, 8080);
        settings.secret("DB_PASSWORD", "password", "the database's password");
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        parse(&ABOUT, settings.variables(), &JOBS, &arguments)
    }

    #[test]
    fn flags_do_one_thing_each() {
        assert_eq!(run(&[]), Command::Serve);
        assert_eq!(run(&["--version"]), Command::Print("test-service 1.2.3".into()));
        assert!(matches!(run(&["--verbose"]), Command::Refuse(text) if text.contains("--verbose")));
        assert_eq!(run(&["--migrate-only"]), Command::Job("--migrate-only", None));
        assert_eq!(run(&["--dlq-list", "x"]), Command::Job("--dlq-list", Some("x".to_owned())));
        assert!(matches!(run(&["--migrate-only", "x"]), Command::Refuse(text) if text.contains("`x`")));
        assert!(matches!(run(&["--dlq-list", "x", "y"]), Command::Refuse(text) if text.contains("`y`")));
        assert_eq!(run(&["--dlq-list"]), Command::Job("--dlq-list", None));
        assert!(matches!(run(&["--dlq-replay"]), Command::Refuse(text) if text.contains("needs TOPIC")));
        assert!(matches!(run(&["--help", "me"]), Command::Refuse(text) if text.contains("`me`")));
    }

    #[test]
    fn help_and_schema_name_the_same_variables() {
        let (Command::Print(help), Command::Print(schema)) = (run(&["--help"]), run(&["--config-schema"]))
        else {
            panic!("both print");
        };
        assert!(help.contains("--dlq-list [TOPIC]        shows dead letters"), "{help}");
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let variables = schema["variables"].as_array().unwrap();
        assert!(variables.len() > 5);
        for variable in variables {
            assert!(help.contains(variable["name"].as_str().unwrap()), "{variable}");
        }
        let port = variables.iter().find(|variable| variable["name"] == "PORT").unwrap();
        assert_eq!(
            (&port["type"], &port["default"], &port["secret"]),
            (&json!("number"), &json!("8080"), &json!(false))
        );
        assert!(variables.iter().any(|variable| variable["secret"] == true));
    }
}
