//! Money and stock are exact: no floating point where they are decided, translated or kept.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn no_float_where_money_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let sources =
        ["domain", "application", "adapters/payment/events", "db"].map(|folder| files(&root.join(folder)));
    // The gateway reckons with latencies and failure rates, and never sees an amount.
    let gateway = ["domain/gateway", "application/gateway"].map(|folder| root.join(folder));
    let has_money = |file: &PathBuf| !gateway.iter().any(|folder| file.starts_with(folder));
    let sources: Vec<_> = sources.into_iter().flatten().filter(has_money).collect();
    assert!(sources.len() > 200, "only {}", sources.len());
    let found = sources.iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        floats(&text).into_iter().map(|line| format!("{}: {line}", file.display())).collect::<Vec<_>>()
    });
    let found: Vec<_> = found.collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn floats_are_found() {
    for line in [
        "price: f64,",
        "let x = total as f32;",
        "    amount REAL NOT NULL,",
        "sum DOUBLE PRECISION",
        "x FLOAT",
    ] {
        assert_eq!(floats(line), [line], "{line}");
    }
    for line in [
        "price: i64,",
        "// never an f64",
        "-- no REAL here",
        "let realm = 1;",
        "price_minor INTEGER NOT NULL,",
    ] {
        assert!(floats(line).is_empty(), "{line}");
    }
}

/// Rust sources and migrations below `folder`, tests included: what they expect is exact too.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    found
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs" || extension == "sql"))
        .collect()
}

/// The lines that name a floating-point type, comments aside.
fn floats(text: &str) -> Vec<&str> {
    let types = ["f32", "f64", "REAL", "FLOAT", "DOUBLE"];
    let names = |line: &str| {
        let code = line.split("//").next().and_then(|code| code.split("--").next()).unwrap_or_default();
        let mut words = code.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        words.any(|word| types.contains(&word))
    };
    text.lines().filter(|line| names(line)).collect()
}
