//! `cargo xtask architecture`: every edge between crates is legal, or the message says which is not and why.
//!
//! `graph` is what the rules look at; `room` tells from a path what a crate is; each other module is one family
//! of rules and has, beside it, a fixture that fails for each. To add a room, teach `room` and `edges`; to give a
//! library its rooms, add a line to `third_party`.

mod closures;
mod edges;
mod graph;
mod manifest;
mod room;
mod sources;
mod third_party;

use crate::failure::{Failure, Outcome};
use crate::paint::{Colour, paint, say};
use graph::Graph;
use std::fmt;

/// The chapters of docs/architecture.md that messages point to.
const EDGES: &str = "Who may use whom";
const ROOMS: &str = "Third-party rooms";
const NAMES: &str = "A path predicts the crate";
const WIRING: &str = "Wiring";

/// Check that every edge between crates is legal.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Outcome {
    let graph = Graph::load()?;
    let findings = check(&graph);
    if findings.is_empty() {
        let edges: usize = graph.members.iter().map(|member| member.dependencies.len()).sum();
        let verdict = format!("{} crates, {edges} edges, all legal", graph.members.len());
        say!("{} architecture: {verdict}", paint(Colour::Green, "✓"));
        return Ok(());
    }
    for finding in &findings {
        say!("{} {finding}", paint(Colour::Red, "✗"));
    }
    Err(Failure::new(format!("{} architecture rule(s) broken", findings.len())))
}

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The crate, or the edge `from → to`.
    subject: String,
    rule: String,
    chapter: &'static str,
}

impl Finding {
    fn new(subject: impl Into<String>, rule: impl Into<String>, chapter: &'static str) -> Self {
        Self { subject: subject.into(), rule: rule.into(), chapter }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (docs/architecture.md, \"{}\")", self.subject, self.rule, self.chapter)
    }
}

fn check(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in &graph.members {
        findings.extend(manifest::check(member));
        findings.extend(edges::check(graph, member));
        findings.extend(third_party::check(graph, member));
        findings.extend(closures::check(graph, member));
        findings.extend(sources::check(member));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn this_workspace_keeps_all_rules() {
        let findings = check(&Graph::load().unwrap());
        let text: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "\n{}", text.join("\n"));
    }

    #[test]
    fn the_real_graph_is_really_read() {
        let graph = Graph::load().unwrap();
        let product = graph.member("product-http").unwrap();
        assert_eq!(product.path, "adapters/product/http");
        assert!(product.inherits_lints);
        assert!(product.dependencies.iter().any(|dependency| dependency.name == "actix-web"));
        assert!(graph.closure("platform-sqlite").contains("libsqlite3-sys"));
    }

    #[test]
    fn a_message_names_edge_rule_and_chapter() {
        let finding = Finding::new("a → b", "a may not use b", EDGES);
        let text = "a → b: a may not use b (docs/architecture.md, \"Who may use whom\")";
        assert_eq!(finding.to_string(), text);
    }

    #[test]
    fn the_document_has_the_chapters_messages_point_to() {
        let file = workspace::root().join("docs/architecture.md");
        let document = std::fs::read_to_string(&file).unwrap();
        for chapter in [EDGES, ROOMS, NAMES, WIRING] {
            let heading = |line: &str| {
                line.starts_with('#') && line.trim_start_matches(['#', ' ']).starts_with(chapter)
            };
            assert!(document.lines().any(heading), "no chapter \"{chapter}\" in {}", file.display());
        }
    }
}
