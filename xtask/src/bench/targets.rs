//! The bench targets: which there are, what they need, and how they are built.

use crate::failure::{Context, Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::servers::Kind;
use crate::shell;
use cargo_metadata::Message;
use std::collections::BTreeSet;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Stdio;

/// A bench target, of which a crate may have several. A new one is a line in [`ALL`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) context: &'static str,
    package: &'static str,
    bench: &'static str,
    pub(super) servers: &'static [Kind],
}

const ALL: [Target; 10] = [
    target("product", "product-postgres", "ports", &[Kind::Postgres]),
    target("product", "product-sqlite", "ports", &[]),
    target("basket", "basket-redis", "ports", &[Kind::Redis]),
    target("basket", "basket-sqlite", "ports", &[]),
    target("payment", "payment-mariadb", "ports", &[Kind::MariaDb]),
    target("payment", "payment-sqlite", "ports", &[]),
    target("notification", "notification-postgres", "ports", &[Kind::Postgres]),
    target("notification", "notification-sqlite", "ports", &[]),
    target("events", "platform-events", "log", &[Kind::Kafka]),
    target("events", "platform-events", "relay", &[Kind::Kafka, Kind::Postgres]),
];

const fn target(
    context: &'static str,
    package: &'static str,
    bench: &'static str,
    servers: &'static [Kind],
) -> Target {
    Target { context, package, bench, servers }
}

impl Target {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.package, self.bench)
    }
}

/// Those of the named contexts, of all where none is named.
pub(super) fn chosen(contexts: &[String]) -> Outcome<Vec<&'static Target>> {
    let known: BTreeSet<&str> = ALL.iter().map(|target| target.context).collect();
    if let Some(unknown) = contexts.iter().find(|name| !known.contains(name.as_str())) {
        let names = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Failure::new(format!("there are no benches of {unknown}, only of {names}")));
    }
    let wanted = |target: &&Target| contexts.is_empty() || contexts.iter().any(|name| name == target.context);
    Ok(ALL.iter().filter(wanted).collect())
}

/// Builds all of them in one go; their programs, in the same order.
pub(super) fn build(targets: &[&Target]) -> Outcome<Vec<PathBuf>> {
    let packages: BTreeSet<_> = targets.iter().map(|target| target.package).collect();
    let benches: BTreeSet<_> = targets.iter().map(|target| target.bench).collect();
    let mut command = shell::cargo(["bench", "--no-run", "--message-format", "json-render-diagnostics"]);
    command.args(packages.into_iter().flat_map(|name| ["--package", name]));
    command.args(benches.into_iter().flat_map(|name| ["--bench", name]));
    say!("{}", paint(Colour::Dim, &format!("$ {}", shell::line(&command))));
    let doing = || "building the benches".to_owned();
    let mut cargo = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context(doing)?;
    let output = cargo.stdout.take().ok_or_else(|| Failure::new("cargo has no output"))?;
    let mut built = Vec::new();
    for message in Message::parse_stream(BufReader::new(output)) {
        if let Message::CompilerArtifact(artifact) = message.context(doing)?
            && let Some(program) = artifact.executable
        {
            let manifest = artifact.manifest_path.into_std_path_buf();
            built.push((manifest, artifact.target.name, program.into_std_path_buf()));
        }
    }
    if !cargo.wait().context(doing)?.success() {
        return Err(Failure::new("the benches do not build"));
    }
    targets.iter().map(|target| program_of(target, &built)).collect()
}

type Built = (PathBuf, String, PathBuf);

fn program_of(target: &Target, built: &[Built]) -> Outcome<PathBuf> {
    // Where a crate lies says what it is called.
    let folder = target.package.replacen('-', "/", 1);
    let found = built.iter().find(|(manifest, bench, _)| {
        *bench == target.bench && manifest.parent().is_some_and(|parent| parent.ends_with(&folder))
    });
    let none = || Failure::new(format!("cargo built no bench {}", target.name()));
    found.map(|(_, _, program)| program.clone()).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn contexts_choose_their_benches() {
        assert_eq!(chosen(&[]).unwrap().len(), ALL.len());
        let payment = chosen(&["payment".to_owned()]).unwrap();
        assert_eq!(
            payment.iter().map(|target| target.package).collect::<Vec<_>>(),
            ["payment-mariadb", "payment-sqlite"]
        );
        let error = chosen(&["gateway".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("gateway") && error.contains("basket, events"), "{error}");
    }

    /// What measures no port: it is for whoever works on that crate.
    const OTHERS: [&str; 3] =
        ["gateway-redis decide", "platform-identity verify", "platform-telemetry record"];

    #[test]
    fn every_bench_target_of_the_workspace_is_known() {
        let members = workspace::members().unwrap();
        let mut found: Vec<_> = members
            .packages
            .iter()
            .flat_map(|package| package.targets.iter().map(move |target| (package, target)))
            .filter(|(_, target)| target.is_bench())
            .map(|(package, target)| format!("{} {}", package.name, target.name))
            .collect();
        let mut known: Vec<_> = ALL.iter().map(Target::name).chain(OTHERS.map(str::to_owned)).collect();
        found.sort();
        known.sort();
        assert_eq!(known, found);
    }

    #[test]
    fn a_program_is_found_by_its_crate_and_name() {
        let built = vec![
            (PathBuf::from("/r/adapters/basket/redis/Cargo.toml"), "ports".to_owned(), PathBuf::from("/a")),
            (PathBuf::from("/r/adapters/basket/sqlite/Cargo.toml"), "ports".to_owned(), PathBuf::from("/b")),
        ];
        let of = |package: &str| ALL.iter().find(|target| target.package == package).unwrap();
        assert_eq!(program_of(of("basket-sqlite"), &built).unwrap(), PathBuf::from("/b"));
        assert!(program_of(of("payment-sqlite"), &built).is_err());
    }
}
