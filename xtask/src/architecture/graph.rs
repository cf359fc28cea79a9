//! What the rules look at: the members with what they declare, and what everything resolves to.

use super::sources;
use crate::failure::{Context, Failure, Outcome};
use crate::workspace;
use cargo_metadata::{DependencyKind, Metadata, Package, PackageId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// All crates, as far as the rules care.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) members: Vec<Member>,
    /// From a package (name, and version where it is not ours) to what it is built from, tests left out.
    pub(super) built_from: BTreeMap<String, BTreeSet<String>>,
}

/// One crate of ours.
#[derive(Clone, Debug, Default)]
pub(super) struct Member {
    pub(super) name: String,
    /// Relative to the root, as in `adapters/product/http`.
    pub(super) path: String,
    pub(super) dependencies: Vec<Dependency>,
    /// `[lints] workspace = true`.
    pub(super) inherits_lints: bool,
    /// Source files that call shaku's `module!`.
    pub(super) modules: Vec<String>,
}

/// One declared dependency.
#[derive(Clone, Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// Only tests use it.
    pub(super) dev: bool,
}

impl Graph {
    /// Reads this workspace.
    pub(super) fn load() -> Outcome<Self> {
        let metadata = workspace::resolved()?;
        let members = metadata.workspace_packages().into_iter().map(|package| member(&metadata, package));
        Ok(Self { members: members.collect::<Outcome<_>>()?, built_from: built_from(&metadata)? })
    }

    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The names of everything that crate is built from, directly or not.
    pub(super) fn closure(&self, name: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![name];
        while let Some(next) = waiting.pop() {
            for package in self.built_from.get(next).into_iter().flatten() {
                if seen.insert(package.as_str()) {
                    waiting.push(package);
                }
            }
        }
        seen.into_iter().map(|package| package.split('@').next().unwrap_or(package)).collect()
    }
}

fn member(metadata: &Metadata, package: &Package) -> Outcome<Member> {
    let folder = package.manifest_path.parent().ok_or_else(|| Failure::new("a manifest without a folder"))?;
    let path = folder.strip_prefix(&metadata.workspace_root).unwrap_or(folder).to_string();
    let manifest = std::fs::read_to_string(&package.manifest_path)
        .context(|| format!("reading {}", package.manifest_path))?;
    let dependency = |declared: &cargo_metadata::Dependency| Dependency {
        name: declared.name.clone(),
        dev: declared.kind == DependencyKind::Development,
    };
    Ok(Member {
        name: package.name.to_string(),
        dependencies: package.dependencies.iter().map(dependency).collect(),
        inherits_lints: inherits_lints(&manifest),
        modules: sources::modules(Path::new(folder.as_str()))?,
        path,
    })
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.by_ref().take_while(|line| !line.starts_with('[')).any(|line| line == "workspace = true")
}

fn built_from(metadata: &Metadata) -> Outcome<BTreeMap<String, BTreeSet<String>>> {
    let resolve = metadata.resolve.as_ref().ok_or_else(|| Failure::new("cargo metadata resolved nothing"))?;
    let names: BTreeMap<&PackageId, String> =
        metadata.packages.iter().map(|package| (&package.id, key(package))).collect();
    let name = |id: &PackageId| names.get(id).cloned().unwrap_or_default();
    let of_node = |node: &cargo_metadata::Node| {
        let built = node
            .deps
            .iter()
            .filter(|dependency| dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal));
        (name(&node.id), built.map(|dependency| name(&dependency.pkg)).collect())
    };
    Ok(resolve.nodes.iter().map(of_node).collect())
}

fn key(package: &Package) -> String {
    if package.source.is_none() {
        return package.name.to_string();
    }
    format!("{}@{}", package.name, package.version)
}

/// Fixtures for the tests of the rules.
#[cfg(test)]
pub(super) mod fixture {
    use super::*;

    /// A member that keeps the rules about manifests, with these dependencies; `dev:` marks those of tests.
    pub(crate) fn member(name: &str, path: &str, dependencies: &[&str]) -> Member {
        let dependency = |text: &&str| {
            let (name, dev) = text.strip_prefix("dev:").map_or((*text, false), |name| (name, true));
            Dependency { name: name.to_owned(), dev }
        };
        Member {
            name: name.to_owned(),
            path: path.to_owned(),
            dependencies: dependencies.iter().map(dependency).collect(),
            inherits_lints: true,
            modules: Vec::new(),
        }
    }

    /// A graph of these members, in which each is built from what it declares.
    pub(crate) fn graph(members: Vec<Member>) -> Graph {
        let built = |member: &Member| {
            let names = member.dependencies.iter().filter(|d| !d.dev).map(|d| d.name.clone());
            (member.name.clone(), names.collect())
        };
        Graph { built_from: members.iter().map(built).collect(), members }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_are_found_only_in_their_own_table() {
        assert!(inherits_lints("[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n"));
        assert!(!inherits_lints("[package]\nname = \"x\"\n"));
        assert!(!inherits_lints("[lints]\n\n[dependencies]\nworkspace = true\n"));
        assert!(!inherits_lints("[lints.rust]\nunsafe_code = \"forbid\"\n"));
    }

    #[test]
    fn a_closure_follows_edges_to_the_end_and_stops_at_circles() {
        let edge = |from: &str, to: &[&str]| (from.to_owned(), to.iter().map(|&to| to.to_owned()).collect());
        let built_from = [edge("a", &["b@1.0.0"]), edge("b@1.0.0", &["c@1.0.0", "a"]), edge("d", &["e"])];
        let graph = Graph { members: Vec::new(), built_from: built_from.into_iter().collect() };
        assert_eq!(graph.closure("a").into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
