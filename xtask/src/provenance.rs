//! Licences and sources of everything in `Cargo.lock`, for all platforms and features, tests and builds included.
//!
//! `deny.toml` is the law, in the form that cargo-deny reads: `policy` takes from it what concerns us, `spdx` reads
//! licence expressions. Nothing has to be installed for this.

mod policy;
mod spdx;

use crate::failure::{Context, Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::workspace;
use cargo_metadata::Metadata;
use policy::Policy;

/// Says what was checked.
pub(crate) fn check() -> Outcome<String> {
    let packages = foreign(&workspace::locked()?);
    let findings = findings(&Policy::load()?, &packages);
    if findings.is_empty() {
        return Ok(format!("{} packages: all licences on the list, all sources known", packages.len()));
    }
    for finding in &findings {
        say!("{} {finding}", paint(Colour::Red, "✗"));
    }
    Err(Failure::new(format!("{} package(s) against deny.toml", findings.len())))
}

/// One package that is not ours.
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    /// As in `Cargo.lock`; a path has none.
    source: Option<String>,
}

fn foreign(metadata: &Metadata) -> Vec<Package> {
    let theirs = metadata.packages.iter().filter(|package| !metadata.workspace_members.contains(&package.id));
    let package = |package: &cargo_metadata::Package| Package {
        name: package.name.to_string(),
        version: package.version.to_string(),
        licence: package.license.clone(),
        source: package.source.as_ref().map(|source| source.repr.clone()),
    };
    theirs.map(package).collect()
}

fn findings(policy: &Policy, packages: &[Package]) -> Vec<String> {
    let problems = |package: &Package| {
        let found = [licence(policy, package), source(policy, package)].into_iter().flatten();
        let what = format!("{} {}", package.name, package.version);
        found.map(|problem| format!("{what}: {problem}")).collect::<Vec<_>>()
    };
    packages.iter().flat_map(problems).collect()
}

fn licence(policy: &Policy, package: &Package) -> Option<String> {
    let Some(expression) = &package.licence else { return Some("names no licence".to_owned()) };
    match spdx::satisfied(expression, |licence| policy.allows(&package.name, licence)) {
        Ok(true) => None,
        Ok(false) => Some(format!("licence `{expression}` is not covered by the allow-list")),
        Err(problem) => Some(format!("licence `{expression}` cannot be read: {problem}")),
    }
}

fn source(policy: &Policy, package: &Package) -> Option<String> {
    match &package.source {
        Some(source) if policy.knows(source) => None,
        Some(source) => Some(format!("comes from {source}")),
        None => Some("comes from a path outside of the workspace".to_owned()),
    }
}

impl Policy {
    fn load() -> Outcome<Self> {
        let file = workspace::root().join("deny.toml");
        let text = std::fs::read_to_string(&file).context(|| format!("reading {}", file.display()))?;
        Self::read(&text).context(|| "deny.toml".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
    const POLICY: &str = r#"
[licenses]
allow = ["Apache-2.0", "MIT"]
exceptions = [
    # Its data is under a licence of its own.
    { crate = "tables", allow = ["Unicode-3.0"] },
]
"#;

    fn found(name: &str, licence: Option<&str>, source: Option<&str>) -> Vec<String> {
        let package = Package {
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            licence: licence.map(str::to_owned),
            source: source.map(str::to_owned),
        };
        findings(&Policy::read(POLICY).unwrap(), &[package])
    }

    #[test]
    fn what_this_workspace_uses_is_in_order() {
        let packages = foreign(&workspace::locked().unwrap());
        assert!(packages.len() > 200 && packages.iter().any(|package| package.name == "actix-web"));
        let findings = findings(&Policy::load().unwrap(), &packages);
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }

    #[test]
    fn a_licence_off_the_list_is_found() {
        let expected = "lib 1.2.3: licence `GPL-3.0-only AND MIT` is not covered by the allow-list";
        assert_eq!(found("lib", Some("GPL-3.0-only AND MIT"), Some(CRATES_IO)), [expected]);
        assert!(found("lib", Some("GPL-3.0-only OR MIT"), Some(CRATES_IO)).is_empty());
    }

    #[test]
    fn an_exception_is_for_one_crate() {
        assert!(found("tables", Some("MIT AND Unicode-3.0"), Some(CRATES_IO)).is_empty());
        assert_eq!(found("lib", Some("MIT AND Unicode-3.0"), Some(CRATES_IO)).len(), 1);
    }

    #[test]
    fn no_licence_and_one_nobody_can_read_are_found() {
        assert_eq!(found("lib", None, Some(CRATES_IO)), ["lib 1.2.3: names no licence"]);
        let unreadable = found("lib", Some("MIT OR (Apache-2.0"), Some(CRATES_IO));
        assert!(unreadable[0].contains("cannot be read"), "{unreadable:?}");
    }

    #[test]
    fn sources_other_than_crates_io_are_found() {
        let git = "git+https://git.test/lib?rev=1#1";
        assert_eq!(found("lib", Some("MIT"), Some(git)), [format!("lib 1.2.3: comes from {git}")]);
        assert_eq!(found("lib", Some("MIT"), Some("registry+https://crates.test/index")).len(), 1);
        let path = "lib 1.2.3: comes from a path outside of the workspace";
        assert_eq!(found("lib", Some("MIT"), None), [path]);
        assert_eq!(found("lib", Some("GPL-3.0-only"), None).len(), 2);
    }
}
