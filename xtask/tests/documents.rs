//! Documents that match the code: what they link to is there, and so are the files and tests they name.
//!
//! A path is checked where it stands in backticks and begins with a folder of the house; `{a,b}` stands for both,
//! and `file.rs::name` for a test in it. What has `<…>`, `*`, `…` or a folder `x` in it is a pattern, and no path.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

const HOUSE: [&str; 8] =
    ["adapters/", "application/", "bootstrap/", "db/", "docs/", "domain/", "proto/", "xtask/"];
/// The example of the guide, which is not part of the shop.
const FICTIONAL: [(&str, &str); 1] =
    [("docs/add-a-use-case.md", "application/product/src/commands/restock_product.rs")];

#[test]
fn links_paths_and_tests_in_documents_are_there() {
    let documents = documents(root());
    assert!(documents.len() > 15, "{documents:?}");
    let wrong: Vec<_> = documents.iter().flat_map(|document| wrong(root(), document)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_declared_fictional_is() {
    for (document, path) in FICTIONAL {
        assert!(fs::read_to_string(root().join(document)).unwrap().contains(path), "{document} → {path}");
        assert!(!root().join(path).exists(), "{path} exists");
    }
}

#[test]
fn what_is_not_there_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("docs")).unwrap();
    fs::create_dir_all(root.join("domain/shop/src")).unwrap();
    fs::write(root.join("domain/shop/src/till.rs"), "#[test]\nfn it_adds_up() {}\n").unwrap();
    let readme = "[good](docs/a.md#top), [bad](docs/none.md), [far](https://a.test/b)\n";
    fs::write(root.join("README.md"), readme).unwrap();
    let good = "`domain/shop/src/till.rs::it_adds_up` `domain/x` `domain/<context>` `cargo test`";
    let bad = "`domain/shop/src/{till,purse}.rs` `domain/shop/src/till.rs::it_multiplies` `domain/gone`";
    let code = "```rust\n[no](link) `domain/nothing`\n```";
    fs::write(root.join("docs/a.md"), format!("[up](../README.md)\n{good}\n\n{code}\n\n{bad}\n")).unwrap();
    let mut found: Vec<_> = documents(root).iter().flat_map(|document| wrong(root, document)).collect();
    found.sort();
    assert_eq!(
        found,
        [
            "README.md: no docs/none.md",
            "docs/a.md: no domain/gone",
            "docs/a.md: no domain/shop/src/purse.rs",
            "docs/a.md: no test it_multiplies in domain/shop/src/till.rs",
        ]
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The readme and everything below `docs`, relative to `root`.
fn documents(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root.join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// What this document names and is not there.
fn wrong(root: &Path, document: &Path) -> Vec<String> {
    let text = prose(&fs::read_to_string(root.join(document)).unwrap());
    let file = root.join(document);
    let here = file.parent().unwrap();
    let dead = links(&text).into_iter().filter(|link| !here.join(link).exists());
    let names = paths(&text).into_iter().flat_map(expand).filter_map(|name| missing(root, document, &name));
    let all = dead.map(|link| format!("no {link}")).chain(names);
    all.map(|what| format!("{}: {what}", document.display())).collect()
}

/// The text without fenced blocks.
fn prose(text: &str) -> String {
    text.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// Relative targets of links, without their fragments.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let files = targets.filter_map(|(target, _)| target.split('#').next());
    files.filter(|target| !target.is_empty() && !target.contains("://")).collect()
}

/// What stands in backticks and is a path of this repository.
fn paths(text: &str) -> Vec<&str> {
    let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let ours = spans.filter(|span| HOUSE.iter().any(|folder| span.starts_with(folder)));
    let pattern = |span: &str| span.contains(['<', '*', '…']) || span.split('/').any(|folder| folder == "x");
    ours.filter(|span| !pattern(span)).collect()
}

/// `a/{b,c}.rs` is `a/b.rs` and `a/c.rs`.
fn expand(span: &str) -> Vec<String> {
    let Some((before, rest)) = span.split_once('{') else { return vec![span.to_owned()] };
    let (choices, after) = rest.split_once('}').unwrap();
    choices.split(',').map(|choice| format!("{before}{}{after}", choice.trim())).collect()
}

fn missing(root: &Path, document: &Path, name: &str) -> Option<String> {
    let (path, test) = name.split_once("::").map_or((name, None), |(path, test)| (path, Some(test)));
    if FICTIONAL.iter().any(|(of, fiction)| document == Path::new(of) && path == *fiction) {
        return None;
    }
    if !root.join(path).exists() {
        return Some(format!("no {path}"));
    }
    let test = test?;
    let source = fs::read_to_string(root.join(path)).unwrap();
    (!source.contains(&format!("fn {test}("))).then(|| format!("no test {test} in {path}"))
}
