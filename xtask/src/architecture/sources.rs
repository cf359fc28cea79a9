//! What only sources tell: shaku's `module!` wires a binary, and only binaries are wired.

use super::graph::Member;
use super::room::{Room, room};
use super::{Finding, WIRING};
use crate::failure::{Context, Outcome};
use std::fs;
use std::path::Path;

pub(super) fn check(member: &Member) -> Vec<Finding> {
    if matches!(room(&member.path), Some(Room::Bootstrap(_) | Room::Xtask)) {
        return Vec::new();
    }
    let rule = "`module!` is called in bootstrap only";
    member.modules.iter().map(|file| Finding::new(file, rule, WIRING)).collect()
}

/// The source files under `folder` that call `module!`.
pub(super) fn modules(folder: &Path) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).context(|| format!("reading {}", folder.display()))? {
            let path = entry.context(|| format!("reading {}", folder.display()))?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).context(|| format!("reading {}", path.display()))?;
                found.extend(calls_module(&source).then(|| path.display().to_string()));
            }
        }
    }
    Ok(found)
}

fn calls_module(source: &str) -> bool {
    let code = source.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
    code.into_iter().any(|line| {
        let call = line.strip_prefix("shaku::").unwrap_or(line);
        ["module!{", "module! {", "module!(", "module! ("].iter().any(|start| call.starts_with(start))
    })
}

#[cfg(test)]
mod tests {
    use super::super::graph::fixture::member;
    use super::*;

    #[test]
    fn calls_are_told_from_talk() {
        assert!(calls_module("shaku::module! {\n}"));
        assert!(calls_module("use shaku::module;\n\nmodule! {\n}"));
        assert!(!calls_module("//! `module!` lives in bootstrap.\n"));
        assert!(!calls_module("    // module! { is for binaries\n"));
        assert!(!calls_module("submodule! {}"));
    }

    #[test]
    fn a_module_outside_bootstrap_is_found() {
        let modules = vec!["src/lib.rs".to_owned()];
        let wired =
            Member { modules: modules.clone(), ..member("product-http", "adapters/product/http", &[]) };
        assert_eq!(check(&wired).len(), 1);
        let binary = Member { modules, ..member("product-service", "bootstrap/product", &[]) };
        assert_eq!(check(&binary), []);
    }

    #[test]
    fn files_are_searched_to_the_last_folder() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("src/deep")).unwrap();
        fs::write(folder.path().join("src/deep/wiring.rs"), "module! {}\n").unwrap();
        fs::write(folder.path().join("src/lib.rs"), "//! Nothing.\n").unwrap();
        let found = modules(folder.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("src/deep/wiring.rs"));
    }
}
