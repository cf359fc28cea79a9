//! The few flags a service has.

use std::fmt::Write as _;

use serde_json::json;

use crate::{About, Variable};

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run the service.
    Serve,
    /// Print this and end well.
    Print(String),
    /// Print this to standard error and end with 2.
    Refuse(String),
}

pub(crate) fn parse(about: &About, variables: &[Variable], arguments: &[String]) -> Command {
    match arguments {
        [] => Command::Serve,
        [flag] => match flag.as_str() {
            "--help" | "-h" => Command::Print(help(about, variables)),
            "--version" | "-V" => Command::Print(format!("{} {}", about.name, about.version)),
            "--config-schema" => Command::Print(schema(about, variables)),
            other => refuse(about, other),
        },
        [_, second, ..] => refuse(about, second),
    }
}

fn refuse(about: &About, argument: &str) -> Command {
    Command::Refuse(format!("{}: unknown argument `{argument}`; try `--help`", about.name))
}

fn help(about: &About, variables: &[Variable]) -> String {
    let mut text = format!("{} {}: {}\n\n", about.name, about.version, about.description);
    text.push_str(
        "Usage: no arguments to serve, or one of --help, --version, --config-schema\n\nEnvironment:\n",
    );
    let names = variables.iter().map(|variable| variable.name.len()).max().unwrap_or(0);
    let defaults = variables.iter().map(|variable| shown(variable).len()).max().unwrap_or(0);
    for variable in variables {
        let Variable { name, allowed, description, .. } = variable;
        let default = shown(variable);
        // Writing to a `String` cannot fail.
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

    const ABOUT: About = About { name: "test-service", version: "1.2.3", description: "Tests" };

    fn run(arguments: &[&str]) -> Command {
        let mut settings = Settings::from_pairs([]);
        CommonConfig::declare(&mut settings, 8080);
        settings.secret("DB_PASSWORD", "password", "the database's password");
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        parse(&ABOUT, settings.variables(), &arguments)
    }

    #[test]
    fn flags_do_one_thing_each() {
        assert_eq!(run(&[]), Command::Serve);
        assert_eq!(run(&["--version"]), Command::Print("test-service 1.2.3".into()));
        assert!(matches!(run(&["--verbose"]), Command::Refuse(text) if text.contains("--verbose")));
        assert!(matches!(run(&["--help", "me"]), Command::Refuse(text) if text.contains("`me`")));
    }

    #[test]
    fn help_and_schema_name_the_same_variables() {
        let (Command::Print(help), Command::Print(schema)) = (run(&["--help"]), run(&["--config-schema"]))
        else {
            panic!("both print");
        };
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
